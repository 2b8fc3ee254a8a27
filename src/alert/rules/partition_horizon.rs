//! Partitions end soon, or now is in none of them: rows are refused, or pile up in the default partition.

use std::collections::HashMap;

use crate::alert::{Finding, Jump, Outcome, Reach as Near, Rule, Thing, at_once};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::partitions::cover::{Range, leading};
use crate::model::partitions::judge::moment;
use crate::model::partitions::point::{Edge, Point};
use crate::model::partitions::{Default, Level, Parent, Reach, Verdict, statement};
use crate::probe::Probe as _;
use crate::probe::partitions::PartitionsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "partition_horizon",
    title: "partitions end",
    pane: "partitions",
    needs: &[PartitionsProbe::SPEC.id],
    uses: &[],
    server_wide: false,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "they cover less than the next limits.partition_horizon_days (7) without a gap; a hash lacks remainders",
    critical: "they cover nothing beyond now, or rows fill the default partition",
    doc: "Without a default partition the rows are refused; with one they go there, and then no partition can be made \
          for them. Tables whose last partition ended long ago and that nobody writes to are none.",
};

fn check(known: &Known) -> Outcome {
    let (Some(answer), Some(parents)) = (known.get::<PartitionsProbe>(), &known.partitioned) else {
        return Outcome::calm();
    };
    let now = known.server_now().unwrap_or(answer.now);
    let days = known.settings.partition_horizon_days;
    let places: HashMap<u32, &Parent> = parents.iter().map(|parent| (parent.oid, parent)).collect();
    let seen = Seen {
        now,
        days,
        all: parents,
    };
    let unasked: usize = parents.iter().map(|parent| parent.unasked).sum();
    let outcome = Outcome::of(parents.iter().filter_map(|parent| seen.finding(parent, &places)));
    if unasked == 0 {
        return outcome;
    }
    outcome.but_not_others(
        format!(
            "{} more partitions were not asked for, being too many",
            format::count(unasked)
        ),
        None,
    )
}

struct Seen<'a> {
    now: f64,
    days: u32,
    all: &'a [Parent],
}

impl Seen<'_> {
    fn finding(&self, parent: &Parent, places: &HashMap<u32, &Parent>) -> Option<Finding> {
        let verdict = parent.judge(self.now, self.days);
        // A horizon knows no noise: it comes nearer, until partitions are made as far as they are wanted.
        let severity = match verdict.level {
            Level::Critical => Severity::Critical,
            Level::Warning => Severity::Warning,
            Level::Over | Level::Fine | Level::Notice => return None,
        };
        if self.reaches_its_own_end(parent, &verdict, places) {
            return None;
        }
        let thing = Thing::Relation(parent.oid);
        let jump = Jump::to("partitions").row(thing.clone());
        let name = format!("{}.{}", parent.schema, parent.name);
        let finding = Finding::new(
            parent.oid.to_string(),
            Near::fact(severity),
            sentence(&name, &verdict),
            jump,
        )
        .about(thing);
        Some(self.mend(evidence(finding, parent, &verdict), parent, &verdict))
    }

    /// A partition that is partitioned itself has to reach as far as its own bound, and nobody writes to it before that
    /// begins or after it ends.
    fn reaches_its_own_end(&self, parent: &Parent, verdict: &Verdict, places: &HashMap<u32, &Parent>) -> bool {
        let above = |of: &&Parent| places.get(&of.parent?).copied();
        let chain = || std::iter::successors(Some(parent), above);
        let mut owns = chain().zip(chain().skip(1)).filter_map(|(below, above)| {
            let own = above.parts.iter().find(|part| part.oid == below.oid);
            own?.range.as_ref()
        });
        owns.any(|own| self.left_of(own, verdict))
    }

    /// Now is not in that bound, or everything up to its end is covered.
    fn left_of(&self, own: &Range, verdict: &Verdict) -> bool {
        let at = |edge: &Edge| match edge.point() {
            Some(Point::Time(time)) => moment(self.now).map(|now| time.duration_since(now).as_secs_f64()),
            _ => None,
        };
        let (begins, ends) = (at(leading(&own.from)), at(leading(&own.to)));
        let elsewhere = begins.is_some_and(|begins| begins > 0.0) || ends.is_some_and(|ends| ends <= 0.0);
        let covered = match (&verdict.reach, ends) {
            (Reach::Beyond(seconds), Some(ends)) => seconds + 1.0 >= ends,
            _ => false,
        };
        (elsewhere || covered) && !matches!(verdict.default, Default::Fills(_))
    }

    fn mend(&self, mut finding: Finding, parent: &Parent, verdict: &Verdict) -> Finding {
        let next = parent.create_next(self.now, self.days, verdict, self.all);
        let holes = parent.create_holes(verdict, self.all);
        let remainders = parent.create_remainders(self.all);
        // What is missing now is more urgent than what comes next.
        let named = [
            ("make the partitions for the holes", holes),
            ("make the next partitions", next),
            ("make the partitions for the remainders", remainders),
        ];
        for (what, text) in named {
            if let Some(text) = text {
                finding = finding.remedy(what, text);
            }
        }
        finding
    }
}

fn evidence(finding: Finding, parent: &Parent, verdict: &Verdict) -> Finding {
    let finding = finding.detail(match (&verdict.reach, verdict.default) {
        (Reach::Missing(_), Default::None) => "rows with those keys are refused".to_owned(),
        (_, Default::None) => "no default partition: rows beyond are refused".to_owned(),
        (_, Default::Empty) => "the default partition is empty so far".to_owned(),
        (_, Default::Unknown) => "there is a default partition; its rows are not known".to_owned(),
        (_, Default::Holds(rows) | Default::Fills(rows)) => {
            format!("the default partition has about {} rows", format::count(rows))
        }
    });
    let finding = finding.detail(format!(
        "{} by {}, {}",
        parent.strategy.name(),
        parent.key(),
        format::counted(parent.parts.len(), "partition", "partitions")
    ));
    match parent.ranged().next_back() {
        Some((last, range)) => finding.detail(format!(
            "the last is {}: {}",
            last.name,
            statement::values(range, &parent.columns)
        )),
        None => finding,
    }
}

fn sentence(name: &str, verdict: &Verdict) -> String {
    match (&verdict.reach, verdict.default) {
        (_, Default::Fills(rows)) => {
            format!(
                "rows fill the default partition of {name} (about {})",
                format::count(rows)
            )
        }
        (
            Reach::Nothing {
                ended_s: Some(ended), ..
            },
            _,
        ) => {
            format!(
                "{name} has no partition for now: the last ended {}",
                format::ago(*ended)
            )
        }
        (
            Reach::Nothing {
                begins_s: Some(begins), ..
            },
            _,
        ) => {
            format!(
                "{name} has no partition for now: the next begins in {}",
                format::duration(*begins)
            )
        }
        (Reach::Nothing { .. }, _) => format!("{name} has no partition for now"),
        (Reach::Beyond(seconds), _) => format!("the partitions of {name} end in {}", format::duration(*seconds)),
        (Reach::Missing(count), _) => {
            format!("{name} lacks {}", format::counted(*count, "remainder", "remainders"))
        }
        (Reach::Ahead(_), _) => format!("{name} fills its last partition"),
        _ => format!("{name} has too few partitions"),
    }
}

#[cfg(test)]
mod tests;
