//! Whatever happens in whatever order: nothing panics, nothing from the server reaches the terminal as it is, the
//! way out is always there, and nothing grows without end.

use std::time::Duration;

use crossterm::event::{Event as Terminal, KeyCode, KeyEvent, KeyModifiers};
use pgmon_tui::action::{Action, BINDINGS};
use pgmon_tui::app::update::What;
use pgmon_tui::pane::View;
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::poll::{Cost, Link, News, TierHealth};
use pgmon_tui::probe::activity::{Activity, Backend};
use pgmon_tui::probe::archive_backlog::{ArchiveBacklog, ArchiveBacklogProbe};
use pgmon_tui::probe::archiver::{Archiver, ArchiverProbe};
use pgmon_tui::probe::backend::{Backend as Page, Detail, Encryption};
use pgmon_tui::probe::backend_locks::{BackendLocks, Lock, Locks as HeldLocks};
use pgmon_tui::probe::conflicts::{Conflicts, ConflictsProbe};
use pgmon_tui::probe::counters::{Counters, CountersProbe, Work};
use pgmon_tui::probe::databases::{Database, DatabasesProbe};
use pgmon_tui::probe::horizon::{Holder, HorizonProbe};
use pgmon_tui::probe::locks::{Held, Locks, Names, RowPlace, Sample, Session, Tag, Wait};
use pgmon_tui::probe::prepared::{Prepared, PreparedXacts};
use pgmon_tui::probe::progress::{Progress, ProgressProbe};
use pgmon_tui::probe::pulse::{Pulse, PulseProbe};
use pgmon_tui::probe::recovery::{Prefetch, Recovery, RecoveryProbe};
use pgmon_tui::probe::relation_io::{RelationIo, RelationIoProbe};
use pgmon_tui::probe::replication::{ReplicationProbe, Sender};
use pgmon_tui::probe::slots::{Decoded, Slot, SlotsProbe};
use pgmon_tui::probe::subscriptions::{Subscription, SubscriptionsProbe, Unready};
use pgmon_tui::probe::wal_settings::{WalSettings, WalSettingsProbe};
use pgmon_tui::probe::{Mono, PROBES, Subject, Tier};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::app::{App, key_event};
use crate::data;

/// Text that means no good, and text that is none.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z]{1,12}",
        "\\PC{0,60}",
        ".{0,40}",
        Just("\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\tx\u{9b}31m".to_owned()),
        Just("\u{202e}\u{2066}abc\u{200d}\u{fe0f}".to_owned()),
        Just("データ🐘👩‍👩‍👧שלום e\u{301}\u{301}\u{301}".to_owned()),
        Just("x".repeat(5_000)),
        Just("日".repeat(500)),
        Just("a\n".repeat(300)),
        Just("active".to_owned()),
        Just("idle in transaction".to_owned()),
        Just("Lock".to_owned()),
        Just("client backend".to_owned()),
    ]
}

fn age() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1e5f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(-0.0),
        any::<f64>(),
    ]
}

fn big() -> impl Strategy<Value = i64> {
    prop_oneof![0..100_000i64, Just(i64::MAX), Just(i64::MIN), Just(-1), any::<i64>()]
}

/// Few pids, so that they meet.
fn pid() -> impl Strategy<Value = i32> {
    prop_oneof![20 => 0..12i32, 1 => Just(i32::MAX), 1 => Just(i32::MIN)]
}

/// Everything a row can be made of.
#[derive(Clone, Debug)]
struct Raw {
    pids: Vec<i32>,
    texts: Vec<Option<String>>,
    ages: Vec<Option<f64>>,
    numbers: Vec<i64>,
    flags: Vec<bool>,
}

impl Raw {
    fn pid(&self, at: usize) -> i32 {
        self.pids[at % self.pids.len()]
    }

    fn text(&self, at: usize) -> Option<String> {
        self.texts[at % self.texts.len()].clone()
    }

    fn words(&self, at: usize) -> String {
        self.text(at).unwrap_or_default()
    }

    fn age(&self, at: usize) -> Option<f64> {
        self.ages[at % self.ages.len()]
    }

    fn time(&self, at: usize) -> f64 {
        self.age(at).unwrap_or_default()
    }

    fn number(&self, at: usize) -> i64 {
        self.numbers[at % self.numbers.len()]
    }

    fn int(&self, at: usize) -> i32 {
        i32::try_from(self.number(at)).unwrap_or(if self.number(at) < 0 { i32::MIN } else { i32::MAX })
    }

    fn oid(&self, at: usize) -> Option<u32> {
        u32::try_from(self.number(at)).ok()
    }

    fn flag(&self, at: usize) -> bool {
        self.flags[at % self.flags.len()]
    }
}

fn raw() -> impl Strategy<Value = Raw> {
    (
        vec(pid(), 3),
        vec(option::weighted(0.8, text()), 6),
        vec(option::weighted(0.8, age()), 4),
        vec(big(), 5),
        vec(any::<bool>(), 4),
    )
        .prop_map(|(pids, texts, ages, numbers, flags)| Raw {
            pids,
            texts,
            ages,
            numbers,
            flags,
        })
}

fn backend(raw: &Raw) -> Backend {
    Backend {
        pid: raw.pid(0),
        start: raw.number(0),
        leader_pid: raw.flag(0).then(|| raw.pid(1)),
        datname: raw.text(0),
        usename: raw.text(1),
        application_name: raw.text(2),
        client: raw.text(3),
        backend_type: raw.text(4),
        state: raw.text(5),
        wait_event_type: raw.text(3),
        wait_event: raw.text(1),
        backend_s: raw.age(0),
        xact_s: raw.age(1),
        query_s: raw.age(2),
        state_s: raw.age(3),
        xid_age: Some(raw.number(1)),
        xmin_age: Some(raw.number(2)),
        query_id: Some(raw.number(3)),
        query: raw.text(0),
        hidden: raw.flag(1),
    }
}

fn tag(raw: &Raw) -> Tag {
    Tag {
        locktype: raw.words(0),
        database: raw.oid(0),
        relation: raw.oid(1),
        page: Some(raw.int(2)),
        tuple: Some(raw.int(3)),
        virtualxid: raw.text(1),
        transactionid: raw.text(2),
        classid: raw.oid(3),
        objid: raw.oid(4),
        objsubid: Some(raw.int(0)),
    }
}

fn names(raw: &Raw) -> Names {
    Names {
        database: raw.text(0),
        relation: raw.text(1),
        class: raw.text(2),
        row: raw.flag(2).then(|| RowPlace {
            relation: raw.oid(1).unwrap_or_default(),
            name: raw.text(3),
            page: raw.int(2),
            tuple: raw.int(3),
        }),
    }
}

fn session(raw: &Raw) -> Session {
    let row = backend(raw);
    Session {
        pid: row.pid,
        start: row.start,
        leader_pid: row.leader_pid,
        datname: row.datname,
        usename: row.usename,
        application_name: row.application_name,
        client: row.client,
        backend_type: row.backend_type,
        state: row.state,
        wait_event_type: row.wait_event_type,
        wait_event: row.wait_event,
        xact_s: row.xact_s,
        query_s: row.query_s,
        state_s: row.state_s,
        query: row.query,
        hidden: row.hidden,
        wait: raw.flag(3).then(|| Wait {
            tag: tag(raw),
            mode: raw.words(4),
            seconds: raw.age(0),
            blockers: raw.pids.clone(),
            names: names(raw),
        }),
    }
}

fn locks(rows: &[Raw]) -> Sample {
    let mut sessions: Vec<Session> = rows.iter().map(session).collect();
    sessions.sort_by_key(|session| session.pid);
    sessions.dedup_by_key(|session| session.pid);
    let held = |raw: &Raw| Held {
        pid: raw.pid(1),
        virtualtransaction: raw.words(1),
        tag: tag(raw),
        mode: raw.words(2),
        against: vec![raw.words(4)],
    };
    Sample {
        waiters: sessions.iter().filter(|session| session.wait.is_some()).count(),
        held: rows.iter().map(held).collect(),
        sessions,
    }
}

fn work(raw: &Raw) -> Work {
    Work {
        reset: raw.age(0),
        commits: raw.number(0),
        rollbacks: raw.number(1),
        blocks_read: raw.number(2),
        blocks_hit: raw.number(3),
        rows_returned: raw.number(4),
        temp_bytes: raw.number(0),
        sessions: Some(raw.number(1)),
        deadlocks: raw.number(2),
        ..Work::default()
    }
}

/// An answer of the nth probe.
fn say(app: &mut App, probe: usize, rows: &[Raw]) {
    let first = rows.first().cloned();
    let Some(raw) = first else { return };
    let count = rows.len();
    match probe {
        0 => app.answer::<Activity>(count, rows.iter().map(backend).collect()),
        1 => app.answer::<Locks>(count, locks(rows)),
        2 => app.answer::<PulseProbe>(1, pulse(&raw)),
        3 => app.answer::<CountersProbe>(1, counters(&raw)),
        4 => app.answer::<Page>(1, Some(detail(&raw))),
        5 => app.answer::<BackendLocks>(count, held_locks(rows)),
        6 => app.answer::<ProgressProbe>(count, rows.iter().map(progress).collect()),
        7 => app.answer::<PreparedXacts>(count, rows.iter().map(prepared).collect()),
        8 => app.answer::<ReplicationProbe>(count, rows.iter().map(sender).collect()),
        9 => app.answer::<RecoveryProbe>(1, recovery(&raw)),
        10 => app.answer::<HorizonProbe>(count, rows.iter().map(holder).collect()),
        11 => app.answer::<SlotsProbe>(count, rows.iter().map(slot).collect()),
        12 => app.answer::<RelationIoProbe>(1, relation_io(&raw)),
        13 => app.answer::<ArchiverProbe>(1, archiver(&raw)),
        14 => app.answer::<ArchiveBacklogProbe>(1, backlog(&raw)),
        15 => app.answer::<ConflictsProbe>(1, conflicts(&raw)),
        16 => app.answer::<WalSettingsProbe>(1, wal_settings(&raw)),
        17 => app.answer::<SubscriptionsProbe>(count, rows.iter().map(subscription).collect()),
        _ => app.answer::<DatabasesProbe>(count, rows.iter().map(database).collect()),
    }
}

fn pulse(raw: &Raw) -> Pulse {
    Pulse {
        epoch: raw.time(0),
        started: raw.time(1),
        in_recovery: raw.flag(0),
        timeline: Some(raw.int(0)),
        wal_position: Some(raw.number(1)),
        max_connections: raw.int(2),
        superuser_reserved: raw.int(3),
        reserved: raw.int(4),
        autovacuum_max_workers: raw.int(1),
        autovacuum: raw.flag(1),
        checkpoint_timeout_s: raw.time(2),
    }
}

fn counters(raw: &Raw) -> Counters {
    Counters {
        epoch: raw.time(0),
        started: raw.time(1),
        in_recovery: raw.flag(0),
        databases: raw.number(0),
        all: work(raw),
        here: work(raw),
        ..Counters::default()
    }
}

fn detail(raw: &Raw) -> Detail {
    Detail {
        pid: raw.pid(0),
        datname: raw.text(0),
        usename: raw.text(1),
        application_name: raw.text(2),
        client: raw.text(3),
        client_port: Some(raw.int(0)),
        client_hostname: raw.text(4),
        backend_type: raw.text(5),
        state: raw.text(4),
        wait_event_type: raw.text(3),
        wait_event: raw.text(2),
        backend_start: raw.age(0),
        backend_s: raw.age(1),
        xact_s: raw.age(2),
        query_s: raw.age(3),
        state_s: raw.age(0),
        now: raw.time(1),
        xid: raw.text(0),
        xid_age: Some(raw.number(0)),
        xmin: raw.text(1),
        xmin_age: Some(raw.number(1)),
        leader_pid: Some(raw.pid(1)),
        workers: raw.pids.clone(),
        query_id: Some(raw.number(2)),
        blocked_by: raw.pids.clone(),
        query: raw.text(3),
        cut: raw.flag(0),
        hidden: raw.flag(1),
        encryption: raw.flag(2).then(|| Encryption::Tls {
            version: raw.words(0),
            cipher: raw.words(1),
            client_dn: raw.text(2),
        }),
    }
}

fn held_locks(rows: &[Raw]) -> HeldLocks {
    let lock = |raw: &Raw| Lock {
        granted: raw.flag(0),
        mode: raw.words(1),
        strength: raw.int(0),
        tag: tag(raw),
        names: names(raw),
        wait_s: raw.age(0),
    };
    let first = &rows[0];
    HeldLocks {
        locks: rows.iter().map(lock).collect(),
        all: first.number(0).max(0),
        awaited: first.number(1).clamp(0, first.number(0).max(0)),
    }
}

fn progress(raw: &Raw) -> Progress {
    Progress {
        command: raw.text(0),
        phase: raw.text(1),
        done: Some(raw.number(0)),
        total: Some(raw.number(1)),
        unit: raw.text(2),
        pid: raw.pid(0),
        start: raw.number(2),
        backend_type: raw.text(5),
        relid: raw.oid(3),
        database: raw.text(3),
        index: raw.text(4),
        locker_pid: Some(raw.pid(1)),
        epoch: raw.time(0),
        since_s: raw.age(1),
        rounds: Some(raw.number(4)),
        dead: Some(raw.number(5)),
        dead_room: Some(raw.number(6)),
        delay_ms: raw.age(2),
        ..Progress::default()
    }
}

fn prepared(raw: &Raw) -> Prepared {
    Prepared {
        gid: raw.words(0),
        xid: raw.words(1),
        owner: raw.words(2),
        database: raw.words(3),
        age_s: raw.age(0),
        virtualtransaction: raw.words(1),
        locks: raw.int(0),
    }
}

fn sender(raw: &Raw) -> Sender {
    Sender {
        pid: raw.pid(0),
        start: raw.number(0),
        usename: raw.text(0),
        application_name: raw.text(1),
        client: raw.text(2),
        state: raw.text(3),
        sync_state: raw.text(4),
        epoch: raw.time(0),
        replay_bytes: Some(raw.number(1)),
        replay_position: Some(raw.number(0)),
        reply_us: Some(raw.number(1)),
        replay_s: raw.age(0),
        hidden: raw.flag(0),
        sync_priority: Some(raw.int(0)),
        sent_bytes: Some(raw.number(2)),
        write_s: raw.age(1),
        reply_age_s: raw.age(2),
        age_s: raw.age(0),
        xmin_age: Some(raw.number(3)),
        slot_name: raw.text(2),
        slot_type: raw.text(3),
        database: raw.text(0),
        plugin: raw.text(1),
        kept_bytes: Some(raw.number(4)),
        ..Sender::default()
    }
}

fn recovery(raw: &Raw) -> Recovery {
    Recovery {
        receiver_pid: Some(raw.pid(0)),
        receiver_status: raw.text(0),
        sender_host: raw.text(1),
        sender_port: Some(raw.int(0)),
        message_age_s: raw.age(0),
        receive_bytes: Some(raw.number(0)),
        replay_bytes: Some(raw.number(1)),
        replay_s: raw.age(1),
        paused: Some(raw.flag(0)),
        in_recovery: raw.flag(1),
        epoch: raw.time(0),
        slot_name: raw.text(2),
        timeline: Some(raw.int(1)),
        latest_end_age_s: raw.age(2),
        unflushed_bytes: Some(raw.number(2)),
        replay_position: Some(raw.number(3)),
        pause_state: raw.text(3),
        prefetch: Some(Prefetch {
            fetched: raw.number(0),
            hits: raw.number(1),
            skipped: raw.number(2),
            distance: raw.int(2),
            reset: raw.age(0),
        }),
        min_apply_delay_s: raw.time(1),
        hot_standby_feedback: raw.flag(2),
        max_streaming_delay_s: raw.time(2),
        max_archive_delay_s: raw.time(0),
        restores: raw.flag(0),
        target: raw.text(4),
    }
}

fn holder(raw: &Raw) -> Holder {
    Holder {
        kind: raw.words(0),
        name: raw.words(1),
        pid: Some(raw.pid(0)),
        start: Some(raw.number(0)),
        detail: raw.text(2),
        database: raw.text(3),
        xmin_age: raw.number(1),
        age_s: raw.age(0),
        application: raw.text(4),
        state: raw.text(5),
        active: Some(raw.flag(0)),
        here: raw.flag(1),
    }
}

fn slot(raw: &Raw) -> Slot {
    Slot {
        slot_name: raw.words(0),
        slot_type: raw.words(1),
        database: raw.text(2),
        active: raw.flag(0),
        kept_bytes: Some(raw.number(0)),
        wal_status: raw.text(3),
        safe_bytes: Some(raw.number(1)),
        epoch: raw.time(0),
        plugin: raw.text(4),
        temporary: raw.flag(1),
        active_pid: Some(raw.pid(0)),
        confirmed_bytes: Some(raw.number(2)),
        xmin_age: Some(raw.number(3)),
        catalog_xmin_age: Some(raw.number(4)),
        two_phase: Some(raw.flag(0)),
        decoded: Some(Decoded {
            spill_txns: raw.number(0),
            spill_bytes: raw.number(1),
            stream_bytes: raw.number(2),
            total_bytes: raw.number(3),
        }),
        conflicting: Some(raw.flag(2)),
        inactive_s: raw.age(1),
        invalidation_reason: raw.text(0),
        failover: Some(raw.flag(1)),
        synced: Some(raw.flag(2)),
    }
}

fn archiver(raw: &Raw) -> Archiver {
    Archiver {
        epoch: raw.time(0),
        mode: raw.words(0),
        has_command: raw.flag(0),
        library: raw.text(0),
        timeout_s: raw.time(1),
        in_recovery: raw.flag(1),
        archived_count: raw.number(0),
        last_archived_wal: raw.text(1),
        archived_age_s: raw.age(0),
        failed_count: raw.number(1),
        last_failed_wal: raw.text(2),
        failed_age_s: raw.age(1),
        reset: raw.age(2),
        segment_bytes: raw.number(2),
        wal_position: Some(raw.number(3)),
        may_list: raw.flag(2),
    }
}

fn backlog(raw: &Raw) -> ArchiveBacklog {
    ArchiveBacklog {
        epoch: raw.time(0),
        waiting: raw.number(0),
        done: raw.number(1),
        oldest_s: raw.age(0),
    }
}

fn conflicts(raw: &Raw) -> Conflicts {
    Conflicts {
        epoch: raw.time(0),
        snapshot: raw.number(0),
        lock: raw.number(1),
        buffer_pin: raw.number(2),
        deadlock: raw.number(3),
        tablespace: raw.number(4),
        logical_slot: raw.number(0),
    }
}

fn wal_settings(raw: &Raw) -> WalSettings {
    WalSettings {
        synchronous_standby_names: raw.words(0),
        synchronous_commit: raw.words(1),
        wal_level: raw.words(2),
        max_wal_senders: raw.int(0),
        max_replication_slots: raw.int(1),
        max_keep_bytes: Some(raw.number(0)),
        idle_timeout_s: raw.age(0),
    }
}

fn subscription(raw: &Raw) -> Subscription {
    Subscription {
        epoch: raw.time(0),
        oid: raw.oid(0),
        name: raw.words(0),
        database: raw.words(1),
        here: raw.flag(0),
        owner: raw.text(0),
        enabled: raw.flag(1),
        slot_name: raw.text(1),
        publications: vec![raw.words(2)],
        disable_on_error: Some(raw.flag(2)),
        apply_errors: Some(raw.number(0)),
        sync_errors: Some(raw.number(1)),
        reset: raw.age(0),
        conflicts: Some(raw.number(2)),
        worker_pid: Some(raw.pid(0)),
        message_age_s: raw.age(1),
        latest_end_age_s: raw.age(2),
        received_position: Some(raw.number(3)),
        sync_workers: raw.number(4),
        parallel_workers: Some(raw.number(0)),
        tables: Some(raw.number(1)),
        ready: Some(raw.number(2)),
        unready: vec![Unready {
            schema: raw.words(0),
            table: raw.words(1),
            state: raw.words(3),
        }],
    }
}

fn relation_io(raw: &Raw) -> RelationIo {
    RelationIo {
        epoch: raw.time(0),
        started: raw.time(1),
        in_recovery: raw.flag(0),
        reset: raw.age(2),
        table_fetched: raw.number(0),
        table_hit: raw.number(1),
        index_fetched: raw.number(2),
        index_hit: raw.number(3),
    }
}

fn database(raw: &Raw) -> Database {
    Database {
        oid: raw.oid(0).unwrap_or_default(),
        datname: raw.words(0),
        bytes: Some(raw.number(1)),
        here: raw.flag(0),
    }
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Key(KeyEvent),
    Bound(usize, usize),
    Paste(String),
    Resize(u16, u16),
    Wait(u64),
    Answer(usize, Vec<Raw>),
    Fail(usize, String),
    Skip(usize),
    Down(String, bool),
    Up(bool, String),
    Tier(usize, u64),
    Cost(u64),
    Role(String),
    Slow(String),
    Resumed,
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => any::<char>().prop_map(KeyCode::Char),
        4 => (b' '..b'~').prop_map(|byte| KeyCode::Char(char::from(byte))),
        1 => (0..=255u8).prop_map(KeyCode::F),
        1 => Just(KeyCode::Null),
        1 => Just(KeyCode::Backspace),
        1 => Just(KeyCode::Delete),
        1 => Just(KeyCode::Insert),
    ];
    (code, 0..64u8).prop_map(|(code, bits)| KeyEvent::new(code, KeyModifiers::from_bits_truncate(bits)))
}

/// Everything but what ends the program.
fn step() -> impl Strategy<Value = Step> {
    let bound = (0..BINDINGS.len(), 0..3usize);
    prop_oneof![
        30 => bound.prop_map(|(at, key)| Step::Bound(at, key)),
        4 => key().prop_map(Step::Key),
        2 => text().prop_map(Step::Paste),
        3 => (0..=500u16, 0..=100u16).prop_map(|(width, height)| Step::Resize(width, height)),
        2 => Just(Step::Resize(80, 24)),
        3 => (0..400u64).prop_map(Step::Wait),
        20 => (0..19usize, vec(raw(), 1..9)).prop_map(|(probe, rows)| Step::Answer(probe, rows)),
        2 => (0..19usize, text()).prop_map(|(probe, text)| Step::Fail(probe, text)),
        1 => (0..PROBES.len()).prop_map(Step::Skip),
        1 => (text(), any::<bool>()).prop_map(|(text, since)| Step::Down(text, since)),
        1 => (any::<bool>(), text()).prop_map(|(all, text)| Step::Up(all, text)),
        1 => (0..4usize, 0..100_000u64).prop_map(|(tier, took)| Step::Tier(tier, took)),
        1 => any::<u64>().prop_map(Step::Cost),
        1 => text().prop_map(Step::Role),
        1 => text().prop_map(Step::Slow),
        1 => Just(Step::Resumed),
    ]
}

fn fault(text: &str) -> Fault {
    Fault::new(FaultKind::Lost, text).with_remedy(text)
}

fn fail(app: &mut App, probe: usize, fault: Fault) {
    match probe {
        0 => app.fail::<Activity>(fault),
        1 => app.fail::<Locks>(fault),
        2 => app.fail::<PulseProbe>(fault),
        3 => app.fail::<CountersProbe>(fault),
        4 => app.fail::<Page>(fault),
        _ => app.fail::<DatabasesProbe>(fault),
    }
}

fn news(app: &mut App, step: Step) {
    let now = Mono(app.now);
    match step {
        Step::Answer(probe, rows) => say(app, probe, &rows),
        Step::Fail(probe, text) => fail(app, probe, fault(&text)),
        Step::Skip(probe) => app.news(News::Skipped {
            probe: PROBES[probe].spec.id,
            reason: "nothing to ask",
        }),
        Step::Down(text, since) => app.news(News::Link(Link::Down {
            fault: fault(&text),
            since: since.then_some(now),
            retry_at: since.then_some(Mono(now.0 + Duration::from_secs(3))),
            attempts: u32::MAX,
        })),
        Step::Up(all, text) => {
            let mut server = data::server(all);
            server.host.clone_from(&text);
            server.database.clone_from(&text);
            server.role.clone_from(&text);
            server.tls = Some(text);
            app.connect(server);
        }
        Step::Tier(tier, took) => app.news(News::Tier(TierHealth {
            tier: Tier::ALL[tier],
            took: Duration::from_millis(took),
            budget: Duration::from_secs(1),
            interval: Duration::from_secs(2),
        })),
        Step::Cost(number) => app.news(News::Cost(Cost {
            statements: number,
            failed: number,
            busy: Duration::from_micros(number),
            connections: 255,
            opened: u32::MAX,
        })),
        Step::Role(text) => app.news(News::Role(Err(fault(&text)))),
        Step::Slow(text) => app.news(News::Slow(fault(&text))),
        _ => {}
    }
}

fn happen(app: &mut App, step: Step) {
    match step {
        Step::Key(key) if is_end(key) => {}
        Step::Key(key) => app.on(What::Terminal(Terminal::Key(key))),
        Step::Bound(at, key) => {
            let binding = &BINDINGS[at];
            if binding.action != Action::Quit {
                app.on(What::Terminal(Terminal::Key(key_event(
                    binding.keys[key % binding.keys.len()],
                ))));
            }
        }
        Step::Paste(text) => app.on(What::Terminal(Terminal::Paste(text))),
        Step::Resize(width, height) => app.resize(width, height),
        Step::Wait(millis) => {
            app.now += Duration::from_millis(millis * 50);
            app.on(What::Tick);
        }
        Step::Resumed => app.on(What::Resumed),
        other => news(app, other),
    }
}

fn is_end(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char('q' | 'Q' | 'c' | 'C'))
}

/// No cell of the screen may drive the terminal.
fn check_cells(app: &mut App) -> Result<(), TestCaseError> {
    for cell in app.buffer().content() {
        let bad = |letter: char| {
            letter.is_control()
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
        };
        prop_assert!(!cell.symbol().chars().any(bad), "{:?}", cell.symbol());
    }
    Ok(())
}

fn check(app: &mut App) -> Result<(), TestCaseError> {
    check_cells(app)?;
    let state = &app.state;
    prop_assert!(state.current < state.panes.len());
    prop_assert!(state.layers.len() <= 40, "{} layers", state.layers.len());
    prop_assert!(state.world.messages.newest_first().len() <= 500);
    prop_assert!(state.over.is_none());
    Ok(())
}

/// Both ways out work from here.
fn check_way_out(app: &mut App) -> Result<(), TestCaseError> {
    if app.state.prompt.is_some() {
        app.keys("q");
        prop_assert!(app.state.over.is_none(), "q is a letter of the filter");
        app.keys("ctrl-c");
    }
    if app.state.over.is_none() {
        app.keys("q");
    }
    prop_assert!(app.state.over.is_some());
    Ok(())
}

/// A hundred, since each draws the screen after every step; more with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(100, |cases| cases.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(steps in vec(step(), 1..60), live in any::<bool>()) {
        let mut app = App::new(80, 24);
        app.connect(data::server(live));
        for step in steps {
            happen(&mut app, step);
            check(&mut app)?;
        }
        check_way_out(&mut app)?;
    }

    /// A question cannot be got round: whatever is pressed, it is there until it is answered.
    #[test]
    fn a_question_stays(keys in vec((0..BINDINGS.len(), 0..3usize), 1..40)) {
        let mut app = App::new(80, 24);
        app.connect(data::server(true));
        app.news(News::Role(Err(fault("no time"))));
        for (at, key) in keys {
            let binding = &BINDINGS[at];
            if matches!(binding.action, Action::GoOn | Action::Quit) {
                continue;
            }
            app.keys(binding.keys[key % binding.keys.len()]);
            prop_assert!(app.state.layers.iter().any(|layer| layer.modal()));
            prop_assert!(app.state.prompt.is_none() && app.state.current == 0);
            prop_assert!(!app.state.world.privileged);
        }
    }

    /// New rows in another order: the same session is selected as long as it is there.
    #[test]
    fn the_selection_is_a_session(
        down in 0..30usize, gone in vec(any::<bool>(), 80), turn in 0..80usize, pane in 2..4u8, sort in 0..6usize,
    ) {
        let mut app = App::incident(80, 24);
        app.keys(&pane.to_string());
        for _ in 0..down {
            app.keys("j");
        }
        let Some(Subject::Backend { pid, start }) = selected(&mut app) else { return Ok(()) };
        for _ in 0..sort {
            app.keys(">");
        }
        app.at(data::LOOK + 2);
        let mut rows = data::activity(data::LOOK + 2);
        let len = rows.len();
        rows.rotate_left(turn % len);
        let mut n = 0;
        rows.retain(|row| {
            n += 1;
            row.pid == pid || !gone[n % gone.len()]
        });
        app.answer::<Activity>(rows.len(), rows);
        let mut locks = data::locks(data::LOOK + 2);
        let len = locks.sessions.len();
        locks.sessions.rotate_left(turn % len);
        app.answer::<Locks>(len, locks);
        prop_assert_eq!(selected(&mut app), Some(Subject::Backend { pid, start }));
    }
}

/// Whose page Enter opens; the page is closed again. `None` on a group.
fn selected(app: &mut App) -> Option<Subject> {
    app.state.settle();
    let layers = app.state.layers.len();
    app.keys("enter");
    let subject = app.state.top().and_then(View::subject).cloned();
    if app.state.layers.len() > layers {
        app.keys("esc");
    }
    subject
}

/// A chain of pages and popups stays short, however long it is walked.
#[test]
fn layers_do_not_pile_up() {
    let mut app = App::incident(80, 24);
    app.keys("2 g j");
    for _ in 0..200 {
        app.keys("enter");
        app.details(data::LOOK);
        app.keys("s ? m c y y");
    }
    assert!(app.state.layers.len() <= 40, "{}", app.state.layers.len());
}

/// Two sessions that wait for each other: going round leads back to the page that is open already.
#[test]
fn a_ring_of_blockers_does_not_pile_up_pages() {
    let mut app = App::incident(80, 24);
    let rows = data::activity(data::LOOK);
    app.keys("2 g j enter");
    for round in 0..20 {
        let Some(Subject::Backend { pid, .. }) = app.state.focus.subject else {
            panic!("no page after {round} rounds");
        };
        let other = if pid == 700 { 812 } else { 700 };
        app.answer::<Activity>(rows.len(), rows.clone());
        app.answer::<Page>(
            1,
            Some(Detail {
                pid,
                blocked_by: vec![other],
                ..Detail::default()
            }),
        );
        app.state.settle();
        app.keys("enter");
        assert_eq!(app.state.focus.subject, Some(data::subject(other)), "round {round}");
    }
    assert!(app.state.layers.len() <= 2, "{} pages", app.state.layers.len());
}

#[test]
fn messages_do_not_pile_up() {
    let mut app = App::incident(80, 24);
    for number in 0..2_000 {
        app.state.world.say(None, format!("message {number}"));
    }
    assert_eq!(app.state.world.messages.newest_first().len(), 500);
}
