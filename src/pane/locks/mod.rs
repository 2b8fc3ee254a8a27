//! Locks: who waits for whom, root cause first, and what waits without being a lock.

mod rows;
mod seek;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::common::{self, Notice, grant, query_copy};
use super::{Badge, Copy, Reply, View};
use crate::action::Action;
use crate::alert::Jump;
use crate::known::Freshness;
use crate::model::concern::Severity;
use crate::model::locks::beside::{self, Beside};
use crate::model::locks::{Forest, Node, Who};
use crate::model::remedy;
use crate::probe::activity::Activity;
use crate::probe::locks::Locks as Probe;
use crate::probe::prepared::PreparedXacts;
use crate::probe::{Probe as _, Subject};
use crate::ui::filter::Filter;
use crate::ui::format;
use crate::ui::look::{Look, Role};
use crate::ui::table::{self, Record, Table};
use crate::ui::text;
use crate::world::World;
use rows::{FoldId, Id, Opened, Row};

/// A wait longer than this many seconds makes the tab's mark critical.
const CRITICAL_S: f64 = 60.0;
/// A shorter longest wait than this is only a notice: locks that are waited for briefly are normal.
const WARNING_S: f64 = 5.0;
/// Lines for waits that are no locks.
const BESIDE_LINES: usize = 3;

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    Box::<Locks>::default()
}

/// The pane.
#[derive(Debug)]
struct Locks {
    table: Table<Row>,
    forest: Arc<Forest>,
    opened: Opened,
    beside: Vec<Beside>,
    head: Vec<(String, Role)>,
    /// Said below the rows, or instead of them.
    notice: Option<Notice>,
    /// The same in lines that fit.
    notice_lines: Vec<String>,
    stale: bool,
}

impl Default for Locks {
    fn default() -> Self {
        Self {
            table: Table::unsorted(),
            forest: Arc::default(),
            opened: Opened::default(),
            beside: Vec::new(),
            head: Vec::new(),
            notice: None,
            notice_lines: Vec::new(),
            stale: false,
        }
    }
}

impl Locks {
    fn node(&self) -> Option<&Node> {
        self.forest.nodes.get(self.table.selected()?.node)
    }

    fn load(&mut self, world: &World) {
        self.forest = world.forest.clone().unwrap_or_default();
        self.fill();
    }

    fn fill(&mut self) {
        // A filter is to find what is folded away, too.
        let everything = !self.table.filter().is_empty();
        self.table.set_rows(rows::rows(&self.forest, &self.opened, everything));
    }

    /// Opens or closes what the line stands for.
    fn toggle(&mut self) -> Reply {
        let Some(id) = self.table.selected().map(Record::id) else {
            return Reply::Ignored;
        };
        match id {
            Id::Fold(fold) => self.toggle_fold(fold),
            Id::Node(who) if self.opened.closed.remove(&who) => {}
            Id::Node(who) => match self.node() {
                Some(node) if !node.children.is_empty() => {
                    self.opened.closed.insert(who);
                }
                Some(node) => {
                    let fold = node.fold.and_then(|fold| self.forest.folds.get(fold));
                    let Some(fold) = fold.map(|fold| rows::fold_id(&self.forest, fold.parent, fold)) else {
                        return Reply::Ignored;
                    };
                    self.table.select(Id::Fold(fold.clone()));
                    self.toggle_fold(fold);
                }
                None => return Reply::Ignored,
            },
            Id::Detail(_) => return Reply::Ignored,
        }
        self.fill();
        Reply::Taken
    }

    fn toggle_fold(&mut self, fold: FoldId) {
        if !self.opened.folds.remove(&fold) {
            self.opened.folds.insert(fold);
        }
    }

    fn enter(&mut self) -> Reply {
        match self.table.selected().map(Record::id) {
            Some(Id::Fold(_)) => self.toggle(),
            Some(Id::Node(Who::Backend { pid, start })) => Reply::Open(Subject::Backend { pid, start }),
            Some(Id::Node(Who::Prepared(_))) => {
                Reply::Tell("A prepared transaction has no process; y copies its ROLLBACK PREPARED.".to_owned())
            }
            _ => Reply::Ignored,
        }
    }

    /// Opens the table that is waited for.
    fn object(&self) -> Reply {
        let Some(node) = self.node() else {
            return Reply::Ignored;
        };
        self.forest.relation(node).map_or_else(
            || Reply::Tell("No table of this database is waited for here.".to_owned()),
            |oid| Reply::Open(Subject::Relation(oid)),
        )
    }

    /// What has to be said beside the rows.
    fn notice(&self, world: &World) -> Option<Notice> {
        if world.get::<Probe>().is_none() {
            return Some(Notice::absent::<Probe>(world, "Asking who waits for a lock."));
        }
        if let Some(failed) = Notice::failed::<Probe>(world) {
            return Some(failed);
        }
        match self.table.shown_of() {
            (0, 0) => None,
            (0, _) => Some(Notice::new(Role::Muted, "No session matches the filter.")),
            _ if self.forest.hidden > 0 => Some(self.hidden(world)),
            _ => None,
        }
    }

    fn hidden(&self, world: &World) -> Notice {
        let sessions = sessions(self.forest.hidden);
        let what = format!("Every wait is shown; the texts of {sessions} are");
        Notice::hidden(&what, &grant(world))
    }

    fn calm(&self, world: &World) -> bool {
        self.forest.nodes.is_empty()
            && !matches!(world.freshness(Probe::SPEC.id), Freshness::Failed | Freshness::Loading)
    }

    fn parts(&self, area: Rect) -> Parts {
        let take = |rest: &mut Rect, lines: usize| {
            let lines = u16::try_from(lines).unwrap_or(u16::MAX).min(rest.height);
            rest.height -= lines;
            Rect {
                y: rest.bottom(),
                height: lines,
                ..*rest
            }
        };
        let mut rest = area;
        let head = Rect {
            height: rest.height.min(1),
            ..rest
        };
        rest.y += head.height;
        rest.height -= head.height;
        let below = if self.forest.nodes.is_empty() {
            0
        } else {
            self.notice_lines.len()
        };
        let notice = take(&mut rest, below);
        let about = take(
            &mut rest,
            if area.height >= 14 && !self.forest.nodes.is_empty() {
                2
            } else {
                0
            },
        );
        let wanted = match self.beside.len() {
            0 => 0,
            groups if area.height >= 10 => groups.min(BESIDE_LINES) + 1,
            _ => 1,
        };
        let beside = take(&mut rest, wanted);
        Parts {
            head,
            table: rest,
            beside,
            about,
            notice,
        }
    }

    /// Nobody waits, and how that is known; or why nothing is known.
    fn draw_nothing(&self, pen: &mut Pen<'_>, world: &World, area: Rect) {
        let calm = self.calm(world).then(|| calm(world, pen.look, !self.beside.is_empty()));
        if let Some(calm) = &calm {
            pen.line(area, 0, &calm.text, calm.role);
        }
        self.draw_notice(pen, area, u16::from(calm.is_some()));
    }

    fn draw_notice(&self, pen: &mut Pen<'_>, area: Rect, from: u16) {
        let role = self.notice.as_ref().map_or(Role::Muted, |notice| notice.role);
        for (text, line) in self.notice_lines.iter().zip(from..) {
            pen.line(area, line, text, role);
        }
    }

    /// The selected session in two lines: who it is, what it runs.
    fn draw_about(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some(node) = self.node().filter(|_| area.height == 2) else {
            return;
        };
        let mut facts = vec![format!("{} {}", rows::pid(node), rows::doing(node))];
        facts.extend(rows::identity(node).into_iter().filter(|fact| !fact.is_empty()));
        facts.extend(
            node.session
                .xact_s
                .map(|age| format!("transaction {}", format::duration(age))),
        );
        pen.line(area, 0, &facts.join(" · "), Role::Header);
        pen.line(area, 1, &rows::query(node), Role::Text);
    }

    fn draw_beside(&self, pen: &mut Pen<'_>, area: Rect) {
        if area.height == 1 {
            let waits: usize = self.beside.iter().map(|group| group.sessions).sum();
            pen.line(
                area,
                0,
                &format!("{} more waiting, but not for locks", sessions(waits)),
                Role::Notice,
            );
            return;
        }
        pen.line(area, 0, "not locks, but waiting", Role::Title);
        for (group, line) in self.beside.iter().zip(1..area.height) {
            let longest =
                (group.longest).map_or_else(String::new, |longest| format!(" up to {}", format::duration(longest)));
            let line_text = format!(
                "  {} {}{longest}: {}",
                sessions(group.sessions),
                group.event,
                group.means
            );
            pen.line(area, line, &line_text, Role::Text);
        }
    }
}

fn sessions(count: usize) -> String {
    format::counted(count, "session", "sessions")
}

/// Where things stand.
struct Parts {
    head: Rect,
    table: Rect,
    beside: Rect,
    about: Rect,
    notice: Rect,
}

struct Pen<'a> {
    look: &'a Look,
    buf: &'a mut Buffer,
}

impl Pen<'_> {
    fn line(&mut self, area: Rect, line: u16, text: &str, role: Role) {
        if line < area.height {
            let at = (area.x + 1, area.y + line);
            let cells = area.width.saturating_sub(1);
            text::put(self.buf, at, cells, text, self.look.style(role), self.look.glyphs);
        }
    }
}

/// Nobody waits, by whose word and of when. It is no all-clear where something else is waited for.
fn calm(world: &World, look: &Look, beside: bool) -> Notice {
    let ago = |age: std::time::Duration| format::age(age.as_secs_f64());
    let (freshness, source) = match world.freshness(Probe::SPEC.id) {
        Freshness::Fresh(age) => (Freshness::Fresh(age), format!(" (pg_locks, {} ago)", ago(age))),
        // Then the activity sample is the witness, and its word is as good as it is new.
        Freshness::Skipped(_) => (world.freshness(Activity::SPEC.id), String::new()),
        other => (other, String::new()),
    };
    let (ok, stale) = (look.glyphs.ok, look.glyphs.stale);
    match freshness {
        Freshness::Stale(age) => Notice::new(
            Role::Stale,
            format!("{stale} Nobody waited for a lock {} ago.", ago(age)),
        ),
        _ if beside => Notice::new(
            Role::Text,
            format!("Nobody waits for a lock{source}, but for other things:"),
        ),
        _ => Notice::new(Role::Ok, format!("{ok} Nobody waits for a lock{source}.")),
    }
}

/// The line above the table: how many, how long, and what is missing.
fn head(forest: &Forest) -> Vec<(String, Role)> {
    if forest.nodes.is_empty() {
        return Vec::new();
    }
    let roots = forest.roots.len();
    let mut head = vec![
        (format!("{} waiting", format::count(forest.waiting)), Role::Title),
        (format::counted(roots, "root", "roots"), Role::Text),
    ];
    if let Some(longest) = forest.longest {
        head.push((format!("longest {}", rows::length(longest)), Role::Text));
    }
    if forest.rings > 0 {
        head.push((
            format!("{} of waits", format::counted(forest.rings, "ring", "rings")),
            Role::Warning,
        ));
    }
    if forest.all > forest.asked {
        let (asked, all) = (format::count(forest.asked), format::count(forest.all));
        head.push((format!("shows {asked} of {all} waits"), Role::Warning));
    }
    head
}

/// Whom a statement hits.
fn remedy_who<'a>(node: &'a Node, pid: i32, world: &World) -> remedy::Who<'a> {
    let session = &node.session;
    remedy::Who {
        pid,
        user: session.usename.as_deref(),
        database: session.datname.as_deref(),
        application: session.application_name.as_deref(),
        client: session.client.as_deref(),
        state: session.state.as_deref().or(session.backend_type.as_deref()),
        since: world.began::<Probe>(session.state_s),
    }
}

/// The statements that end what a node holds, the fitting one first.
fn remedies(node: &Node, world: &World) -> Vec<Copy> {
    match &node.who {
        Who::Backend { pid, .. } => {
            let copies = remedy::copies(&remedy_who(node, *pid, world));
            copies.into_iter().map(Copy::from).collect()
        }
        Who::Prepared(_) => (node.prepared.iter())
            .map(|one| {
                let since = world.began::<PreparedXacts>(one.age_s);
                let text = remedy::rollback_prepared(&one.gid, &one.owner, &one.database, since);
                Copy::new("ROLLBACK PREPARED", text)
            })
            .collect(),
    }
}

impl View for Locks {
    fn id(&self) -> &'static str {
        "locks"
    }

    fn title(&self) -> String {
        "Locks".to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![Probe::SPEC.id, PreparedXacts::SPEC.id, Activity::SPEC.id]
    }

    fn actions(&self) -> Vec<Action> {
        const ALL: &[Action] = &[
            Action::Enter,
            Action::Object,
            Action::Fold,
            Action::Up,
            Action::Down,
            Action::PageUp,
            Action::PageDown,
            Action::First,
            Action::Last,
            Action::Left,
            Action::Right,
        ];
        // Without a row there is nothing to open or to fold.
        let without = if self.table.selected().is_some() { 0 } else { 3 };
        ALL.get(without..).unwrap_or_default().to_vec()
    }

    fn derive(&mut self, world: &World) {
        self.stale = matches!(world.freshness(Probe::SPEC.id), Freshness::Stale(_));
        self.load(world);
        self.beside = world
            .get::<Activity>()
            .map(|backends| beside::beside(backends))
            .unwrap_or_default();
        self.head = head(&self.forest);
        self.notice = self.notice(world);
    }

    fn arrange(&mut self, area: Rect) {
        let cells = usize::from(area.width.saturating_sub(2));
        let notice = self.notice.as_ref();
        self.notice_lines = notice.map(|notice| text::wrap(&notice.text, cells)).unwrap_or_default();
        let table = self.parts(area).table;
        self.table.arrange(table);
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        match action {
            Action::Enter => {
                self.table.choose();
                self.enter()
            }
            Action::Fold => {
                self.table.choose();
                self.toggle()
            }
            Action::Object => {
                self.table.choose();
                self.object()
            }
            // The order of a tree is its meaning.
            Action::SortPrev | Action::SortNext | Action::Reverse => Reply::Ignored,
            action if self.table.on(action) => Reply::Taken,
            _ => Reply::Ignored,
        }
    }

    fn seek(&mut self, jump: &Jump) -> bool {
        jump.row.as_ref().is_none_or(|thing| self.go_to(thing))
    }

    fn draw(&self, world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let parts = self.parts(area);
        let mut pen = Pen { look, buf };
        if self.forest.nodes.is_empty() {
            self.draw_nothing(&mut pen, world, area);
            self.draw_beside(&mut pen, parts.beside);
            return;
        }
        let mut x = parts.head.x + 1;
        for (fact, role) in &self.head {
            let cells = parts.head.right().saturating_sub(x);
            let style = look.style(*role);
            x += text::put(pen.buf, (x, parts.head.y), cells, fact, style, look.glyphs) + 3;
        }
        let options = table::Options {
            stale: self.stale,
            unfocused: false,
        };
        self.table.draw(look, parts.table, pen.buf, options);
        self.draw_beside(&mut pen, parts.beside);
        self.draw_about(&mut pen, parts.about);
        self.draw_notice(&mut pen, parts.notice, 0);
    }

    fn badge(&self) -> Option<Badge> {
        let hung = self.beside.iter().filter(|group| group.hangs());
        let beside: usize = hung.clone().map(|group| group.sessions).sum();
        let longest = self.forest.longest.map_or(0.0, |longest| longest.seconds);
        let longest = hung.filter_map(|group| group.longest).fold(longest, f64::max);
        let severity = match longest {
            _ if self.forest.rings > 0 => Severity::Critical,
            longest if longest >= CRITICAL_S => Severity::Critical,
            longest if longest >= WARNING_S => Severity::Warning,
            _ => Severity::Notice,
        };
        let count = self
            .forest
            .waiting
            .max(self.forest.all.saturating_sub(self.forest.asked) + self.forest.waiting)
            + beside;
        Badge::of(severity, count)
    }

    fn copies(&self, world: &World) -> Vec<Copy> {
        let Some(row) = self.table.selected() else {
            return Vec::new();
        };
        let mut copies = Vec::new();
        if let (Id::Node(_), Some(node)) = (row.id(), self.node()) {
            copies = remedies(node, world);
            copies.extend(query_copy(node.session.query.as_deref()));
        }
        copies.extend(self.table.copies().into_iter().map(Copy::from));
        copies
    }

    fn filter(&self) -> Option<&Filter> {
        Some(self.table.filter())
    }

    fn parse_filter(&self, text: &str) -> Result<Filter, String> {
        Filter::parse(text, &Table::<Row>::column_ids())
    }

    fn set_filter(&mut self, filter: Filter) {
        self.table.set_filter(filter);
    }

    fn help(&self) -> Vec<(String, String)> {
        common::table_help::<Row>(&[
            ("order", "roots first: those that free the most, then the longest wait"),
            (
                "tree",
                "below a session stands who waits for it and for nobody in between",
            ),
            (
                "+n more",
                "sessions that wait for the same thing in the same mode; Enter shows them",
            ),
            (
                "also behind",
                "frees nobody alone: two or more hold what the waiters want",
            ),
            (
                "red",
                "a root that is idle in its transaction, or prepared: it will not go on by itself",
            ),
            (
                "ring",
                "sessions that wait for each other; PostgreSQL breaks it after deadlock_timeout",
            ),
        ])
    }
}

#[cfg(test)]
mod tests;
