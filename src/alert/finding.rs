//! What a rule says: findings, each with its evidence, and what it could not see.

use serde::Serialize;

use crate::model::concern::Severity;
use crate::probe::statements::Key;

/// What a check found, and what it could not see.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Everything that is near a limit or beyond it; the engine decides what of it is an alert.
    pub findings: Vec<Finding>,
    /// What could not be seen. What is missing among the findings is then not known to be over.
    pub blind: Option<Blind>,
}

/// Why something could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// A sentence.
    pub why: String,
    /// What to type.
    pub remedy: Option<String>,
    /// It passes by itself: an answer is awaited, or the session is too young.
    pub passing: bool,
    /// It is about other things than those that were ever found: what is not found any more is over all the same.
    pub others: bool,
}

impl Outcome {
    /// Nothing near a limit.
    #[must_use]
    pub fn calm() -> Self {
        Self::default()
    }

    /// That alone, if it is anything.
    pub fn of(findings: impl IntoIterator<Item = Finding>) -> Self {
        Self {
            findings: findings.into_iter().collect(),
            blind: None,
        }
    }

    /// Nothing can be said, for this reason.
    pub fn unknown(why: impl Into<String>, remedy: Option<String>) -> Self {
        Self::calm().but_not(why, remedy)
    }

    /// Nothing can be said yet: it needs more history.
    pub fn not_yet(why: impl Into<String>) -> Self {
        let blind = Blind {
            why: why.into(),
            remedy: None,
            passing: true,
            others: false,
        };
        Self {
            findings: Vec::new(),
            blind: Some(blind),
        }
    }

    /// These findings, but something could not be seen.
    #[must_use]
    pub fn but_not(mut self, why: impl Into<String>, remedy: Option<String>) -> Self {
        self.blind = Some(Blind {
            why: why.into(),
            remedy,
            passing: false,
            others: false,
        });
        self
    }

    /// These findings; other things could not be seen, and never were.
    #[must_use]
    pub fn but_not_others(self, why: impl Into<String>, remedy: Option<String>) -> Self {
        let mut outcome = self.but_not(why, remedy);
        outcome.blind = outcome.blind.map(|blind| Blind { others: true, ..blind });
        outcome
    }

    /// These findings; of other things nothing can be said yet.
    #[must_use]
    pub fn but_not_yet_others(self, why: impl Into<String>) -> Self {
        let mut outcome = self.but_not_others(why, None);
        outcome.blind = outcome.blind.map(|blind| Blind { passing: true, ..blind });
        outcome
    }
}

/// One thing that is near a limit or beyond it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its identity among the findings of its rule: what it is about, never a number that changes. Empty for a rule that
    /// has one finding only.
    pub key: String,
    /// How far it reaches.
    pub reach: Reach,
    /// The evidence in a sentence of at most some 70 characters, without a full stop; raw text of the server may be in it.
    pub sentence: String,
    /// More evidence, a line each, the most telling first.
    pub details: Vec<String>,
    /// When it truly began, in seconds since 1970 by the server's clock; else it counts from when it was seen first.
    pub since: Option<f64>,
    /// Sessions, transactions or rows that suffer; puts the worst of the same severity first. 0 if nobody can say.
    pub victims: u64,
    /// Where to look.
    pub jump: Jump,
    /// What to do about it, the best first.
    pub remedies: Vec<Remedy>,
    /// What it is about: alerts that share one are one story.
    pub about: Vec<Thing>,
    /// What is certain of it, where [`Self::reach`] is the most it can be.
    pub certain: Option<Certain>,
}

/// For how long something has certainly lasted, where the server only says how long at most. A severity counts when it
/// is certain; until then it is pending.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certain {
    /// Seconds it has certainly lasted.
    pub seconds: f64,
    /// Seconds a warning wants.
    pub warning: f64,
    /// Seconds critical wants.
    pub critical: f64,
}

impl Certain {
    /// Seconds that severity wants.
    #[must_use]
    pub const fn wants(self, severity: Severity) -> f64 {
        match severity {
            Severity::Notice | Severity::Warning => self.warning,
            Severity::Critical => self.critical,
        }
    }
}

impl Finding {
    /// A finding with nothing but its evidence.
    pub fn new(key: impl Into<String>, reach: Reach, sentence: impl Into<String>, jump: Jump) -> Self {
        Self {
            key: key.into(),
            reach,
            sentence: sentence.into(),
            details: Vec::new(),
            since: None,
            victims: 0,
            jump,
            remedies: Vec::new(),
            about: Vec::new(),
            certain: None,
        }
    }

    /// With one more line of evidence.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// With the moment it truly began.
    #[must_use]
    pub fn since(mut self, epoch: Option<f64>) -> Self {
        self.since = epoch;
        self
    }

    /// With how many suffer.
    #[must_use]
    pub fn victims(mut self, victims: usize) -> Self {
        self.victims = u64::try_from(victims).unwrap_or(u64::MAX);
        self
    }

    /// With one more thing to do about it.
    #[must_use]
    pub fn remedy(mut self, what: impl Into<String>, text: impl Into<String>) -> Self {
        self.remedies.push(Remedy {
            what: what.into(),
            text: text.into(),
        });
        self
    }

    /// With one more thing it is about.
    #[must_use]
    pub fn about(mut self, thing: Thing) -> Self {
        self.about.push(thing);
        self
    }
}

/// How far a finding reaches towards each severity: 1 is at the limit, 0.5 half way, 2 twice as far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reach {
    /// Towards a notice; those are listed, but make no noise.
    pub notice: f64,
    /// Towards a warning.
    pub warning: f64,
    /// Towards critical.
    pub critical: f64,
}

impl Reach {
    const NOWHERE: Self = Self {
        notice: 0.0,
        warning: 0.0,
        critical: 0.0,
    };

    /// A fact: nothing in between.
    #[must_use]
    pub const fn fact(severity: Severity) -> Self {
        let (warning, critical) = match severity {
            Severity::Notice => (0.0, 0.0),
            Severity::Warning => (f64::INFINITY, 0.0),
            Severity::Critical => (f64::INFINITY, f64::INFINITY),
        };
        Self {
            notice: f64::INFINITY,
            warning,
            critical,
        }
    }

    /// A value that is bad when it is high.
    #[must_use]
    pub fn rising(value: f64, warning: f64, critical: f64) -> Self {
        Self::measured(value / warning, value / critical)
    }

    /// A value that is bad when it is low.
    #[must_use]
    pub fn falling(value: f64, warning: f64, critical: f64) -> Self {
        Self::measured(warning / value, critical / value)
    }

    /// So far towards warning and critical. Who reaches a warning has passed every notice.
    #[must_use]
    pub fn measured(warning: f64, critical: f64) -> Self {
        let finite = |reach: f64| if reach.is_nan() { 0.0 } else { reach.max(0.0) };
        Self {
            notice: finite(warning),
            warning: finite(warning),
            critical: finite(critical),
        }
    }

    /// Both have to be reached.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.with(other, f64::min)
    }

    /// Either is enough.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.with(other, f64::max)
    }

    /// Never worse than that.
    #[must_use]
    pub fn at_most(self, severity: Severity) -> Self {
        self.and(Self::fact(severity))
    }

    fn with(self, other: Self, of: fn(f64, f64) -> f64) -> Self {
        Self {
            notice: of(self.notice, other.notice),
            warning: of(self.warning, other.warning),
            critical: of(self.critical, other.critical),
        }
    }

    /// The worst severity that is reached.
    #[must_use]
    pub fn reached(self) -> Option<Severity> {
        let severities = [Severity::Critical, Severity::Warning, Severity::Notice];
        severities.into_iter().find(|severity| self.to(*severity) >= 1.0)
    }

    /// Towards that severity.
    #[must_use]
    pub const fn to(self, severity: Severity) -> f64 {
        match severity {
            Severity::Notice => self.notice,
            Severity::Warning => self.warning,
            Severity::Critical => self.critical,
        }
    }
}

impl Default for Reach {
    fn default() -> Self {
        Self::NOWHERE
    }
}

/// A statement, setting or command that mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What it does, in a few words: `end pid 700`.
    pub what: String,
    /// What to paste. Everything of a stranger in it is quoted, or one line of visible characters behind `--`.
    pub text: String,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jump {
    /// The pane's id.
    pub pane: &'static str,
    /// The panel in it, where it has several: [`crate::pane::View::id`] of it.
    pub panel: Option<&'static str>,
    /// The row.
    pub row: Option<Thing>,
}

impl Jump {
    /// To a pane.
    #[must_use]
    pub const fn to(pane: &'static str) -> Self {
        Self {
            pane,
            panel: None,
            row: None,
        }
    }

    /// To a panel of it.
    #[must_use]
    pub const fn panel(pane: &'static str, panel: &'static str) -> Self {
        Self {
            pane,
            panel: Some(panel),
            row: None,
        }
    }

    /// To a row of it.
    #[must_use]
    pub fn row(mut self, thing: Thing) -> Self {
        self.row = Some(thing);
        self
    }
}

/// Something an alert can be about, by what identifies it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
pub enum Thing {
    /// A backend: pid and `backend_start` in microseconds since 1970.
    Backend {
        /// Its process id.
        pid: i32,
        /// Its `backend_start`, 0 if hidden.
        start: i64,
    },
    /// A prepared transaction by its global identifier.
    Prepared(String),
    /// A table of the connected database.
    Relation(u32),
    /// An index of the connected database.
    Index(u32),
    /// A sequence of the connected database.
    Sequence(u32),
    /// A statement of `pg_stat_statements`.
    Statement {
        /// `userid`.
        user: u32,
        /// `dbid`.
        database: u32,
        /// `queryid`.
        query: i64,
        /// `toplevel`.
        toplevel: bool,
    },
    /// A database.
    Database(String),
    /// A replication slot.
    Slot(String),
    /// A standby by the pid of its walsender.
    Standby(i32),
    /// A subscription.
    Subscription(String),
    /// A setting.
    Setting(String),
    /// WAL archiving.
    Archiver,
}

impl From<Key> for Thing {
    fn from(key: Key) -> Self {
        Self::Statement {
            user: key.user,
            database: key.database,
            query: key.query,
            toplevel: key.toplevel,
        }
    }
}
