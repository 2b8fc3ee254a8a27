//! What this program costs the server: statements, time, connections, and each probe's last run.

use super::{Row, Text, row};
use crate::probe::{PROBES, Tier};
use crate::ui::format;
use crate::ui::look::Role;
use crate::world::World;

/// The popup of `c`.
pub struct Cost;

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
            format!("{}, network included: an upper bound", format::milliseconds(cost.busy)),
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
    let took = health.map_or("no round yet".to_owned(), |health| format::milliseconds(health.took));
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
                let rows = if ran.rows == 1 { "row" } else { "rows" };
                let text = format!("{:>12} {:>7} {rows}", format::milliseconds(ran.took), ran.rows);
                (if ran.fault.is_some() { Role::Warning } else { Role::Text }, text)
            }
        };
        rows.push(vec![(Role::Muted, format!("  {:<18}", entry.spec.id)), (role, text)]);
    }
    rows
}

impl Text for Cost {
    const ID: &'static str = "cost";
    const SIZE: (u16, u16) = (76, 34);

    fn title(&self) -> String {
        "What this program costs the server".to_owned()
    }

    fn rows(&mut self, world: &World, _width: usize) -> Vec<Row> {
        let mut rows = totals(world);
        rows.push(Row::new());
        rows.push(row(Role::Header, "Tiers"));
        rows.extend(Tier::ALL.into_iter().map(|tier| tier_row(tier, world)));
        rows.push(Row::new());
        rows.push(row(Role::Header, "Queries, the last time each ran"));
        rows.extend(probe_rows(world));
        rows
    }
}
