//! What this program costs the server: statements, time, connections, and each probe's last run.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pager, Row, SCROLLS, row};
use crate::app::action::Action;
use crate::app::state::State;
use crate::app::world::World;
use crate::pane::{Place, Reply, View};
use crate::probe::{PROBES, Tier};
use crate::ui::format;
use crate::ui::look::{Look, Role};

/// The popup of `c`.
#[derive(Debug)]
pub struct CostPopup {
    foot: String,
    pager: Pager,
}

impl CostPopup {
    /// The cost so far.
    #[must_use]
    pub fn of(state: &State) -> Self {
        Self {
            foot: super::close(&state.keymap),
            pager: Pager::default(),
        }
    }
}

fn totals(world: &World) -> Vec<Row> {
    let cost = world.cost;
    let fact = |name: &str, value: String| vec![(Role::Muted, format!("{name:<24}")), (Role::Text, value)];
    let mut rows = vec![
        fact(
            "Connections open",
            format!("{} (opened {} since the start)", cost.connections, cost.opened),
        ),
        fact("Statements", format!("{} ({} failed)", cost.statements, cost.failed)),
        fact(
            "Time for their answers",
            format!(
                "{:.1} ms, network included: an upper bound",
                cost.busy.as_secs_f64() * 1000.0
            ),
        ),
    ];
    if let Some((statements, busy)) = world.cost_per_minute() {
        rows.push(fact(
            "In the last minute",
            format!("{statements:.0} statements, {:.1} ms", busy * 1000.0),
        ));
    }
    rows
}

fn tier_row(tier: Tier, world: &World) -> Row {
    let pace = world.settings.pace(tier);
    let health = world.tiers.get(&tier);
    let interval = health.map_or(pace.interval, |health| health.interval).as_secs_f64();
    let took = health.map_or("no round yet".to_owned(), |health| {
        format!("{:.1} ms", health.took.as_secs_f64() * 1000.0)
    });
    let degraded = health.is_some_and(crate::poll::TierHealth::degraded);
    let text = format!(
        "every {:<6} last round {took}, budget {}{}",
        format::duration(interval).trim(),
        format::duration(pace.budget.as_secs_f64()).trim(),
        if degraded { "  DEGRADED: stretched" } else { "" },
    );
    vec![
        (Role::Muted, format!("  {:<10}", tier.name())),
        (if degraded { Role::Warning } else { Role::Text }, text),
    ]
}

fn probe_rows(world: &World) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in PROBES {
        let (role, text) = match (
            world.last_ran(entry.spec.id),
            world.asked.get(entry.spec.id).and_then(|asked| asked.skipped),
        ) {
            (_, Some(_)) => (Role::Muted, "not asked now".to_owned()),
            (None, None) => (Role::Muted, "not yet".to_owned()),
            (Some(ran), None) => {
                let text = format!(
                    "{:>9.1} ms {:>7} {}",
                    ran.took.as_secs_f64() * 1000.0,
                    ran.rows,
                    if ran.rows == 1 { "row" } else { "rows" }
                );
                (if ran.fault.is_some() { Role::Warning } else { Role::Text }, text)
            }
        };
        rows.push(vec![(Role::Muted, format!("  {:<18}", entry.spec.id)), (role, text)]);
    }
    rows
}

impl View for CostPopup {
    fn id(&self) -> &'static str {
        "cost"
    }

    fn title(&self) -> String {
        "What this program costs the server".to_owned()
    }

    fn probes(&self) -> &'static [&'static str] {
        &[]
    }

    fn actions(&self) -> &'static [Action] {
        SCROLLS
    }

    fn derive(&mut self, world: &World) {
        let mut rows = totals(world);
        rows.push(Row::new());
        rows.push(row(Role::Header, "Tiers"));
        rows.extend(Tier::ALL.into_iter().map(|tier| tier_row(tier, world)));
        rows.push(Row::new());
        rows.push(row(Role::Header, "Queries, the last time each ran"));
        rows.extend(probe_rows(world));
        self.pager.set(rows);
    }

    fn arrange(&mut self, area: Rect) {
        self.pager.arrange(area);
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        if self.pager.on(action) {
            Reply::Taken
        } else {
            Reply::Ignored
        }
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.pager.draw(&self.title(), &self.foot, look, area, buf);
    }

    fn place(&self) -> Place {
        Place::Popup(76, 34)
    }
}
