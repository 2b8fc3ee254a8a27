//! The generic plan of a statement, once, because the user asked for it.
//!
//! The question itself only finds out under which `search_path` the statement's role runs it; the plan comes from
//! [`crate::pg::session::Session::explain`], the one place that sends a text which is no constant.

use std::sync::Arc;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::redact::redact_plan;
use crate::pg::rows::Rows;
use crate::probe::statement_texts::StatementTexts;
use crate::probe::{Ask, Param, Probe, Spec, Subject, Tier, Wanted};

/// The probe.
pub struct StatementPlan;

impl Probe for StatementPlan {
    /// The lines of the plan.
    type Data = Vec<String>;
    const SPEC: Spec = Spec {
        id: "statement_plan",
        title: "generic plan of one statement",
        why: "Planning only, once, in a read-only transaction that is rolled back. The first question finds the \
              search_path the statement's role has by ALTER ROLE and ALTER DATABASE.",
        tier: Tier::Storage,
        variants: &[form!("statement_plan")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        let identity = super::statement::identity(ask);
        let nth = ask.focus.demand.map_or(0, |demand| demand.nth);
        let nth = Param::Int(i32::try_from(nth).unwrap_or(i32::MAX));
        identity.into_iter().take(2).chain([nth]).collect()
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        let asked = ask.focus.demand.filter(|demand| demand.probe == Self::SPEC.id);
        let answered = ask.latest.ran::<Self>().and_then(|ran| ran.demand);
        match asked {
            Some(_) if asked != answered && Self::explains(ask).is_some() => Wanted::Yes,
            _ if ask.latest.get::<Self>().is_some() => Wanted::Keep,
            _ => Wanted::No("asked only when the user wants the plan of a statement"),
        }
    }

    fn explains(ask: &Ask<'_>) -> Option<Arc<str>> {
        ask.focus.demand.filter(|demand| demand.probe == Self::SPEC.id)?;
        let Some(Subject::Statement { query, .. }) = ask.focus.subject else {
            return None;
        };
        let text = ask.latest.get::<StatementTexts>()?.get(query)?;
        (!text.cut).then(|| Arc::clone(&text.text))
    }

    fn redacted(lines: &Vec<String>) -> Option<Vec<String>> {
        Some(redact_plan(lines))
    }

    fn decode(rows: &Rows) -> Result<Vec<String>, Fault> {
        Ok(rows.lines().to_vec())
    }
}
