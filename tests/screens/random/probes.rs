//! What each probe says at random, and that it fails.

use pgmon_tui::pg::fault::Fault;
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::archive_backlog::ArchiveBacklogProbe;
use pgmon_tui::probe::archiver::ArchiverProbe;
use pgmon_tui::probe::autovacuum::AutovacuumProbe;
use pgmon_tui::probe::backend::{Backend, Encryption};
use pgmon_tui::probe::backend_locks::{BackendLocks, Locks as HeldLocks};
use pgmon_tui::probe::conflicts::ConflictsProbe;
use pgmon_tui::probe::counters::CountersProbe;
use pgmon_tui::probe::database_list::DatabaseList;
use pgmon_tui::probe::databases::DatabasesProbe;
use pgmon_tui::probe::extensions::ExtensionsProbe;
use pgmon_tui::probe::fk_unindexed::FkUnindexedProbe;
use pgmon_tui::probe::horizon::HorizonProbe;
use pgmon_tui::probe::indexes_duplicate::IndexesDuplicateProbe;
use pgmon_tui::probe::indexes_invalid::IndexesInvalidProbe;
use pgmon_tui::probe::indexes_unused::IndexesUnusedProbe;
use pgmon_tui::probe::locks::{Locks, Sample, Session};
use pgmon_tui::probe::measure::Measure;
use pgmon_tui::probe::measure_indexes::MeasureIndexes;
use pgmon_tui::probe::partitions::PartitionsProbe;
use pgmon_tui::probe::prepared::PreparedXacts;
use pgmon_tui::probe::progress::ProgressProbe;
use pgmon_tui::probe::pulse::PulseProbe;
use pgmon_tui::probe::recovery::RecoveryProbe;
use pgmon_tui::probe::relation::Relation;
use pgmon_tui::probe::relation_columns::RelationColumns;
use pgmon_tui::probe::relation_family::RelationFamily;
use pgmon_tui::probe::relation_indexes::RelationIndexes;
use pgmon_tui::probe::relation_io::RelationIoProbe;
use pgmon_tui::probe::relation_locks::RelationLocks;
use pgmon_tui::probe::relation_stats::RelationStats;
use pgmon_tui::probe::relations::RelationsProbe;
use pgmon_tui::probe::replication::ReplicationProbe;
use pgmon_tui::probe::sequences::SequencesProbe;
use pgmon_tui::probe::settings::SettingsProbe;
use pgmon_tui::probe::slots::SlotsProbe;
use pgmon_tui::probe::statement::StatementProbe;
use pgmon_tui::probe::statement_latency::{Histogram, StatementLatency};
use pgmon_tui::probe::statement_plan::StatementPlan;
use pgmon_tui::probe::statement_texts::{StatementTexts, Text, Texts};
use pgmon_tui::probe::statements::{Entry, Statements, StatementsProbe};
use pgmon_tui::probe::subscriptions::SubscriptionsProbe;
use pgmon_tui::probe::wal_settings::WalSettingsProbe;
use pgmon_tui::probe::wraparound_databases::WraparoundDatabases;
use pgmon_tui::probe::wraparound_relations::WraparoundRelations;
use pgmon_tui::probe::{Data, Probe, Spec};

use super::{Drawn, Draws, Raw};
use crate::app::App;

/// A probe that answers something, or fails.
pub struct Sayer {
    pub spec: &'static Spec,
    pub say: fn(&mut App, &[Raw]),
    pub fail: fn(&mut App, Fault),
    pub data: fn(&[Raw]) -> Data,
}

const fn sayer<P: Probe<Data: Drawn>>() -> Sayer {
    Sayer {
        spec: &P::SPEC,
        say: |app, rows| app.answer::<P>(rows.len(), Draws::new(rows).next()),
        fail: |app, fault| app.fail::<P>(fault),
        data: |rows| {
            let data: P::Data = Draws::new(rows).next();
            std::sync::Arc::new(data)
        },
    }
}

/// Every probe.
pub static SAYERS: &[Sayer] = &[
    sayer::<PulseProbe>(),
    sayer::<Activity>(),
    sayer::<Locks>(),
    sayer::<PreparedXacts>(),
    sayer::<Backend>(),
    sayer::<BackendLocks>(),
    sayer::<ProgressProbe>(),
    sayer::<CountersProbe>(),
    sayer::<ReplicationProbe>(),
    sayer::<RecoveryProbe>(),
    sayer::<HorizonProbe>(),
    sayer::<SlotsProbe>(),
    sayer::<RelationIoProbe>(),
    sayer::<DatabasesProbe>(),
    sayer::<DatabaseList>(),
    sayer::<ExtensionsProbe>(),
    sayer::<StatementsProbe>(),
    sayer::<StatementTexts>(),
    sayer::<StatementProbe>(),
    sayer::<StatementPlan>(),
    sayer::<StatementLatency>(),
    sayer::<AutovacuumProbe>(),
    sayer::<RelationsProbe>(),
    sayer::<IndexesUnusedProbe>(),
    sayer::<IndexesDuplicateProbe>(),
    sayer::<IndexesInvalidProbe>(),
    sayer::<FkUnindexedProbe>(),
    sayer::<SequencesProbe>(),
    sayer::<Relation>(),
    sayer::<RelationStats>(),
    sayer::<RelationIndexes>(),
    sayer::<RelationColumns>(),
    sayer::<RelationFamily>(),
    sayer::<RelationLocks>(),
    sayer::<Measure>(),
    sayer::<MeasureIndexes>(),
    sayer::<PartitionsProbe>(),
    sayer::<ArchiverProbe>(),
    sayer::<ArchiveBacklogProbe>(),
    sayer::<ConflictsProbe>(),
    sayer::<SubscriptionsProbe>(),
    sayer::<WalSettingsProbe>(),
    sayer::<SettingsProbe>(),
    sayer::<WraparoundDatabases>(),
    sayer::<WraparoundRelations>(),
];

impl Drawn for Encryption {
    fn drawn(draws: &Draws<'_>) -> Self {
        Self::Tls {
            version: draws.next(),
            cipher: draws.next(),
            client_dn: draws.next(),
        }
    }
}

/// A session comes once.
impl Drawn for Sample {
    fn drawn(draws: &Draws<'_>) -> Self {
        let mut sessions: Vec<Session> = draws.next();
        sessions.sort_by_key(|session| session.pid);
        sessions.dedup_by_key(|session| session.pid);
        Self {
            waiters: sessions.iter().filter(|session| session.wait.is_some()).count(),
            held: draws.next(),
            sessions,
        }
    }
}

/// Counts of what is there.
impl Drawn for HeldLocks {
    fn drawn(draws: &Draws<'_>) -> Self {
        let all = draws.next::<i64>().max(0);
        Self {
            locks: draws.next(),
            all,
            awaited: draws.next::<i64>().clamp(0, all),
        }
    }
}

/// The entries come by key.
impl Drawn for Statements {
    fn drawn(draws: &Draws<'_>) -> Self {
        let mut entries: Vec<Entry> = draws.next();
        entries.sort_by_key(|entry| entry.key);
        entries.dedup_by_key(|entry| entry.key);
        Self {
            entries,
            epoch: draws.next(),
            started: draws.next(),
            all: draws.next(),
            hidden: draws.next(),
            hidden_ms: draws.next(),
            dealloc: draws.next(),
            reset: draws.next(),
        }
    }
}

/// A count for every bound.
impl Drawn for Histogram {
    fn drawn(draws: &Draws<'_>) -> Self {
        let calls: Vec<i64> = draws.next();
        Self {
            bounds: calls.iter().map(|_| draws.next()).collect(),
            calls,
            since: draws.next(),
        }
    }
}

impl Drawn for Text {
    fn drawn(draws: &Draws<'_>) -> Self {
        Self {
            text: draws.next(),
            cut: draws.next(),
        }
    }
}

impl Drawn for Texts {
    fn drawn(draws: &Draws<'_>) -> Self {
        let mut texts = Self::default();
        for (query, text) in draws.next::<Vec<(i64, Option<Text>)>>() {
            texts.insert(query, text);
        }
        texts
    }
}
