//! One entry of `pg_stat_statements` with everything its version counts, while its page is open.

use std::collections::BTreeMap;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::{Ask, Param, Probe, Spec, Subject, Tier, Wanted};

/// The probe.
pub struct StatementProbe;

/// The counters of an entry by name, as text; empty if there is no such entry any more.
pub type Counted = BTreeMap<String, String>;

/// `$1` to `$4` of a question about one entry.
pub(super) fn identity(ask: &Ask<'_>) -> Vec<Param> {
    match ask.focus.subject {
        Some(Subject::Statement {
            user,
            database,
            query,
            toplevel,
        }) => vec![
            Param::Big(user.into()),
            Param::Big(database.into()),
            Param::Big(query),
            Param::Int(toplevel.into()),
        ],
        _ => vec![Param::Big(0), Param::Big(0), Param::Big(0), Param::Int(1)],
    }
}

impl Probe for StatementProbe {
    type Data = Counted;
    const SPEC: Spec = Spec {
        id: "statement",
        title: "everything counted of one statement",
        why: "The list asks only for what it shows. to_jsonb() gives every column the extension's version has, so a new \
              version needs no new form.",
        tier: Tier::Workload,
        variants: &[form!("statement" of "pg_stat_statements")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        identity(ask)
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        match ask.focus.subject {
            Some(Subject::Statement { .. }) => super::statements::unusable(ask).map_or(Wanted::Yes, Wanted::No),
            _ => Wanted::No("asked only while the page of a statement is open"),
        }
    }

    fn decode(rows: &Rows) -> Result<Counted, Fault> {
        let counter = |row: crate::pg::rows::Row<'_>| {
            let name = row.text("name")?.unwrap_or_default();
            Ok(row.text("value")?.map(|value| (name, value)))
        };
        rows.iter().filter_map(|row| counter(row).transpose()).collect()
    }
}
