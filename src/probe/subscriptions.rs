//! Subscriptions of logical replication, their workers and their errors. `subconninfo` is never asked for.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// Subscriptions asked for.
const TOP: i32 = 500;
/// Names of tables not ready that are asked for of each.
const NAMES: i32 = 20;

/// The probe.
pub struct SubscriptionsProbe;

/// One subscription. What is known of its tables is known in its own database only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscription {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// Its oid; `None` where two databases have one of this name and the version does not tell (12, 13).
    pub oid: Option<u32>,
    /// `subname`.
    pub name: String,
    /// Its database.
    pub database: String,
    /// That is the connected one.
    pub here: bool,
    /// Its owner.
    pub owner: Option<String>,
    /// `subenabled`.
    pub enabled: bool,
    /// The slot on the publisher; `None` for a subscription without one.
    pub slot_name: Option<String>,
    /// The publications it takes.
    pub publications: Vec<String>,
    /// `subdisableonerr` (15+).
    pub disable_on_error: Option<bool>,
    /// `apply_error_count` (15+).
    pub apply_errors: Option<i64>,
    /// `sync_error_count` (15+).
    pub sync_errors: Option<i64>,
    /// When they were reset, in seconds since 1970.
    pub reset: Option<f64>,
    /// Conflicts of all kinds (18+).
    pub conflicts: Option<i64>,
    /// The worker that applies changes; `None` when there is none.
    pub worker_pid: Option<i32>,
    /// Seconds since the publisher's last message came.
    pub message_age_s: Option<f64>,
    /// Seconds since the last report to the publisher.
    pub latest_end_age_s: Option<f64>,
    /// How much WAL of the publisher has come, in bytes since 0/0.
    pub received_position: Option<i64>,
    /// Workers that copy tables.
    pub sync_workers: i64,
    /// Workers that apply large transactions in parallel (16+).
    pub parallel_workers: Option<i64>,
    /// Its tables; `None` in another database.
    pub tables: Option<i64>,
    /// Those that are ready.
    pub ready: Option<i64>,
    /// The others, at most 20 of them.
    pub unready: Vec<Unready>,
}

/// A table that does not yet take changes as they come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unready {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// `srsubstate`: `i` waits, `d` is being copied, `f` is copied and catches up, `s` is about to be ready.
    pub state: String,
}

impl Probe for SubscriptionsProbe {
    type Data = Vec<Subscription>;
    const SPEC: Spec = Spec {
        id: "subscriptions",
        title: "subscriptions, their workers and errors",
        why: "pg_subscription is shared by all databases, the state of its tables is not: that is known of the \
              connected database. subconninfo may hold a password and is never read.",
        tier: Tier::Workload,
        variants: &[
            form!("subscriptions", 18),
            form!("subscriptions", 16),
            form!("subscriptions", 15),
            form!("subscriptions", 14),
            form!("subscriptions"),
        ],
    };

    fn params(_ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(TOP), Param::Int(NAMES)]
    }

    fn decode(rows: &Rows) -> Result<Vec<Subscription>, Fault> {
        rows.iter().map(subscription).collect()
    }
}

fn subscription(row: Row<'_>) -> Result<Subscription, Fault> {
    let text = |column: &str| row.text(column).map(Option::unwrap_or_default);
    Ok(Subscription {
        epoch: row.get("epoch")?,
        oid: row.get("oid")?,
        name: text("name")?,
        database: text("database")?,
        here: row.get("here")?,
        owner: row.text("owner")?,
        enabled: row.get("enabled")?,
        slot_name: row.text("slot_name")?,
        publications: row.texts("publications")?,
        disable_on_error: row.get("disable_on_error")?,
        apply_errors: row.get("apply_errors")?,
        sync_errors: row.get("sync_errors")?,
        reset: row.get("reset")?,
        conflicts: row.get("conflicts")?,
        worker_pid: row.get("worker_pid")?,
        message_age_s: row.get("message_age_s")?,
        latest_end_age_s: row.get("latest_end_age_s")?,
        received_position: row.get("received_position")?,
        sync_workers: row.get("sync_workers")?,
        parallel_workers: row.get("parallel_workers")?,
        tables: row.get("tables")?,
        ready: row.get("ready")?,
        unready: unready(row)?,
    })
}

fn unready(row: Row<'_>) -> Result<Vec<Unready>, Fault> {
    let schemas = row.texts("unready_schemas")?.into_iter();
    let tables = row.texts("unready_tables")?.into_iter();
    let states = row.texts("unready_states")?.into_iter();
    let all = schemas.zip(tables).zip(states);
    Ok(all
        .map(|((schema, table), state)| Unready { schema, table, state })
        .collect())
}
