//! Subscriptions: what this server takes by logical replication, whether somebody works for it, and what fails.

use super::{badge, open, role};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::concern::Concern;
use crate::model::subscriptions::{self, State};
use crate::model::trails::{Speed, What, subscription_key};
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Badge, Reply};
use crate::probe::Probe as _;
use crate::probe::subscriptions::{Subscription, SubscriptionsProbe};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// Names of tables that are told of a selected subscription.
const NAMES: usize = 5;

/// A subscription and what is to be said of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    subscription: Subscription,
    state: State,
    errors: Option<Speed>,
    concern: Concern,
}

impl Row {
    fn of(subscription: &Subscription, world: &World) -> Self {
        let key = subscription_key(&subscription.database, &subscription.name);
        let errors = world.series.trails().speed(What::SubscriptionErrors, &key);
        let state = State::of(subscription);
        let state = if world.in_recovery() { state.on_standby() } else { state };
        Self {
            concern: subscriptions::concern(state, errors),
            subscription: subscription.clone(),
            state,
            errors,
        }
    }

    fn errors(&self) -> Option<i64> {
        let (apply, sync) = (self.subscription.apply_errors?, self.subscription.sync_errors?);
        Some(apply.saturating_add(sync))
    }
}

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Subscriptions;

impl List for Subscriptions {
    type Row = Row;
    const ID: &'static str = "subscriptions";
    const TITLE: &'static str = "Subscriptions";
    const PROBES: &'static [&'static str] = &[SubscriptionsProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("state", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "how far behind",
            "is known on the publisher only: look at its standbys of the kind `logical`",
        ),
        (
            "no worker",
            "it is enabled and nobody works for it: the worker fails and is started again (see the server log), or max_logical_replication_workers are busy",
        ),
        (
            "tables",
            "known for subscriptions of the connected database; `d` goes to another one",
        ),
    ];
    const ASKING: &'static str = "Asking for the subscriptions.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let all = world.get::<SubscriptionsProbe>()?.iter();
        Some(all.map(|subscription| Row::of(subscription, world)).collect())
    }

    fn head(&self, _world: &World, rows: &[Row]) -> Vec<Piece> {
        if rows.is_empty() {
            return Vec::new();
        }
        let mut head = vec![(
            format::counted(rows.len(), "subscription", "subscriptions"),
            Role::Muted,
        )];
        let elsewhere = rows.iter().filter(|row| !row.subscription.here).count();
        if elsewhere > 0 {
            head.push((format!("{elsewhere} of other databases"), Role::Muted));
        }
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "No subscriptions: this server takes nothing by logical replication.",
        )
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let mut lines = vec![what(&row.subscription)];
        lines.extend(trouble(row));
        lines.extend(unready(&row.subscription));
        lines
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, world: &World) -> Reply {
        let Some(row) = row else { return Reply::Ignored };
        open(row.subscription.worker_pid, "It has no worker to look at.", world)
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        matches!(thing, Thing::Subscription(name) if *name == subscriptions::identity(&row.subscription))
    }

    fn badge(&self, rows: &[Row]) -> Option<Badge> {
        badge(rows.iter().map(|row| row.concern))
    }
}

fn what(subscription: &Subscription) -> Rich {
    let mut rich = Rich::new(
        format!("publications {}", subscription.publications.join(", ")),
        Role::Text,
    );
    let slot = subscription.slot_name.as_deref();
    rich.fact(
        slot.map_or_else(|| "no slot".to_owned(), |slot| format!("slot {slot} on the publisher")),
        Role::Muted,
    );
    if let Some(owner) = &subscription.owner {
        rich.fact(format!("owner {owner}"), Role::Muted);
    }
    if subscription.sync_workers > 0 {
        rich.fact(
            match subscription.sync_workers {
                1 => "1 worker copies tables".to_owned(),
                workers => format!("{workers} workers copy tables"),
            },
            Role::Muted,
        );
    }
    if let Some(workers) = subscription.parallel_workers.filter(|workers| *workers > 0) {
        rich.fact(format!("{workers} parallel workers"), Role::Muted);
    }
    if let Some(seconds) = subscription.latest_end_age_s {
        rich.fact(
            format!("publisher told its position {}", format::ago(seconds)),
            Role::Muted,
        );
    }
    rich
}

fn trouble(row: &Row) -> Option<Rich> {
    let text = match row.state {
        State::NoWorker => {
            "Enabled, and nobody works for it: its worker fails and is started again, or none is free. The server log says why."
        }
        State::DisabledByError => {
            "An error disabled it. The server log says which; after mending it: ALTER SUBSCRIPTION ... ENABLE."
        }
        State::Unknown => "Two databases have a subscription of this name; before 14 its worker cannot be told apart.",
        State::OnPrimary => "A standby has no worker for it: its primary takes the changes.",
        _ if row.concern == Concern::Warning => "Errors keep coming: the server log says which.",
        _ => return None,
    };
    Some(Rich::new(text, role(row.concern)))
}

fn unready(subscription: &Subscription) -> Option<Rich> {
    let (tables, ready) = subscription.tables.zip(subscription.ready)?;
    let missing = tables.saturating_sub(ready);
    if missing <= 0 {
        return None;
    }
    let mut rich = Rich::new(
        format!("{} of {tables} tables not ready", format::count(missing)),
        Role::Notice,
    );
    for table in subscription.unready.iter().take(NAMES) {
        let means = subscriptions::table_state(&table.state);
        rich.fact(format!("{}.{} {means}", table.schema, table.table), Role::Text);
    }
    Some(rich)
}

impl Record for Row {
    type Id = (String, String);

    fn id(&self) -> Self::Id {
        (self.subscription.database.clone(), self.subscription.name.clone())
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        super::mark(self.concern)
    }

    fn marked() -> bool {
        true
    }
}

fn state(row: &Row) -> Cell<'static> {
    let role = role(row.concern);
    match row.state {
        State::Disabled => Cell::new("disabled", Role::Notice),
        State::DisabledByError => Cell::new("disabled by error", role),
        State::NoWorker => Cell::new("no worker", role),
        State::Copies => Cell::new("copies tables", role),
        State::Streams => Cell::new("streams", role),
        State::Elsewhere => Cell::new("has a worker", role),
        State::Unknown => Cell::new("not known", Role::Denied),
        State::OnPrimary => Cell::new("on the primary", Role::Muted),
    }
}

fn tables(row: &Row) -> Cell<'static> {
    match row.subscription.tables.zip(row.subscription.ready) {
        Some((tables, ready)) if ready < tables => Cell::new(format!("{ready} of {tables} ready"), Role::Notice),
        Some((tables, _)) => Cell::text(format!("{tables} ready")),
        None => Cell::new("other database", Role::Denied),
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "subscription",
        title: "SUBSCRIPTION",
        help: "its name",
        width: Width::Fit(12, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.subscription.name.as_str()),
        key: |row| Key::from(row.subscription.name.as_str()),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "what it does; the worst sort first",
        width: Width::Fit(7, 17),
        align: Align::Left,
        cell: state,
        key: |row| Key::Number(f64::from(row.concern as u8)),
    },
    Column {
        id: "tables",
        title: "TABLES",
        help: "tables that take changes as they come, of all; known in its own database only",
        width: Width::Fit(7, 16),
        align: Align::Left,
        cell: tables,
        key: |row| {
            let missing = row.subscription.tables.zip(row.subscription.ready);
            Key::from(missing.map(|(tables, ready)| tables.saturating_sub(ready)))
        },
    },
    Column {
        id: "errors",
        title: "ERRORS",
        help: "errors while applying and while copying tables, since the statistics began (15+)",
        width: Width::Fit(6, 8),
        align: Align::Right,
        cell: |row| match row.errors() {
            None => Cell::new("needs 15", Role::Denied),
            Some(errors) => {
                let rises = row.errors.is_some_and(|speed| speed.per_second > 0.0);
                Cell::new(format::count(errors), if rises { Role::Warning } else { Role::Text })
            }
        },
        key: |row| Key::from(row.errors()),
    },
    Column {
        id: "message",
        title: "HEARD",
        help: "how long ago the publisher's last message came",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| Cell::maybe(row.subscription.message_age_s.map(format::duration)),
        key: |row| Key::from(row.subscription.message_age_s),
    },
    Column {
        id: "conflicts",
        title: "CONFL",
        help: "rows that did not fit to those here (18+)",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| Cell::maybe(row.subscription.conflicts.map(format::count)),
        key: |row| Key::from(row.subscription.conflicts),
    },
    Column {
        id: "pid",
        title: "PID",
        help: "the worker that applies changes",
        width: Width::Fit(5, 10),
        align: Align::Right,
        cell: |row| Cell::maybe(row.subscription.worker_pid.map(|pid| pid.to_string())),
        key: |row| Key::from(row.subscription.worker_pid),
    },
    Column {
        id: "database",
        title: "DATABASE",
        help: "the database it belongs to",
        width: Width::Fit(4, 16),
        align: Align::Left,
        cell: |row| Cell::text(row.subscription.database.as_str()),
        key: |row| Key::from(row.subscription.database.as_str()),
    },
    Column {
        id: "publications",
        title: "PUBLICATIONS",
        help: "what it takes",
        width: Width::Rest(12),
        align: Align::Left,
        cell: |row| Cell::text(row.subscription.publications.join(", ")),
        key: |row| Key::from(row.subscription.publications.first().map(String::as_str)),
    },
];
