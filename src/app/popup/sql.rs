//! The SQL of what is on the screen: for each query its title, why it is asked, the file, the form this server gets,
//! the statement that ran, its parameters, when, how long, how many rows, and the last error.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pager, Row, row};
use crate::app::action::Action;
use crate::app::state::State;
use crate::app::world::World;
use crate::pane::{Copy, Place, Reply, View};
use crate::probe::{Ran, Spec, Tier};
use crate::ui::look::{Look, Role};
use crate::ui::{text, wrap};

/// The popup of `s`.
#[derive(Debug)]
pub struct SqlPopup {
    of: String,
    specs: Vec<&'static Spec>,
    index: usize,
    foot: String,
    pager: Pager,
    width: usize,
    sql: &'static str,
}

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

impl SqlPopup {
    /// The SQL of the view that fills the body.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let (of, probes) = state
            .body()
            .map_or((String::new(), &[][..]), |body| (body.title(), body.probes()));
        let specs = probes
            .iter()
            .filter_map(|id| crate::probe::entry(id))
            .map(|entry| entry.spec)
            .collect();
        Self {
            of,
            specs,
            index: 0,
            foot: super::foot(
                &state.keymap,
                &[
                    (Action::NextTab, "next query"),
                    (Action::Copy, "copy"),
                    (Action::Back, "close"),
                ],
            ),
            pager: Pager::default(),
            width: 76,
            sql: "",
        }
    }

    fn spec(&self) -> Option<&'static Spec> {
        self.specs.get(self.index).copied()
    }

    fn turn(&mut self, step: usize) {
        let count = self.specs.len().max(1);
        self.index = (self.index + step) % count;
        self.pager.rewind();
    }

    fn rows(&self, spec: &'static Spec, world: &World) -> Vec<Row> {
        let ran = world.last_ran(spec.id);
        let major = world.server.as_ref().map_or(u32::MAX, |server| server.major());
        let variant = ran.map_or_else(|| spec.variant(major), |ran| ran.variant);
        let mut rows = Vec::new();
        label(
            &mut rows,
            "Why",
            Role::Text,
            &text::wrap(spec.why, self.width.saturating_sub(7)),
        );
        let version = world.server.as_ref().map_or("no server yet".to_owned(), |server| {
            format!("server {}", server.version)
        });
        let file = format!(
            "{} ({version}; this form serves {} and later)",
            variant.file, variant.from
        );
        label(
            &mut rows,
            "File",
            Role::Text,
            &text::wrap(&file, self.width.saturating_sub(7)),
        );
        label(
            &mut rows,
            "Ran",
            Role::Text,
            &text::wrap(&ran_text(spec, ran, world), self.width.saturating_sub(7)),
        );
        if let Some(fault) = ran.and_then(|ran| ran.fault.as_ref()) {
            label(
                &mut rows,
                "Error",
                Role::Critical,
                &text::wrap(&fault.to_string(), self.width.saturating_sub(7)),
            );
        }
        for (index, param) in ran
            .map(|ran| ran.params.as_slice())
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            label(
                &mut rows,
                &format!("${}", index + 1),
                Role::SqlParam,
                &text::wrap(&param.to_string(), self.width.saturating_sub(7)),
            );
        }
        rows.push(Row::new());
        rows.extend(wrap::sql(variant.sql, self.width));
        rows
    }
}

/// A label in a column of its own, and its text over as many rows as it takes.
fn label(rows: &mut Vec<Row>, name: &str, role: Role, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        rows.push(vec![(Role::Muted, format!("{name:<7}")), (role, line.clone())]);
    }
}

fn ran_text(spec: &Spec, ran: Option<&Ran>, world: &World) -> String {
    let pace = pace_text(spec, world);
    let skipped = world.asked.get(spec.id).and_then(|asked| asked.skipped);
    match (ran, skipped) {
        (_, Some(reason)) => format!("not asked now: {reason}"),
        (None, None) => format!("not yet; {pace}"),
        (Some(ran), None) => format!(
            "{}, {:.1} ms, {} {}, {pace}",
            world.clock_text_at(ran.started),
            ran.took.as_secs_f64() * 1000.0,
            ran.rows,
            if ran.rows == 1 { "row" } else { "rows" },
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
        crate::ui::format::duration(interval.as_secs_f64()).trim(),
        tier.name()
    )
}

impl View for SqlPopup {
    fn id(&self) -> &'static str {
        "sql"
    }

    fn title(&self) -> String {
        let what = self.spec().map_or("no query", |spec| spec.title);
        format!(
            "SQL of {} · {} of {}: {what}",
            self.of,
            self.index + 1,
            self.specs.len()
        )
    }

    fn probes(&self) -> &'static [&'static str] {
        &[]
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn derive(&mut self, world: &World) {
        let Some(spec) = self.spec() else {
            self.pager
                .set(vec![row(Role::Muted, "This page asks nothing of the server.")]);
            return;
        };
        let rows = self.rows(spec, world);
        self.sql = world
            .last_ran(spec.id)
            .map_or_else(
                || spec.variant(world.server.as_ref().map_or(u32::MAX, |server| server.major())),
                |ran| ran.variant,
            )
            .sql;
        self.pager.set(rows);
    }

    fn arrange(&mut self, area: Rect) {
        self.width = usize::from(area.width.saturating_sub(4));
        self.pager.arrange(area);
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        match action {
            Action::NextTab | Action::Right => self.turn(1),
            Action::PrevTab | Action::Left => self.turn(self.specs.len().saturating_sub(1)),
            action if self.pager.on(action) => {}
            _ => return Reply::Ignored,
        }
        Reply::Taken
    }

    fn copies(&self, _world: &World) -> Vec<Copy> {
        vec![Copy {
            what: "the statement".to_owned(),
            text: self.sql.to_owned(),
        }]
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        let foot = format!("{}{} scroll  {}", look.glyphs.up, look.glyphs.down, self.foot);
        self.pager.draw(&self.title(), &foot, look, area, buf);
    }

    fn place(&self) -> Place {
        Place::Popup(110, 45)
    }
}
