//! From the forest to the lines of the table: branches, folds, the second line of who blocks.

use std::collections::BTreeSet;

use crate::model::locks::{Fold, Forest, Node, Since, Who};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

/// The identity of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id {
    /// A session, a parallel group or a prepared transaction.
    Node(Who),
    /// Its second line.
    Detail(Who),
    /// Siblings that wait alike.
    Fold(FoldId),
}

/// The identity of a fold: where it hangs, what its members wait for, in which mode.
pub(super) type FoldId = (Option<Who>, String, String);

/// What the user opened and closed.
#[derive(Clone, Debug, Default)]
pub(super) struct Opened {
    /// Folds that show their members.
    pub folds: BTreeSet<FoldId>,
    /// Nodes that hide what is below them.
    pub closed: BTreeSet<Who>,
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub id: Id,
    /// The node it is about; for a fold, the first member.
    pub node: usize,
    prefix: String,
    depth: u16,
    mark: Option<Role>,
    role: Option<Role>,
    pid: String,
    since: String,
    seconds: Option<f64>,
    frees: Option<usize>,
    state: String,
    database: String,
    user: String,
    application: String,
    object: String,
    whole: Option<(String, Role)>,
}

impl Record for Row {
    type Id = Id;

    fn id(&self) -> Id {
        self.id.clone()
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        self.role
    }

    fn mark(&self) -> Option<Role> {
        self.mark
    }

    fn marked() -> bool {
        true
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn depth(&self) -> u16 {
        self.depth
    }

    fn whole(&self) -> Option<Cell<'_>> {
        (self.whole.as_ref()).map(|(text, role)| Cell::new(text.as_str(), *role))
    }

    fn selectable(&self) -> bool {
        !matches!(self.id, Id::Detail(_))
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "pid",
        title: "PID",
        help: "process id, +2w with two parallel workers; 2PC is a prepared transaction",
        width: Width::Fit(6, 22),
        align: Align::Left,
        cell: |row| Cell::text(row.pid.as_str()),
        key: |row| Key::from(row.pid.as_str()),
    },
    Column {
        id: "since",
        title: "SINCE",
        help: "how long it waits, \u{2264} where the server does not say when the wait began; of a root, how old its transaction is",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| Cell::text(row.since.as_str()),
        key: |row| Key::from(row.seconds),
    },
    Column {
        id: "frees",
        title: "FREES",
        help: "sessions that wait only because of it, directly or through others",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| match row.frees {
            None => Cell::empty(),
            Some(0) => Cell::new("0", Role::Muted),
            Some(count) => Cell::text(format::count(count)),
        },
        key: |row| Key::from(row.frees),
    },
    Column {
        id: "state",
        title: "STATE / WAITS FOR",
        help: "what a root does; the lock mode a waiter wants",
        width: Width::Fit(17, 27),
        align: Align::Left,
        cell: |row| Cell::text(row.state.as_str()),
        key: |row| Key::from(row.state.as_str()),
    },
    Column {
        id: "database",
        title: "DATABASE",
        help: "the database of the session",
        width: Width::Fit(8, 16),
        align: Align::Left,
        cell: |row| Cell::text(row.database.as_str()),
        key: |row| Key::from(row.database.as_str()),
    },
    Column {
        id: "user",
        title: "USER",
        help: "the role of the session",
        width: Width::Fit(4, 14),
        align: Align::Left,
        cell: |row| Cell::text(row.user.as_str()),
        key: |row| Key::from(row.user.as_str()),
    },
    Column {
        id: "app",
        title: "APPLICATION",
        help: "application_name",
        width: Width::Fit(11, 20),
        align: Align::Left,
        cell: |row| Cell::text(row.application.as_str()),
        key: |row| Key::from(row.application.as_str()),
    },
    Column {
        id: "object",
        title: "OBJECT",
        help: "what is waited for; row (page,tuple) of a table for a row",
        width: Width::Rest(20),
        align: Align::Left,
        cell: |row| Cell::text(row.object.as_str()),
        key: |row| Key::from(row.object.as_str()),
    },
];

/// The lines, roots first; `everything` also where the user closed something.
pub(super) fn rows(forest: &Forest, opened: &Opened, everything: bool) -> Vec<Row> {
    let mut writer = Writer {
        forest,
        opened,
        everything,
        rows: Vec::new(),
    };
    writer.level(None, &forest.roots, "");
    writer.rows
}

/// One line to be among siblings.
#[derive(Clone, Copy)]
enum Item<'a> {
    Node(usize, &'a Node),
    Fold(&'a Fold, bool),
}

struct Writer<'a> {
    forest: &'a Forest,
    opened: &'a Opened,
    everything: bool,
    rows: Vec<Row>,
}

impl<'a> Writer<'a> {
    /// Siblings and what is below them; `before` are the branches of the levels above.
    fn level(&mut self, parent: Option<usize>, siblings: &'a [usize], before: &str) {
        let items = self.items(parent, siblings);
        let last = items.len().saturating_sub(1);
        for (position, item) in items.into_iter().enumerate() {
            let (branch, beyond) = match (parent, position == last) {
                (None, _) => ("", ""),
                (Some(_), false) => ("├ ", "│ "),
                (Some(_), true) => ("└ ", "  "),
            };
            match item {
                Item::Fold(fold, open) => self.fold(parent, fold, open, format!("{before}{branch}")),
                Item::Node(index, node) => {
                    self.node(index, node, format!("{before}{branch}"));
                    let below = format!("{before}{beyond}");
                    let shut = !self.everything && self.opened.closed.contains(&node.who);
                    self.detail(index, node, &below, shut);
                    if !shut {
                        self.below(index, node, &below);
                    }
                }
            }
        }
    }

    fn below(&mut self, index: usize, node: &'a Node, before: &str) {
        if usize::from(node.depth) < DEEPEST {
            self.level(Some(index), &node.children, before);
        } else if !node.children.is_empty() {
            let text = format!(
                "{} wait for it: more than {DEEPEST} levels are not shown",
                node.children.len()
            );
            self.rows.push(Row {
                whole: Some((text, Role::Warning)),
                id: Id::Detail(node.who.clone()),
                ..blank(index, node.depth.saturating_add(1), before.to_owned())
            });
        }
    }

    fn items(&self, parent: Option<usize>, siblings: &[usize]) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        for &index in siblings {
            let Some(node) = self.forest.nodes.get(index) else {
                continue;
            };
            let fold = node.fold.and_then(|fold| self.forest.folds.get(fold));
            let open = self.everything
                || fold.is_none_or(|fold| self.opened.folds.contains(&fold_id(self.forest, parent, fold)));
            if open {
                items.push(Item::Node(index, node));
            }
            if let Some(fold) = fold.filter(|fold| fold.members.last() == Some(&index)) {
                items.push(Item::Fold(fold, open));
            }
        }
        items
    }

    fn fold(&mut self, parent: Option<usize>, fold: &Fold, open: bool, prefix: String) {
        let Some(&first) = fold.members.first() else { return };
        let node = self.forest.nodes.get(first);
        self.rows.push(Row {
            whole: Some((fold_text(self.forest, fold, open), Role::Muted)),
            id: Id::Fold(fold_id(self.forest, parent, fold)),
            object: fold.object.clone(),
            ..blank(first, node.map_or(0, |node| node.depth), prefix)
        });
    }

    fn node(&mut self, index: usize, node: &Node, prefix: String) {
        let idle = node.idle_in_transaction() || matches!(node.who, Who::Prepared(_));
        let stuck = node.parent.is_none() && node.wait.is_none() && idle;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let prepared = node.prepared.as_ref();
        self.rows.push(Row {
            id: Id::Node(node.who.clone()),
            mark: mark(node, stuck),
            role: stuck.then_some(Role::Critical),
            pid: pid(node),
            since: since(node),
            seconds: node.since.map(|since| since.seconds).or_else(|| node.age()),
            frees: Some(node.frees),
            state: state(node),
            database: prepared.map_or_else(|| text(&node.session.datname), |prepared| prepared.database.clone()),
            user: prepared.map_or_else(|| text(&node.session.usename), |prepared| prepared.owner.clone()),
            application: text(&node.session.application_name),
            object: node.object.clone(),
            ..blank(index, node.depth, prefix)
        });
    }

    /// What a root is and what blockers run: the line under who has others below.
    fn detail(&mut self, index: usize, node: &Node, below: &str, shut: bool) {
        if node.direct == 0 && node.also_behind.is_empty() && !node.ring {
            return;
        }
        let bar = if node.children.is_empty() || shut { "  " } else { "│ " };
        self.rows.push(Row {
            id: Id::Detail(node.who.clone()),
            whole: Some((detail(node), Role::Muted)),
            ..blank(index, node.depth.saturating_add(1), format!("{below}{bar}"))
        });
    }
}

/// Levels drawn: deeper ones have no room on any screen.
const DEEPEST: usize = 200;

fn blank(node: usize, depth: u16, prefix: String) -> Row {
    Row {
        id: Id::Detail(Who::Prepared(String::new())),
        node,
        prefix,
        depth,
        mark: None,
        role: None,
        pid: String::new(),
        since: String::new(),
        seconds: None,
        frees: None,
        state: String::new(),
        database: String::new(),
        user: String::new(),
        application: String::new(),
        object: String::new(),
        whole: None,
    }
}

pub(super) fn fold_id(forest: &Forest, parent: Option<usize>, fold: &Fold) -> FoldId {
    let parent = parent
        .and_then(|parent| forest.nodes.get(parent))
        .map(|node| node.who.clone());
    (parent, fold.object.clone(), fold.mode.clone())
}

fn mark(node: &Node, stuck: bool) -> Option<Role> {
    match node.parent {
        _ if node.ring => Some(Role::Warning),
        None if stuck && node.frees > 0 => Some(Role::Critical),
        None => Some(Role::Warning),
        Some(_) => None,
    }
}

/// The pid with the number of its parallel workers; `2PC` without a process.
pub(super) fn pid(node: &Node) -> String {
    match (&node.who, node.workers.len()) {
        (Who::Prepared(_), _) => "2PC".to_owned(),
        (Who::Backend { pid, .. }, 0) => pid.to_string(),
        (Who::Backend { pid, .. }, workers) => format!("{pid} +{workers}w"),
    }
}

fn since(node: &Node) -> String {
    match (&node.wait, node.since) {
        (_, Some(since)) => length(since),
        (Some(_), None) => format::NONE.to_owned(),
        (None, None) => node.age().map_or_else(|| format::NONE.to_owned(), format::duration),
    }
}

/// A wait: `4m12s`, `≤4m12s` where it may be shorter.
pub(super) fn length(since: Since) -> String {
    let sign = if since.at_most { "≤" } else { "" };
    format!("{sign}{}", format::duration(since.seconds))
}

fn state(node: &Node) -> String {
    match &node.wait {
        Some(_) => format!("waits {}", node.mode),
        None => doing(node),
    }
}

/// What a session that does not wait for a lock does.
pub(super) fn doing(node: &Node) -> String {
    let session = &node.session;
    match (&node.who, &session.state, &session.backend_type) {
        (Who::Prepared(_), _, _) => "prepared transaction".to_owned(),
        (_, Some(state), _) => state.clone(),
        (_, None, Some(backend)) => backend.clone(),
        (_, None, None) if session.hidden => "(hidden)".to_owned(),
        // It held the lock when the waiters were read and is not among the sessions any more.
        (_, None, None) => "(not listed)".to_owned(),
    }
}

fn fold_text(forest: &Forest, fold: &Fold, open: bool) -> String {
    let members = || fold.members.iter().filter_map(|&member| forest.nodes.get(member));
    let count = fold.members.len();
    if open {
        return format!("fold these {count} again");
    }
    let since = |node: &Node| node.since.or_else(|| node.age().map(plain));
    let longest = members()
        .filter_map(since)
        .max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let longest = longest.map_or_else(String::new, |since| format!(", longest {}", length(since)));
    format!("+{count} more like these{longest} · {} · {}", fold.mode, fold.object)
}

const fn plain(seconds: f64) -> Since {
    Since {
        seconds,
        at_most: false,
    }
}

/// The second line: what it holds, who it is, what it runs or ran last.
fn detail(node: &Node) -> String {
    let mut facts = Vec::new();
    if node.ring {
        facts.push("in a ring of waits: a deadlock not looked for yet".to_owned());
    }
    if let [first, rest @ ..] = node.also_behind.as_slice() {
        let more = if rest.is_empty() {
            String::new()
        } else {
            format!(" and {} more", rest.len())
        };
        facts.push(format!("also behind {}{more}", name(first)));
    }
    if node.wait.is_none() && !node.mode.is_empty() {
        facts.push(format!("holds {}", node.mode));
    }
    if node.frees < node.direct {
        facts.push(format!("in the way of {}, not alone", node.direct));
    }
    facts.extend(identity(node));
    facts.push(query(node));
    facts.retain(|fact| !fact.is_empty());
    facts.join(" · ")
}

/// Who it is, for people.
pub(super) fn identity(node: &Node) -> Vec<String> {
    if let Some(prepared) = &node.prepared {
        let locks = format!("{} locks", prepared.locks);
        return vec![
            format!("gid {}", prepared.gid),
            format!("{}@{}", prepared.owner, prepared.database),
            locks,
        ];
    }
    let session = &node.session;
    let whose = match (&session.usename, &session.datname) {
        (Some(user), Some(database)) => format!("{user}@{database}"),
        (user, database) => user.as_ref().or(database.as_ref()).cloned().unwrap_or_default(),
    };
    let application = session.application_name.clone().unwrap_or_default();
    vec![application, whose, session.client.clone().unwrap_or_default()]
}

/// Its statement, or the last one if it runs none.
pub(super) fn query(node: &Node) -> String {
    match node.session.query.as_deref().filter(|query| !query.trim().is_empty()) {
        Some(query) if node.idle_in_transaction() => format!("last: {query}"),
        Some(query) => query.to_owned(),
        None if node.session.hidden => "(text hidden)".to_owned(),
        None => String::new(),
    }
}

fn name(who: &Who) -> String {
    match who {
        Who::Backend { pid, .. } => format!("pid {pid}"),
        Who::Prepared(_) => "a prepared transaction".to_owned(),
    }
}
