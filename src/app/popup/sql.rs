//! The SQL of what is on the screen: for each query its title, why it is asked, the file, the form this server gets,
//! the statement that ran, its parameters, when, how long, how many rows, and the last error.

use std::borrow::Cow;

use super::{Row, Text, row};
use crate::action::Action;
use crate::app::state::State;
use crate::pane::{Copy, Reply};
use crate::probe::{Ran, Spec, Tier, Variant};
use crate::ui::look::{Look, Role};
use crate::ui::{format, text, wrap};
use crate::world::World;

/// The popup of `s`.
pub struct Sql {
    of: String,
    specs: Vec<&'static Spec>,
    index: usize,
    /// The statement shown.
    statement: Cow<'static, str>,
}

/// Cells of the labels on the left.
const LABEL: usize = 7;

const ACTIONS: &[Action] = &[
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
    Action::NextTab,
    Action::PrevTab,
    Action::Left,
    Action::Right,
];

impl Sql {
    /// The SQL of the view that asks: a popup with questions of its own, or what fills the body.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let (of, probes) = state
            .asking()
            .map_or((String::new(), Vec::new()), |body| (body.title(), body.probes()));
        let specs = probes
            .iter()
            .filter_map(|id| crate::probe::entry(id))
            .map(|entry| entry.spec)
            .collect();
        Self {
            of,
            specs,
            index: 0,
            statement: Cow::Borrowed(""),
        }
    }

    fn spec(&self) -> Option<&'static Spec> {
        self.specs.get(self.index).copied()
    }

    fn turn(&mut self, step: usize) {
        let count = self.specs.len().max(1);
        self.index = (self.index + step) % count;
    }
}

/// What is known of a question, and the statement in the given form.
fn question(spec: &'static Spec, (variant, sql): (&Variant, &str), world: &World, width: usize) -> Vec<Row> {
    let ran = world.last_ran(spec.id);
    let mut rows = Vec::new();
    let mut fact = |name: &str, role, text: &str| label(&mut rows, name, role, text, width);
    fact("Why", Role::Text, spec.why);
    let server = world.server.as_ref();
    let version = server.map_or("no server yet".to_owned(), |server| {
        format!("server {}", server.version)
    });
    let file = format!("{} ({version}; this form serves {})", variant.file, variant.serves());
    fact("File", Role::Text, &file);
    fact("Ran", Role::Text, &ran_text(spec, ran, world));
    if let Some(fault) = ran.and_then(|ran| ran.fault.as_ref()) {
        fact("Error", Role::Critical, &fault.to_string());
    }
    let params = ran.map(|ran| ran.params.as_slice()).unwrap_or_default();
    for (index, param) in params.iter().enumerate() {
        fact(&format!("${}", index + 1), Role::SqlParam, &param.to_string());
    }
    rows.push(Row::new());
    rows.extend(wrap::sql(sql, width));
    rows
}

/// The form that ran with the statement as it ran, or those this server would get.
fn form(spec: &'static Spec, world: &World) -> (&'static Variant, Cow<'static, str>) {
    if let Some(ran) = world.last_ran(spec.id) {
        return (ran.variant, ran.sql.clone());
    }
    // Before there is a server, the newest form.
    world.server.as_ref().map_or_else(
        || (&spec.variants[0], Cow::Borrowed(spec.variants[0].sql)),
        |server| (spec.variant(server), spec.variant(server).text(server)),
    )
}

/// A label in a column of its own, and its text over as many rows as it takes.
fn label(rows: &mut Vec<Row>, name: &str, role: Role, text: &str, width: usize) {
    for (index, line) in text::wrap(text, width.saturating_sub(LABEL)).into_iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        rows.push(vec![(Role::Muted, format!("{name:<LABEL$}")), (role, line)]);
    }
}

fn ran_text(spec: &Spec, ran: Option<&Ran>, world: &World) -> String {
    let pace = pace_text(spec, world);
    let skipped = world.asked.get(spec.id).and_then(|asked| asked.skipped);
    match (ran, skipped) {
        (_, Some(reason)) => format!("not asked now: {reason}"),
        (None, None) => format!("not yet; {pace}"),
        (Some(ran), None) => format!(
            "{}, {}, {}, {pace}",
            world.clock_text_at(ran.started),
            format::milliseconds(ran.took),
            format::counted(ran.rows, "row", "rows"),
        ),
    }
}

fn pace_text(spec: &Spec, world: &World) -> String {
    let entry = crate::probe::entry(spec.id);
    let tier = match (&world.server, entry) {
        (Some(server), Some(entry)) => (entry.tier)(server),
        _ => spec.tier,
    };
    let interval = match tier {
        Tier::Hot => world.hot_interval,
        tier => world.settings.pace(tier).interval,
    };
    format!(
        "every {} ({})",
        format::duration(interval.as_secs_f64()).trim(),
        tier.name()
    )
}

impl Text for Sql {
    const ID: &'static str = "sql";
    const SIZE: (u16, u16) = (110, 45);
    const HINTS: &'static [(Action, &'static str)] = &[
        (Action::NextTab, "next query"),
        (Action::Copy, "copy"),
        (Action::Back, "close"),
    ];

    fn title(&self) -> String {
        let what = self.spec().map_or("no query", |spec| spec.title);
        format!(
            "SQL of {} · {} of {}: {what}",
            self.of,
            self.index + 1,
            self.specs.len()
        )
    }

    fn rows(&mut self, world: &World, width: usize) -> Vec<Row> {
        let Some(spec) = self.spec() else {
            return vec![row(Role::Muted, "This page asks nothing of the server.")];
        };
        let (variant, statement) = form(spec, world);
        self.statement = statement;
        question(spec, (variant, &self.statement), world, width)
    }

    fn foot(&self, hints: &str, look: &Look) -> String {
        format!("{}{} scroll  {hints}", look.glyphs.up, look.glyphs.down)
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn on(&mut self, action: Action) -> Reply {
        match action {
            Action::NextTab | Action::Right => self.turn(1),
            Action::PrevTab | Action::Left => self.turn(self.specs.len().saturating_sub(1)),
            _ => return Reply::Ignored,
        }
        Reply::Taken
    }

    fn copies(&self) -> Vec<Copy> {
        vec![Copy::new("the statement", self.statement.as_ref())]
    }
}
