//! How long the executions of a statement took, by the histogram of `pg_stat_monitor` where that extension exists.
//! `pg_stat_statements` keeps mean and deviation only, which tell nothing of the slow ones.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::{Ask, Param, Probe, Spec, Subject, Tier, Wanted};

/// The extension.
pub const EXTENSION: &str = "pg_stat_monitor";
/// The first version whose `queryid` is the server's own, as in `pg_stat_statements`.
const SINCE: u32 = 200;
/// The first server with a query id of its own.
const SERVER_SINCE: u32 = 14;

/// The probe.
pub struct StatementLatency;

/// Executions by their duration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Upper bounds in milliseconds, ascending; the last one is infinite.
    pub bounds: Vec<f64>,
    /// Executions up to each bound and above the one before; empty if there were none.
    pub calls: Vec<i64>,
    /// Since when, in seconds since 1970.
    pub since: Option<f64>,
}

/// Upper bounds out of `{{0.000 - 1.000}, (1.000 - 1.778}, (1.778 - ...}}`.
fn bounds(text: &str) -> Vec<f64> {
    let upper = |piece: &str| {
        let (_, upper) = piece.split_once(" - ")?;
        let upper = upper.trim_end_matches('}');
        if upper == "..." {
            return Some(f64::INFINITY);
        }
        upper.parse().ok()
    };
    text.split(',').filter_map(upper).collect()
}

impl Probe for StatementLatency {
    type Data = Histogram;
    const SPEC: Spec = Spec {
        id: "statement_latency",
        title: "how long the executions of one statement took",
        why: "pg_stat_monitor counts executions by duration, in time buckets that are added up here. Asked only where it is \
              installed, for the statement on the page.",
        tier: Tier::Workload,
        variants: &[form!("statement_latency" of "pg_stat_monitor")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        super::statement::identity(ask).into_iter().take(3).collect()
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        let installed = ask.server.extension(EXTENSION);
        match (&ask.focus.subject, installed) {
            (_, None) => Wanted::No("pg_stat_monitor is not installed in this database"),
            (_, Some(extension)) if extension.number() < SINCE || ask.server.major() < SERVER_SINCE => {
                Wanted::No("its query ids are those of pg_stat_monitor 2.0 on PostgreSQL 14 and later")
            }
            (Some(Subject::Statement { .. }), Some(_)) => Wanted::Yes,
            _ => Wanted::No("asked only while the page of a statement is open"),
        }
    }

    fn decode(rows: &Rows) -> Result<Histogram, Fault> {
        let row = rows.only()?;
        Ok(Histogram {
            bounds: bounds(&row.text("bounds")?.unwrap_or_default()),
            calls: row.get::<Option<Vec<i64>>>("calls")?.unwrap_or_default(),
            since: row.get("since")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_as_the_extension_writes_them() {
        let text = "{{0.000 - 1.000}, (1.000 - 2.778}, (2.778 - 4.162}, (100001.000 - ...}}";
        assert_eq!(bounds(text), [1.0, 2.778, 4.162, f64::INFINITY]);
        assert_eq!(bounds(""), [0.0; 0]);
    }
}
