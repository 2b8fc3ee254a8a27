//! What we ask: one file a probe, which names its query file and its forms, its parameters, its tier and
//! its typed rows. [`PROBES`] lists them; the worker, the SQL popup, `--print-sql` and the tests read that list.
//!
//! One more question is one file in `queries/`, one file here and one line in [`PROBES`].

pub mod activity;
pub mod archive_backlog;
pub mod archiver;
pub mod autovacuum;
pub mod backend;
pub mod backend_locks;
pub mod conflicts;
pub mod counters;
pub mod database_list;
pub mod databases;
pub mod extensions;
pub mod fk_unindexed;
pub mod horizon;
pub mod indexes_duplicate;
pub mod indexes_invalid;
pub mod indexes_unused;
pub mod locks;
pub mod measure;
pub mod measure_indexes;
pub mod named;
pub mod partitions;
pub mod prepared;
pub mod progress;
pub mod pulse;
pub mod recovery;
pub mod relation;
pub mod relation_columns;
pub mod relation_family;
pub mod relation_indexes;
pub mod relation_io;
pub mod relation_locks;
pub mod relation_stats;
pub mod relations;
pub mod replication;
pub mod sequences;
pub mod settings;
pub mod slots;
pub mod statement;
pub mod statement_latency;
pub mod statement_plan;
pub mod statement_texts;
pub mod statements;
pub mod subscriptions;
pub mod wal_settings;
pub mod wraparound_databases;
pub mod wraparound_relations;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::pg::fault::Fault;
use crate::pg::quote;
use crate::pg::redact::redact;
use crate::pg::rows::Rows;
use crate::pg::server::{Extension, Server};

/// How often a question is asked; each tier has an interval and a time budget in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Every 2 s on a terminal; budget 1 s.
    Hot,
    /// Every 15 s; budget 3 s.
    Workload,
    /// Every 10 min; budget 10 s.
    Storage,
    /// Every hour; budget 60 s.
    Hourly,
}

impl Tier {
    /// All tiers, the hottest first.
    pub const ALL: [Self; 4] = [Self::Hot, Self::Workload, Self::Storage, Self::Hourly];

    /// The name the configuration uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot_path",
            Self::Workload => "workload",
            Self::Storage => "storage",
            Self::Hourly => "hourly",
        }
    }
}

/// What stands in a query file where the name of an extension's schema belongs, which only the server knows.
const SCHEMA: &str = "\"{schema}\"";

/// One form of a query: the file and the first version it serves.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Path of the file from the top of the repository, `queries/locks.pg14.sql`.
    pub file: &'static str,
    /// The extension whose version decides and whose schema [`Self::text`] fills in; `None` for the server's version.
    pub extension: Option<&'static str>,
    /// The first version it serves: a major version of the server (12 for the oldest form), or of the extension,
    /// where 1.8 is 108.
    pub from: u32,
    /// The statement as the file has it.
    pub sql: &'static str,
}

impl Variant {
    /// The statement as it is sent: the file to the letter, but for the schema of the extension it asks.
    #[must_use]
    pub fn text(&self, server: &Server) -> Cow<'static, str> {
        let extension = self.extension.and_then(|name| server.extension(name));
        extension.map_or(Cow::Borrowed(self.sql), |extension| {
            Cow::Owned(self.sql.replace(SCHEMA, &quote::quoted(&extension.schema)))
        })
    }

    /// Whom it serves, in words: "14 and later", "`pg_stat_statements` 1.8 and later".
    #[must_use]
    pub fn serves(&self) -> String {
        match self.extension {
            None => format!("{} and later", self.from),
            Some(name) => format!("{name} {}.{} and later", self.from / 100, self.from % 100),
        }
    }

    /// What [`Self::from`] is compared with on this server; 0 without the extension.
    fn version(&self, server: &Server) -> u32 {
        match self.extension {
            None => server.major(),
            Some(name) => server.extension(name).map_or(0, Extension::number),
        }
    }
}

/// A [`Variant`] out of `queries/`: `form!("locks")` is the oldest form, `form!("locks", 14)` serves 14 and later;
/// `form!("statements" of "pg_stat_statements", 1, 8)` is `statements.v1.8.sql`, for that version of the extension and
/// later, `form!("statements" of "pg_stat_statements")` its oldest form.
#[macro_export]
macro_rules! form {
    ($name:literal of $extension:literal, $major:literal, $minor:literal) => {
        $crate::probe::Variant {
            file: concat!("queries/", $name, ".v", $major, ".", $minor, ".sql"),
            extension: Some($extension),
            from: $major * 100 + $minor,
            sql: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/queries/",
                $name,
                ".v",
                $major,
                ".",
                $minor,
                ".sql"
            )),
        }
    };
    ($name:literal of $extension:literal) => {
        $crate::probe::Variant {
            file: concat!("queries/", $name, ".sql"),
            extension: Some($extension),
            from: 0,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $name, ".sql")),
        }
    };
    ($name:literal) => {
        $crate::probe::Variant {
            file: concat!("queries/", $name, ".sql"),
            extension: None,
            from: 12,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $name, ".sql")),
        }
    };
    ($name:literal, $major:literal) => {
        $crate::probe::Variant {
            file: concat!("queries/", $name, ".pg", $major, ".sql"),
            extension: None,
            from: $major,
            sql: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/queries/",
                $name,
                ".pg",
                $major,
                ".sql"
            )),
        }
    };
}

/// What a probe is.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its identity in samples, messages and logs: short, lower case, `locks`.
    pub id: &'static str,
    /// What it asks, in a few words: "who waits for whom".
    pub title: &'static str,
    /// Why it is asked this way, in a sentence or two, for the SQL popup.
    pub why: &'static str,
    /// How often.
    pub tier: Tier,
    /// Its forms, newest first; the last one serves 12.
    pub variants: &'static [Variant],
}

impl Spec {
    /// The form for that server.
    #[must_use]
    pub fn variant(&self, server: &Server) -> &'static Variant {
        // A server older than every form is refused at connect, so the oldest form is a safe answer here.
        self.variants
            .iter()
            .find(|variant| variant.from <= variant.version(server))
            .unwrap_or(&self.variants[self.variants.len() - 1])
    }
}

/// A value that goes in as `$n`.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// `int4`.
    Int(i32),
    /// `int8`.
    Big(i64),
    /// `text`.
    Text(String),
    /// `int4[]`.
    Ints(Vec<i32>),
    /// `int8[]`.
    Bigs(Vec<i64>),
    /// `oid[]`.
    Oids(Vec<u32>),
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Big(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "'{}'", value.replace('\'', "''")),
            Self::Ints(values) => write!(f, "{values:?}"),
            Self::Bigs(values) => write!(f, "{values:?}"),
            Self::Oids(values) => write!(f, "{values:?}"),
        }
    }
}

/// What a detail page is about: an identity, never a row number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A table, materialized view or TOAST table of the connected database, by its oid.
    Relation(u32),
    /// A partitioned table of the connected database, by its oid.
    Partitioned(u32),
    /// A statement of `pg_stat_statements`, by the key of its entries.
    Statement {
        /// `userid`.
        user: u32,
        /// `dbid`.
        database: u32,
        /// `queryid`.
        query: i64,
        /// `toplevel` (1.9); true before.
        toplevel: bool,
    },
    /// A backend; `start` is `backend_start` in microseconds since 1970, since a pid is used again.
    Backend {
        /// Its process id.
        pid: i32,
        /// Its `backend_start`.
        start: i64,
    },
}

/// What the user looks at: decides which gated probes are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Focus {
    /// The id of the visible pane.
    pub pane: &'static str,
    /// What the open detail page is about.
    pub subject: Option<Subject>,
    /// The id of the popup on top, if there is one.
    pub popup: Option<&'static str>,
    /// Identities on the screen of which a gated probe may know more: the query ids whose texts are missing.
    pub keys: Vec<i64>,
    /// What the user asked for and has not taken back.
    pub demand: Option<Demand>,
}

/// Something that is asked once, because the user said so, and given up when the user takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Demand {
    /// The id of the probe that answers it.
    pub probe: &'static str,
    /// Which time it is asked for; the same demand is answered once.
    pub nth: u32,
}

/// What a probe may look at when it decides whether and what to ask.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The server.
    pub server: &'a Server,
    /// The settings.
    pub settings: &'a Settings,
    /// The newest good sample of every probe.
    pub latest: &'a Latest,
    /// What the user looks at.
    pub focus: &'a Focus,
    /// The backends of this program's own open connections: not a part of what is going on.
    pub own: &'a [i32],
}

impl Ask<'_> {
    /// The newest answer is younger than its [`Probe::REST`], as the heartbeat tells that opens every round.
    #[must_use]
    pub fn rests<P: Probe>(&self) -> bool {
        let asked = self.latest.ran::<P>().map(|ran| ran.started);
        let now = self.latest.ran::<pulse::PulseProbe>().map(|ran| ran.started);
        asked.zip(now).is_some_and(|(asked, now)| now.since(asked) < P::REST)
    }
}

/// Whether a probe is asked this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Ask.
    Yes,
    /// Do not ask, for this reason (a sentence for the SQL popup); the old sample is dropped: there is nothing to know.
    No(&'static str),
    /// Do not ask: what it said last still holds.
    Keep,
}

/// One question to the server.
pub trait Probe: 'static {
    /// What its rows become.
    type Data: Send + Sync + 'static;
    /// What it is.
    const SPEC: Spec;
    /// How long an answer holds while nobody looks at what it tells, see [`Ask::rests`]; zero for what is always asked.
    const REST: Duration = Duration::ZERO;

    /// The values of `$1`, `$2`, ...
    #[must_use]
    fn params(_ask: &Ask<'_>) -> Vec<Param> {
        Vec::new()
    }

    /// Whether it is asked at all now.
    #[must_use]
    fn wanted(_ask: &Ask<'_>) -> Wanted {
        Wanted::Yes
    }

    /// The tier on this server; another than [`Spec::tier`] where old versions make it dear.
    #[must_use]
    fn tier(_server: &Server) -> Tier {
        Self::SPEC.tier
    }

    /// The statement whose generic plan is wanted: its lines then take the place of the answer's rows, see
    /// [`crate::pg::session::Session::explain`].
    #[must_use]
    fn explains(_ask: &Ask<'_>) -> Option<Arc<str>> {
        None
    }

    /// A time limit of its own instead of its tier's: for what is asked on the user's demand.
    #[must_use]
    fn budget(_settings: &Settings) -> Option<Duration> {
        None
    }

    /// The least pause after an answer that took so long, beyond the tier's interval: what is cheap on a small server
    /// and dear on a big one is asked as rarely as its price demands. A user's wish does not wait.
    #[must_use]
    fn pause(_took: Duration) -> Duration {
        Duration::ZERO
    }

    /// The same data with every query text in it as [`crate::pg::redact`] shows it; `None` for data without query texts.
    #[must_use]
    fn redacted(_data: &Self::Data) -> Option<Self::Data> {
        None
    }

    /// Rows into data.
    ///
    /// # Errors
    /// A [`Fault`] naming the column that is not what was expected.
    fn decode(rows: &Rows) -> Result<Self::Data, Fault>;

    /// What is known after a good answer: the answer, or that and what was known before it.
    #[must_use]
    fn fold(_known: Option<&Self::Data>, answer: Self::Data) -> Self::Data {
        answer
    }
}

/// A probe without its type, as [`PROBES`] lists it.
pub struct Entry {
    /// What it is.
    pub spec: &'static Spec,
    /// See [`Probe::REST`].
    pub rest: Duration,
    /// See [`Probe::params`].
    pub params: fn(&Ask<'_>) -> Vec<Param>,
    /// See [`Probe::wanted`].
    pub wanted: fn(&Ask<'_>) -> Wanted,
    /// See [`Probe::tier`].
    pub tier: fn(&Server) -> Tier,
    /// See [`Probe::explains`].
    pub explains: fn(&Ask<'_>) -> Option<Arc<str>>,
    /// See [`Probe::budget`].
    pub budget: fn(&Settings) -> Option<Duration>,
    /// See [`Probe::pause`].
    pub pause: fn(Duration) -> Duration,
    /// See [`Probe::redacted`].
    pub redacted: fn(&Data) -> Option<Data>,
    /// See [`Probe::decode`] and [`Probe::fold`]; the first argument is what is known already.
    pub decode: fn(&Latest, &Rows) -> Result<Data, Fault>,
}

/// The data of some probe.
pub type Data = Arc<dyn Any + Send + Sync>;

impl Entry {
    /// The entry of a probe.
    #[must_use]
    pub const fn of<P: Probe>() -> Self {
        Self {
            spec: &P::SPEC,
            rest: P::REST,
            params: P::params,
            wanted: P::wanted,
            tier: P::tier,
            explains: P::explains,
            budget: P::budget,
            pause: P::pause,
            redacted: |data| {
                let redacted = P::redacted(data.downcast_ref()?)?;
                Some(Arc::new(redacted))
            },
            decode: |known, rows| Ok(Arc::new(P::fold(known.get::<P>(), P::decode(rows)?))),
        }
    }
}

/// Every probe, in the order they are asked within a tier.
pub static PROBES: &[Entry] = &[
    Entry::of::<pulse::PulseProbe>(),
    Entry::of::<activity::Activity>(),
    Entry::of::<locks::Locks>(),
    Entry::of::<prepared::PreparedXacts>(),
    Entry::of::<backend::Backend>(),
    Entry::of::<backend_locks::BackendLocks>(),
    Entry::of::<progress::ProgressProbe>(),
    Entry::of::<database_list::DatabaseList>(),
    Entry::of::<counters::CountersProbe>(),
    Entry::of::<replication::ReplicationProbe>(),
    Entry::of::<recovery::RecoveryProbe>(),
    Entry::of::<horizon::HorizonProbe>(),
    Entry::of::<autovacuum::AutovacuumProbe>(),
    Entry::of::<wal_settings::WalSettingsProbe>(),
    Entry::of::<settings::SettingsProbe>(),
    Entry::of::<slots::SlotsProbe>(),
    Entry::of::<archiver::ArchiverProbe>(),
    Entry::of::<archive_backlog::ArchiveBacklogProbe>(),
    Entry::of::<conflicts::ConflictsProbe>(),
    Entry::of::<subscriptions::SubscriptionsProbe>(),
    Entry::of::<relation_io::RelationIoProbe>(),
    Entry::of::<extensions::ExtensionsProbe>(),
    Entry::of::<statements::StatementsProbe>(),
    Entry::of::<statement::StatementProbe>(),
    Entry::of::<statement_latency::StatementLatency>(),
    Entry::of::<statement_texts::StatementTexts>(),
    Entry::of::<statement_plan::StatementPlan>(),
    Entry::of::<relation_locks::RelationLocks>(),
    Entry::of::<relation::Relation>(),
    Entry::of::<relation_stats::RelationStats>(),
    Entry::of::<relation_indexes::RelationIndexes>(),
    Entry::of::<relation_columns::RelationColumns>(),
    Entry::of::<relation_family::RelationFamily>(),
    Entry::of::<measure::Measure>(),
    Entry::of::<measure_indexes::MeasureIndexes>(),
    Entry::of::<databases::DatabasesProbe>(),
    Entry::of::<wraparound_databases::WraparoundDatabases>(),
    Entry::of::<wraparound_relations::WraparoundRelations>(),
    Entry::of::<partitions::PartitionsProbe>(),
    Entry::of::<relations::RelationsProbe>(),
    Entry::of::<indexes_unused::IndexesUnusedProbe>(),
    Entry::of::<indexes_invalid::IndexesInvalidProbe>(),
    Entry::of::<indexes_duplicate::IndexesDuplicateProbe>(),
    Entry::of::<fk_unindexed::FkUnindexedProbe>(),
    Entry::of::<sequences::SequencesProbe>(),
];

/// The entry of that id.
#[must_use]
pub fn entry(id: &str) -> Option<&'static Entry> {
    PROBES.iter().find(|entry| entry.spec.id == id)
}

/// Time since the program started: the only clock `update` and `draw` know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(pub Duration);

impl Mono {
    /// How long ago `earlier` was; zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// One statement that ran: what the SQL popup shows. It travels with the rows, so it cannot differ from what ran.
#[derive(Clone, Debug)]
pub struct Ran {
    /// [`Spec::id`] of the probe.
    pub probe: &'static str,
    /// The form this server got.
    pub variant: &'static Variant,
    /// The statement as it was sent.
    pub sql: Cow<'static, str>,
    /// The values of `$1`, `$2`, ...
    pub params: Vec<Param>,
    /// What the detail page was about when it ran.
    pub subject: Option<Subject>,
    /// What the user had asked for when it ran.
    pub demand: Option<Demand>,
    /// When it was sent.
    pub started: Mono,
    /// From sending to the last row, as seen from here.
    pub took: Duration,
    /// How many rows came.
    pub rows: usize,
    /// What went wrong, if anything.
    pub fault: Option<Fault>,
}

impl Ran {
    /// A question to that server of which nothing is known yet.
    #[must_use]
    pub fn of(spec: &'static Spec, server: &Server) -> Self {
        let variant = spec.variant(server);
        Self {
            probe: spec.id,
            variant,
            sql: variant.text(server),
            params: Vec::new(),
            subject: None,
            demand: None,
            started: Mono::default(),
            took: Duration::ZERO,
            rows: 0,
            fault: None,
        }
    }

    /// What was sent if that is no constant of ours: the question of [`Self::variant`] and behind it what somebody else
    /// wrote, without its literals.
    fn redacted_sql(&self) -> Option<String> {
        let ours = self.variant.sql.trim_end();
        if self.variant.extension.is_some() || self.sql.trim_end() == ours {
            return None;
        }
        let (ours, theirs) = match self.sql.strip_prefix(ours) {
            Some(theirs) => (ours, theirs),
            None => ("", self.sql.as_ref()),
        };
        Some(format!("{ours}{}", redact(theirs)))
    }

    /// When the answer was complete.
    #[must_use]
    pub fn finished(&self) -> Mono {
        Mono(self.started.0 + self.took)
    }
}

/// One answer: how it was asked, and what came back (`None` when it failed).
#[derive(Clone)]
pub struct Sample {
    /// How it was asked.
    pub ran: Ran,
    /// The decoded rows.
    pub data: Option<Data>,
}

impl Sample {
    /// The same answer without the literals of anybody's statement: in what was found, and in what was sent where that
    /// is no constant of ours. `None` where there is no such text.
    #[must_use]
    pub fn redacted(&self) -> Option<Self> {
        let redacted = entry(self.ran.probe).map(|entry| entry.redacted);
        let data = self
            .data
            .as_ref()
            .zip(redacted)
            .and_then(|(data, redacted)| redacted(data));
        let sql = self.ran.redacted_sql();
        if data.is_none() && sql.is_none() {
            return None;
        }
        let mut ran = self.ran.clone();
        ran.sql = sql.map_or(ran.sql, Cow::Owned);
        let data = data.or_else(|| self.data.clone());
        Some(Self { ran, data })
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("ran", &self.ran).finish_non_exhaustive()
    }
}

/// The newest good sample of every probe.
#[derive(Clone, Debug, Default)]
pub struct Latest(std::collections::BTreeMap<&'static str, Arc<Sample>>);

impl Latest {
    /// Keeps a sample if it carries data.
    pub fn keep(&mut self, sample: &Arc<Sample>) {
        if sample.data.is_some() {
            self.0.insert(sample.ran.probe, Arc::clone(sample));
        }
    }

    /// All of them.
    pub fn samples(&self) -> impl Iterator<Item = &Arc<Sample>> {
        self.0.values()
    }

    /// Forgets what a probe said.
    pub fn forget(&mut self, probe: &str) {
        self.0.remove(probe);
    }

    /// The newest good data of a probe.
    #[must_use]
    pub fn get<P: Probe>(&self) -> Option<&P::Data> {
        self.0.get(P::SPEC.id)?.data.as_ref()?.downcast_ref()
    }

    /// How that data was asked for.
    #[must_use]
    pub fn ran<P: Probe>(&self) -> Option<&Ran> {
        Some(&self.0.get(P::SPEC.id)?.ran)
    }

    /// How the data of the probe with that id was asked for.
    #[must_use]
    pub fn ran_of(&self, probe: &str) -> Option<&Ran> {
        Some(&self.0.get(probe)?.ran)
    }
}
