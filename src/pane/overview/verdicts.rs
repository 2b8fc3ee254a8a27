//! What is wrong, in lines: the stories of the alerts, the worst first, and how much could be checked.

use crate::alert::story::{self, Story};
use crate::alert::{Alert, Engine, Jump, State, Unchecked};
use crate::known::Freshness;
use crate::pane::{self, Copy};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::text;
use crate::world::World;

/// A reason longer than this has no room in the calm line.
const SHORT: usize = 30;
/// From so many seconds on an age is told in days.
const DAYS: f64 = 10.0 * 86_400.0;

/// The identity of an alert: its rule and what it is about.
pub type AlertId = (&'static str, String);

/// The first block of the Overview.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// What is wrong, or soon will be.
    pub stories: Vec<Verdict>,
    /// How much was checked.
    pub checks: Checks,
}

/// How much was checked, and what could not be.
#[derive(Debug, Default)]
pub struct Checks {
    /// Said instead of stories while nothing is wrong.
    pub calm: Option<(Role, String)>,
    /// Said beside stories.
    pub caption: String,
    /// What one statement would make possible, and the statement.
    pub grant: Option<(String, String)>,
    /// Every statement that makes a check possible.
    pub remedies: Vec<Copy>,
}

/// One story in a line, and the lines under it.
#[derive(Debug)]
pub struct Verdict {
    /// Its alerts, the worst first.
    pub alerts: Vec<AlertId>,
    /// Those of them that count.
    pub raised: Vec<AlertId>,
    /// It counts, and nobody took note of it.
    pub loud: bool,
    /// How bad.
    pub mark: Role,
    /// How it is shown, if not as what its mark means.
    pub tone: Option<Role>,
    /// Since when.
    pub age: String,
    /// The evidence.
    pub sentence: String,
    /// What has to be said about how sure it is.
    pub tail: String,
    /// Where Enter leads.
    pub jump: Jump,
    /// The number of that pane's tab; empty if it is this one.
    pub tab: String,
    /// The evidence in detail and the alerts that belong to it, the most telling first.
    pub folded: Vec<Folded>,
    /// The questions it follows from.
    pub probes: Vec<&'static str>,
    /// Remedies, then the evidence.
    pub copies: Vec<Copy>,
}

/// A line under a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// How bad, if it is an alert of its own.
    pub mark: Option<Role>,
    /// What it says.
    pub text: String,
}

impl Verdicts {
    /// What is to be said now.
    pub fn of(world: &World) -> Self {
        let stories = story::stories(&world.alerts);
        let wrong = stories.iter().any(|story| story.severity().is_some());
        let unchecked: Vec<Unchecked> = world.alerts.unchecked(world).collect();
        Self {
            checks: Checks::of(world, &unchecked, wrong),
            stories: stories.iter().map(|story| Verdict::of(story, world)).collect(),
        }
    }

    /// The story with that alert in it.
    pub fn find(&self, id: &AlertId) -> Option<(usize, &Verdict)> {
        let mut stories = self.stories.iter().enumerate();
        stories.find(|(_, story)| story.alerts.contains(id))
    }
}

impl Verdict {
    fn of(story: &Story<'_>, world: &World) -> Self {
        let head = story.head;
        let raised = story.alerts().filter(|alert| alert.severity().is_some());
        let mut probes: Vec<&str> = Vec::new();
        for probe in story.alerts().flat_map(|alert| alert.rule.probes()) {
            if !probes.contains(&probe) {
                probes.push(probe);
            }
        }
        let quiet = story.is_acknowledged();
        let unknown = head.unknown_since(world);
        Self {
            alerts: story.alerts().map(id).collect(),
            raised: raised.map(id).collect(),
            loud: head.severity().is_some() && !quiet,
            mark: pane::role(head.would_be()),
            tone: match head.state {
                _ if unknown.is_some() => Some(Role::Stale),
                State::Raised(_) if !quiet => None,
                _ => Some(Role::Muted),
            },
            age: age(head, world),
            sentence: head.finding.sentence.clone(),
            tail: tail(head, quiet, unknown, world),
            tab: match head.finding.jump.pane {
                super::ID => String::new(),
                other => pane::tab(other),
            },
            jump: head.finding.jump.clone(),
            folded: folded(story),
            probes,
            copies: copies(story, world),
        }
    }
}

fn id(alert: &Alert) -> AlertId {
    (alert.rule.id, alert.finding.key.clone())
}

/// Since when, in at most five cells but for the rarest.
fn age(alert: &Alert, world: &World) -> String {
    let seconds = world
        .server_now()
        .map_or(f64::NAN, |now| (now - alert.since()).max(0.0));
    if seconds >= DAYS {
        format!("{:.0}d", (seconds / 86_400.0).floor())
    } else {
        format::age(seconds)
    }
}

/// How sure it is, where that is not as sure as can be.
fn tail(alert: &Alert, quiet: bool, unknown: Option<f64>, world: &World) -> String {
    match alert.state {
        _ if unknown.is_some() => format!("not known since {}", world.clock_text_of(unknown)),
        State::Pending { lasts, wants, .. } if wants > 0.0 => {
            format!("{} of {}", format::age(lasts.min(wants)), format::age(wants))
        }
        State::Raised(_) if quiet => "noted".to_owned(),
        State::Pending { .. } | State::Raised(_) => String::new(),
    }
}

/// The best detail, then the alerts that belong to it, then whatever else is known.
fn folded(story: &Story<'_>) -> Vec<Folded> {
    let plain = |text: &String| Folded {
        mark: None,
        text: text.clone(),
    };
    let (first, more) = match story.head.finding.details.split_first() {
        Some((first, more)) => (Some(first), more),
        None => (None, &[][..]),
    };
    let alerts = story.folded.iter().map(|alert| Folded {
        mark: Some(pane::role(alert.would_be())),
        text: alert.finding.sentence.clone(),
    });
    let others = story.folded.iter().flat_map(|alert| &alert.finding.details);
    let mut lines: Vec<Folded> = Vec::new();
    let all = first.map(plain).into_iter().chain(alerts);
    for line in all.chain(more.iter().chain(others).map(plain)) {
        if lines.iter().all(|said| said.text != line.text) {
            lines.push(line);
        }
    }
    lines
}

/// What mends it, the best first; then what is wrong, for whoever has to be told.
fn copies(story: &Story<'_>, world: &World) -> Vec<Copy> {
    let mut copies: Vec<Copy> = Vec::new();
    for remedy in story.alerts().flat_map(|alert| &alert.finding.remedies) {
        if copies.iter().all(|copy| copy.text != remedy.text) {
            copies.push(Copy::new(remedy.what.as_str(), remedy.text.as_str()));
        }
    }
    let told = story.alerts().flat_map(|alert| {
        let since = world.clock_text_of(Some(alert.since()));
        let head = format!("{} (since {since})", text::visible(&alert.finding.sentence));
        let details = alert.finding.details.iter();
        std::iter::once(head).chain(details.map(|line| format!("  {}", text::visible(line))))
    });
    copies.push(Copy::new("what is wrong", told.collect::<Vec<_>>().join("\n")));
    copies
}

/// How many checks are in which state.
#[derive(Default)]
struct Counted {
    all: usize,
    /// Not made yet.
    awaited: usize,
    /// Made, but they need to watch for longer.
    young: usize,
    /// Made, but not of late.
    old: usize,
    /// Not possible, or not in full.
    not: usize,
    /// Since when what is old has not been known.
    since: Option<f64>,
}

impl Counted {
    fn of(world: &World, unchecked: &[Unchecked]) -> Self {
        let mut counted = Self {
            all: Engine::checks(world),
            ..Self::default()
        };
        for one in unchecked {
            let mut needs = one.rule.needs.iter();
            if one.is_awaited() {
                counted.awaited += 1;
            } else if one.blind.passing {
                counted.young += 1;
            } else if needs.any(|probe| matches!(world.freshness(probe), Freshness::Stale(_))) {
                counted.old += 1;
                counted.since = [counted.since, one.since].into_iter().flatten().reduce(f64::min);
            } else {
                counted.not += 1;
            }
        }
        counted
    }

    fn young(&self) -> Option<String> {
        let verb = if self.young == 1 { "needs" } else { "need" };
        (self.young > 0).then(|| format!("{} {verb} more time", self.young))
    }

    fn caption(&self) -> String {
        let of = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let parts = [
            Some(format::counted(self.all, "check", "checks")),
            of(self.not, "not possible"),
            of(self.old, "not known now"),
            self.young(),
            of(self.awaited, "not made yet"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

impl Checks {
    fn of(world: &World, unchecked: &[Unchecked], wrong: bool) -> Self {
        let counted = Counted::of(world, unchecked);
        let grant = world.grant();
        let granted = unchecked
            .iter()
            .filter(|one| one.blind.remedy.as_ref() == Some(&grant))
            .count();
        let seen = format!("{} see only a part:", format::counted(granted, "check", "checks"));
        Self {
            calm: (!wrong).then(|| calm(&counted, unchecked, world)),
            caption: counted.caption(),
            grant: (granted > 0).then_some((seen, grant)),
            remedies: pane::what_helps(unchecked),
        }
    }
}

/// What is said while nothing is wrong: that, only if everything that can be checked was.
fn calm(counted: &Counted, unchecked: &[Unchecked], world: &World) -> (Role, String) {
    let checks = format::counted(counted.all, "check", "checks");
    if world.is_down() || counted.old > 0 {
        let since = counted.since.map_or_else(
            || "nothing is known".to_owned(),
            |since| format!("not known since {}", world.clock_text_of(Some(since))),
        );
        let why = if world.is_down() {
            "there is no connection".to_owned()
        } else {
            format!("{} of {checks} had no answer", counted.old)
        };
        return (Role::Stale, format!("{since}: {why}"));
    }
    let made = counted.all - counted.awaited;
    if counted.awaited > 0 {
        return (Role::Muted, format!("looking: {made} of {checks} made"));
    }
    let young = counted.young();
    let why = unchecked.iter().find(|one| !one.blind.passing);
    let why = why.map(|one| one.blind.why.as_str()).unwrap_or_default();
    let not = match counted.not {
        0 => young.as_ref().map(|_| "w for why".to_owned()),
        count if why.len() <= SHORT => Some(format!("{count} not possible: {why}, w for why")),
        count => Some(format!("{count} not possible, w for why")),
    };
    let but: Vec<String> = young.into_iter().chain(not).collect();
    let but = if but.is_empty() {
        String::new()
    } else {
        format!(" ({})", but.join(", "))
    };
    (Role::Ok, format!("nothing wrong in {checks}{but}"))
}
