//! An incident, second by second: an idle transaction, an `ALTER TABLE` behind it and forty readers behind that;
//! beside it a hot row, a parallel query, autovacuum. Everything follows from the second, so that every probe
//! tells of the same server.

mod partitions;
mod replication;
mod settings;
pub mod statements;
mod storage;
pub mod table;
mod vacuum;
pub mod wraparound;

use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::pg::server::{Extension, Server};
use pgmon_tui::poll::{Cost, Link, News, TierHealth};
use pgmon_tui::probe::activity::{Activity, Backend};
use pgmon_tui::probe::backend::{Backend as BackendProbe, Detail, Encryption};
use pgmon_tui::probe::backend_locks::{BackendLocks, Lock, Locks as HeldLocks};
use pgmon_tui::probe::counters::{Checkpoints, Counters, CountersProbe, Wal, Work};
use pgmon_tui::probe::database_list::POPUP;
use pgmon_tui::probe::databases::{Database, DatabasesProbe};
use pgmon_tui::probe::horizon::{Holder, HorizonProbe};
use pgmon_tui::probe::locks::{Held, Locks, Names, RowPlace, Sample, Session, Tag, Wait};
use pgmon_tui::probe::prepared::PreparedXacts;
use pgmon_tui::probe::pulse::{Pulse, PulseProbe};
use pgmon_tui::probe::recovery::{Recovery, RecoveryProbe};
use pgmon_tui::probe::relation_io::{RelationIo, RelationIoProbe};
use pgmon_tui::probe::replication::{ReplicationProbe, Sender};
use pgmon_tui::probe::{Mono, Subject, Tier};
use pgmon_tui::ui::look::Look;
use pgmon_tui::world::World;
use pgmon_tui::world::message::Messages;
use std::sync::LazyLock;
use std::time::Duration;

use crate::app::App;

/// 2025-11-20 13:22:11 UTC, the server's clock when the session begins.
const BEGIN: f64 = 1_763_644_931.0;

/// When the screens are looked at, in seconds of the session: 13:32:11.
pub const LOOK: u32 = 600;

pub fn server(reads_all_stats: bool) -> Server {
    Server {
        version_num: 160_004,
        version: "16.4".to_owned(),
        database: "app".to_owned(),
        encoding: "UTF8".to_owned(),
        role: if reads_all_stats { "monitor" } else { "report" }.to_owned(),
        host: "db1.example.com".to_owned(),
        port: 5432,
        tls: Some("TLSv1.3".to_owned()),
        reads_all_stats,
        block_size: 8192,
        extensions: extensions(),
        ..Server::default()
    }
}

fn extensions() -> Vec<Extension> {
    let extension = |name: &str, version: &str| Extension {
        name: name.to_owned(),
        version: version.to_owned(),
        schema: "public".to_owned(),
    };
    vec![extension("pg_stat_statements", "1.10"), extension("pgstattuple", "1.5")]
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "nearly every column may be NULL; this keeps the rows below readable"
)]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A session of the incident: since when it is there, what it does, whom it waits for.
struct Actor {
    pid: i32,
    since: f64,
    state: &'static str,
    query: String,
    waits: Option<Wait>,
}

fn relation(name: &str, oid: u32) -> (Tag, Names) {
    let tag = Tag {
        locktype: "relation".to_owned(),
        database: Some(5),
        relation: Some(oid),
        ..Tag::default()
    };
    let names = Names {
        database: some("app"),
        relation: some(name),
        ..Names::default()
    };
    (tag, names)
}

fn row_names() -> Names {
    Names {
        database: some("app"),
        relation: some("public.accounts"),
        row: Some(RowPlace {
            relation: 16_412,
            name: some("public.accounts"),
            page: 17,
            tuple: 3,
        }),
        ..Names::default()
    }
}

fn wait(mode: &str, blocker: i32, (tag, names): (Tag, Names)) -> Wait {
    Wait {
        tag,
        mode: mode.to_owned(),
        seconds: None,
        blockers: vec![blocker],
        names,
    }
}

fn xid(id: &str) -> Tag {
    Tag {
        locktype: "transactionid".to_owned(),
        transactionid: some(id),
        ..Tag::default()
    }
}

fn tuple() -> Tag {
    Tag {
        locktype: "tuple".to_owned(),
        database: Some(5),
        relation: Some(16_412),
        page: Some(17),
        tuple: Some(3),
        ..Tag::default()
    }
}

/// Who is in the incident at that second.
fn actors(second: u32) -> Vec<Actor> {
    let orders = || relation("public.orders", 16_400);
    let actor = |pid, since, state, query: &str, waits| Actor {
        pid,
        since,
        state,
        query: query.to_owned(),
        waits,
    };
    let mut all = vec![
        actor(
            700,
            -1271.0,
            "idle in transaction",
            "select * from orders where id = 4711 for update",
            None,
        ),
        actor(
            812,
            348.0,
            "active",
            "alter table orders\n  add column note text",
            Some(wait("AccessExclusiveLock", 700, orders())),
        ),
        actor(1201, 540.0, "active", "select app.settle_accounts()", None),
        actor(
            1210,
            561.0,
            "active",
            "update accounts set balance = balance - 10 where id = 1",
            Some(wait("ShareLock", 1201, (xid("88123"), row_names()))),
        ),
    ];
    all.extend((1211..1214).map(|pid| {
        let query = "update accounts set balance = balance - 10 where id = 1";
        let since = 562.0 + 3.0 * f64::from(pid - 1211);
        actor(
            pid,
            since,
            "active",
            query,
            Some(wait("ExclusiveLock", 1210, (tuple(), row_names()))),
        )
    }));
    all.extend((901..939).map(|pid| {
        let query = format!("select id, total from orders where customer_id = {}", pid * 7);
        let since = 349.0 + 6.0 * f64::from(pid - 901);
        actor(
            pid,
            since,
            "active",
            &query,
            Some(wait("AccessShareLock", 812, orders())),
        )
    }));
    all.retain(|actor| actor.since <= f64::from(second));
    all
}

fn application(pid: i32) -> &'static str {
    match pid {
        812 => "migrations",
        700 | 901..=999 => "checkout-api",
        _ => "billing",
    }
}

fn role(pid: i32) -> &'static str {
    if pid == 812 { "deploy" } else { "shop" }
}

fn start(pid: i32) -> i64 {
    1_763_640_000_000_000 + i64::from(pid)
}

fn backend_of(actor: &Actor, second: u32) -> Backend {
    let age = f64::from(second) - actor.since;
    let (class, event) = match (&actor.waits, actor.state) {
        (Some(wait), _) => (some("Lock"), some(&wait.tag.locktype)),
        (None, "active") => (None, None),
        _ => (some("Client"), some("ClientRead")),
    };
    Backend {
        pid: actor.pid,
        start: start(actor.pid),
        datname: some("app"),
        usename: some(role(actor.pid)),
        application_name: some(application(actor.pid)),
        client: some("10.0.3.7"),
        backend_type: some("client backend"),
        state: some(actor.state),
        wait_event_type: class,
        wait_event: event,
        backend_s: Some(age + 4000.0),
        xact_s: Some(age),
        query_s: Some(age),
        state_s: Some(age),
        xid_age: (actor.pid == 700).then_some(48_211),
        xmin_age: (actor.state == "active").then_some(48_000),
        query: Some(actor.query.clone()),
        ..Backend::default()
    }
}

fn plain(pid: i32, state: &str, age: f64, query: &str) -> Backend {
    let active = state == "active";
    Backend {
        pid,
        start: start(pid),
        datname: some("app"),
        usename: some("shop"),
        application_name: some("checkout-api"),
        client: some("10.0.3.8"),
        backend_type: some("client backend"),
        state: some(state),
        wait_event_type: (!active).then(|| "Client".to_owned()),
        wait_event: (!active).then(|| "ClientRead".to_owned()),
        backend_s: Some(5000.0),
        xact_s: active.then_some(age),
        query_s: Some(age),
        state_s: Some(age),
        xmin_age: active.then_some(120),
        query: some(query),
        ..Backend::default()
    }
}

/// A text from a client that means no good, and names in other scripts.
fn strange() -> Backend {
    Backend {
        datname: some("データ"),
        usename: some("שלום"),
        application_name: some("\u{1b}]0;owned\u{7}psql"),
        ..plain(
            1302,
            "active",
            1.25,
            "select '\u{1b}[2J\u{202e}txt', e'\\t'\r\n\tfrom \"表\" -- 🐘",
        )
    }
}

pub fn activity(second: u32) -> Vec<Backend> {
    let mut all: Vec<Backend> = actors(second).iter().map(|actor| backend_of(actor, second)).collect();
    all.extend((0..24).map(|n| plain(100 + n, "idle", 1.0 + f64::from(n), "commit")));
    all.push(plain(1301, "active", 0.012, "select * from customers where id = 8"));
    all.push(strange());
    let leader = plain(
        1305,
        "active",
        43.0,
        "select count(*) from orders o join lines l on l.order_id = o.id",
    );
    all.extend((1306..1308).map(|pid| Backend {
        pid,
        start: start(pid),
        leader_pid: Some(1305),
        backend_type: some("parallel worker"),
        wait_event_type: some("IO"),
        wait_event: some("DataFileRead"),
        ..leader.clone()
    }));
    all.push(leader);
    all.push(Backend {
        usename: None,
        application_name: some(""),
        client: None,
        backend_type: some("autovacuum worker"),
        wait_event_type: some("Timeout"),
        wait_event: some("VacuumDelay"),
        ..plain(1400, "active", 95.0, "autovacuum: VACUUM ANALYZE public.lines")
    });
    all.extend(
        [
            (31, "checkpointer", "CheckpointerMain"),
            (33, "walwriter", "WalWriterMain"),
        ]
        .map(|(pid, kind, event)| Backend {
            pid,
            start: start(pid),
            backend_type: some(kind),
            wait_event_type: some("Activity"),
            wait_event: some(event),
            backend_s: Some(1_000_000.0),
            query: some(""),
            ..Backend::default()
        }),
    );
    all
}

pub fn locks(second: u32) -> Sample {
    let actors = actors(second);
    let session = |actor: &Actor| {
        let backend = backend_of(actor, second);
        Session {
            pid: backend.pid,
            start: backend.start,
            datname: backend.datname,
            usename: backend.usename,
            application_name: backend.application_name,
            client: backend.client,
            backend_type: backend.backend_type,
            state: backend.state,
            wait_event_type: backend.wait_event_type,
            wait_event: backend.wait_event,
            xact_s: backend.xact_s,
            query_s: backend.query_s,
            state_s: backend.state_s,
            query: backend.query,
            hidden: false,
            wait: actor.waits.clone().map(|wait| Wait {
                seconds: backend.query_s,
                ..wait
            }),
            ..Session::default()
        }
    };
    let waiters = actors.iter().filter(|actor| actor.waits.is_some()).count();
    if waiters == 0 {
        return Sample::default();
    }
    let held = |pid, tag: Tag, mode: &str, against: &[&str]| Held {
        pid,
        virtualtransaction: format!("{}/22", pid % 100),
        tag,
        mode: mode.to_owned(),
        against: against.iter().map(|mode| (*mode).to_owned()).collect(),
    };
    let mut all = Vec::new();
    if second >= 348 {
        let orders = relation("public.orders", 16_400).0;
        all.push(held(700, orders, "RowShareLock", &["AccessExclusiveLock"]));
    }
    if second >= 561 {
        all.push(held(1201, xid("88123"), "ExclusiveLock", &["ShareLock"]));
        all.push(held(1210, tuple(), "ExclusiveLock", &["ExclusiveLock"]));
    }
    let in_it = |actor: &&Actor| second >= 561 || !(1201..1300).contains(&actor.pid);
    Sample {
        waiters,
        sessions: actors.iter().filter(in_it).map(session).collect(),
        held: all,
    }
}

pub fn pulse(second: u32) -> Pulse {
    Pulse {
        epoch: BEGIN + f64::from(second),
        started: BEGIN - 1_000_000.0,
        timeline: Some(1),
        wal_position: Some(50_000_000_000 + 4_300_000 * i64::from(second) - 2000 * i64::from(second * second)),
        max_connections: 200,
        superuser_reserved: 3,
        autovacuum_max_workers: 3,
        autovacuum: true,
        checkpoint_timeout_s: 300.0,
        ..Pulse::default()
    }
}

pub fn counters(second: u32) -> Counters {
    let epoch = BEGIN + f64::from(second);
    let second = i64::from(second);
    let work = Work {
        reset: Some(BEGIN - 900_000.0),
        commits: 900_000_000 + 700 * second - second * second / 2,
        rollbacks: 4_000_000 + 2 * second,
        blocks_read: 1_000_000 + 90 * second,
        blocks_hit: 900_000_000 + 12_000 * second,
        rows_returned: 7_000_000_000 + 40_000 * second,
        rows_fetched: 600_000_000 + 9_000 * second,
        rows_inserted: 80_000_000 + 120 * second,
        rows_updated: 50_000_000 + 31 * second,
        rows_deleted: 100 + second / 7,
        temp_files: 500 + second / 60,
        temp_bytes: 90_000_000_000 + 140_000 * second,
        deadlocks: 3,
        sessions: Some(100_000 + 4 * second),
    };
    Counters {
        epoch,
        started: BEGIN - 1_000_000.0,
        databases: 50_000,
        all: work.clone(),
        here: work,
        checkpoints: Checkpoints {
            reset: Some(BEGIN - 900_000.0),
            timed: 2995 + second / 300,
            requested: 12,
        },
        wal: Wal {
            reset: Some(BEGIN - 900_000.0),
            records: Some(1000 * second),
            full_pages: Some(1000 + 12 * second),
            bytes: Some(4_300_000 * second),
        },
        ..Counters::default()
    }
}

fn holders(second: u32) -> Vec<Holder> {
    vec![Holder {
        kind: "session".to_owned(),
        name: "shop".to_owned(),
        pid: Some(700),
        start: Some(start(700)),
        detail: some("checkout-api, idle in transaction"),
        database: some("app"),
        xmin_age: 40_000 + 14 * i64::from(second),
        age_s: Some(1271.0 + f64::from(second)),
        application: some("checkout-api"),
        state: some("idle in transaction"),
        active: None,
        here: true,
    }]
}

fn relation_io() -> RelationIo {
    RelationIo {
        epoch: BEGIN,
        started: BEGIN - 1_000_000.0,
        reset: Some(BEGIN - 900_000.0),
        table_fetched: 1_000_000,
        table_hit: 991_000,
        index_fetched: 1_000_000,
        index_hit: 998_000,
        ..RelationIo::default()
    }
}

fn databases(all: bool) -> Vec<Database> {
    let database = |oid, name: &str, bytes: i64, here| Database {
        oid,
        datname: name.to_owned(),
        bytes: (all || here).then_some(bytes),
        here,
    };
    vec![
        database(16_400, "warehouse", 210_000_000_000, false),
        database(16_401, "app", 41_000_000_000, true),
        database(5, "postgres", 7_900_000, false),
    ]
}

/// What the role may not see is hidden as the server hides it.
pub fn hide(backend: Backend) -> Backend {
    Backend {
        pid: backend.pid,
        datname: backend.datname,
        usename: backend.usename,
        application_name: backend.application_name,
        hidden: true,
        ..Backend::default()
    }
}

fn hide_session(session: Session) -> Session {
    Session {
        pid: session.pid,
        datname: session.datname,
        usename: session.usename,
        application_name: session.application_name,
        hidden: true,
        wait: session.wait,
        ..Session::default()
    }
}

pub fn subject(pid: i32) -> Subject {
    Subject::Backend { pid, start: start(pid) }
}

/// The page of a backend of the incident.
fn detail(pid: i32, second: u32) -> Option<Detail> {
    let all = activity(second);
    let row = all.iter().find(|backend| backend.pid == pid)?;
    let blocked = |actor: Actor| (actor.pid == pid).then_some(actor.waits?.blockers);
    Some(Detail {
        pid,
        datname: row.datname.clone(),
        usename: row.usename.clone(),
        application_name: row.application_name.clone(),
        client: row.client.clone(),
        client_port: Some(51_234),
        backend_type: row.backend_type.clone(),
        state: row.state.clone(),
        wait_event_type: row.wait_event_type.clone(),
        wait_event: row.wait_event.clone(),
        backend_start: row.backend_s.map(|age| BEGIN + f64::from(second) - age),
        backend_s: row.backend_s,
        xact_s: row.xact_s,
        query_s: row.query_s,
        state_s: row.state_s,
        now: BEGIN + f64::from(second),
        xid: row.xid_age.map(|_| "4711001".to_owned()),
        xid_age: row.xid_age,
        xmin: row.xmin_age.map(|_| "4663001".to_owned()),
        xmin_age: row.xmin_age,
        workers: if pid == 1305 { vec![1306, 1307] } else { vec![] },
        blocked_by: actors(second).into_iter().find_map(blocked).unwrap_or_default(),
        query: row.query.clone(),
        encryption: row.client.as_ref().map(|_| Encryption::Tls {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            client_dn: None,
        }),
        ..Detail::default()
    })
}

fn held_locks(pid: i32, second: u32) -> HeldLocks {
    let lock = |granted, mode: &str, strength, (tag, names): (Tag, Names), wait_s| Lock {
        granted,
        mode: mode.to_owned(),
        strength,
        tag,
        names,
        wait_s,
    };
    let mut locks = vec![
        lock(true, "RowShareLock", 2, relation("public.orders", 16_400), None),
        lock(true, "AccessShareLock", 1, relation("public.orders_pkey", 16_405), None),
    ];
    if let Some(actor) = actors(second).into_iter().find(|actor| actor.pid == pid)
        && let Some(wait) = actor.waits
    {
        let age = Some(f64::from(second) - actor.since);
        locks = vec![lock(false, &wait.mode, 8, (wait.tag, wait.names), age)];
    }
    HeldLocks {
        all: i64::try_from(locks.len()).unwrap(),
        awaited: i64::from(locks.iter().any(|lock| !lock.granted)),
        locks,
    }
}

impl App {
    /// A round of the hot tier at that second of the incident.
    pub fn hot(&mut self, second: u32) {
        self.at(second);
        let all = self.sees_all();
        self.answer::<PulseProbe>(1, pulse(second));
        let backends: Vec<Backend> = activity(second)
            .into_iter()
            .map(|backend| if all { backend } else { hide(backend) })
            .collect();
        self.answer::<Activity>(backends.len(), backends);
        let mut locks = locks(second);
        if !all {
            locks.sessions = locks.sessions.into_iter().map(hide_session).collect();
        }
        self.answer::<Locks>(locks.sessions.len() + locks.held.len(), locks);
        self.answer::<PreparedXacts>(0, vec![]);
        vacuum::hot(self, second, all);
        self.details(second);
        self.answer::<CountersProbe>(1, counters(second));
        let mut senders = replication::standbys(second);
        if !all {
            senders = vec![Sender {
                pid: 950,
                hidden: true,
                ..Sender::default()
            }];
        }
        self.answer::<ReplicationProbe>(1, senders);
        self.answer::<RecoveryProbe>(1, Recovery::default());
        self.cost(second);
    }

    /// What is asked because of what is looked at: a page, texts of statements, the list of databases.
    pub fn details(&mut self, second: u32) {
        self.settle();
        statements::texts(self);
        if self.state.focus.popup == Some(POPUP) {
            wraparound::list(self, second);
        }
        match self.state.focus.subject {
            Some(Subject::Relation(oid)) => table::page(self, oid, second),
            Some(Subject::Statement { query, .. }) => statements::page(self, query, second),
            Some(Subject::Backend { pid, .. }) => self.backend(pid, second),
            _ => self.backend(0, second),
        }
        self.settle();
    }

    fn backend(&mut self, pid: i32, second: u32) {
        let mut detail = detail(pid, second);
        if !self.sees_all() {
            detail = detail.map(|detail| Detail {
                pid,
                datname: detail.datname,
                usename: detail.usename,
                application_name: detail.application_name,
                blocked_by: detail.blocked_by,
                hidden: true,
                now: detail.now,
                ..Detail::default()
            });
        }
        self.answer::<BackendProbe>(usize::from(detail.is_some()), detail);
        let locks = held_locks(pid, second);
        self.answer::<BackendLocks>(locks.locks.len(), locks);
    }

    fn sees_all(&self) -> bool {
        self.state.world.server.as_ref().unwrap().reads_all_stats
    }

    pub fn at(&mut self, second: u32) {
        self.now = Duration::from_secs(u64::from(second));
    }

    fn cost(&mut self, second: u32) {
        let rounds = u64::from(second / 2);
        self.news(News::Cost(Cost {
            statements: 20 + 6 * rounds,
            failed: 0,
            busy: Duration::from_millis(40 + 24 * rounds),
            connections: 2,
            opened: 2,
        }));
    }

    /// A round of the workload tier.
    pub fn workload(&mut self, second: u32) {
        self.answer::<HorizonProbe>(1, holders(second));
        let all = self.sees_all();
        statements::workload(self, second, all);
        vacuum::queued(self);
        replication::workload(self, second, all);
        settings::workload(self, second);
        wraparound::workload(self, second);
    }

    fn storage(&mut self, second: u32) {
        let all = self.sees_all();
        self.answer::<RelationIoProbe>(1, relation_io());
        self.answer::<DatabasesProbe>(3, databases(all));
        storage::storage(self, second, all);
        partitions::storage(self, second);
        wraparound::storage(self);
    }

    fn tiers(&mut self) {
        for tier in Tier::ALL {
            let pace = self.state.world.settings.pace(tier);
            self.news(News::Tier(TierHealth {
                tier,
                took: Duration::from_millis(18),
                budget: pace.budget,
                interval: pace.interval,
            }));
        }
    }

    /// Ten minutes of the incident, up to [`LOOK`].
    pub fn incident(width: u16, height: u16) -> Self {
        Self::incident_with(width, height, Look::default())
    }

    /// The same, lived through once for all tests.
    pub fn incident_with(width: u16, height: u16, look: Look) -> Self {
        static WORLD: LazyLock<World> = LazyLock::new(|| App::lived(true));
        Self::in_world(&WORLD, width, height, look)
    }

    /// The same as a role without `pg_monitor` sees it.
    pub fn hidden(width: u16, height: u16) -> Self {
        static WORLD: LazyLock<World> = LazyLock::new(|| App::lived(false));
        Self::in_world(&WORLD, width, height, Look::default())
    }

    fn lived(reads_all_stats: bool) -> World {
        let mut app = Self::new(80, 24);
        app.live(reads_all_stats);
        app.state.world
    }

    fn in_world(world: &World, width: u16, height: u16, look: Look) -> Self {
        let mut app = Self::with(width, height, look);
        app.state.world = world.clone();
        // What was said when it began has left the footer.
        app.state.world.messages = Messages::default();
        app.at(LOOK);
        app
    }

    /// Connects and lives through the incident.
    pub fn live(&mut self, reads_all_stats: bool) {
        self.connect(server(reads_all_stats));
        self.storage(0);
        for second in (0..=LOOK).step_by(2) {
            self.hot(second);
            if second % 15 == 0 {
                self.workload(second);
            }
            if second == LOOK {
                self.storage(second);
            }
        }
        self.tiers();
    }

    /// A server on which nothing happens: two readings without any session.
    pub fn quiet(width: u16, height: u16) -> Self {
        let mut app = Self::new(width, height);
        app.connect(server(true));
        for second in [0, 2] {
            app.at(second);
            app.answer::<PulseProbe>(
                1,
                Pulse {
                    wal_position: Some(50_000_000_000),
                    ..pulse(second)
                },
            );
            app.answer::<Activity>(0, vec![]);
            app.answer::<Locks>(0, Sample::default());
            app.answer::<PreparedXacts>(0, vec![]);
            app.details(second);
            app.answer::<CountersProbe>(
                1,
                Counters {
                    epoch: BEGIN + f64::from(second),
                    ..counters(0)
                },
            );
            app.answer::<ReplicationProbe>(0, vec![]);
            app.answer::<RecoveryProbe>(0, Recovery::default());
            app.answer::<HorizonProbe>(0, vec![]);
            app.cost(second);
        }
        app.answer::<RelationIoProbe>(1, relation_io());
        app.answer::<DatabasesProbe>(3, databases(true));
        statements::quiet(&mut app);
        vacuum::quiet(&mut app);
        storage::quiet(&mut app);
        partitions::quiet(&mut app);
        replication::quiet(&mut app);
        wraparound::quiet(&mut app);
        app.tiers();
        app
    }

    /// The server goes away at that second; the next attempt starts five seconds later.
    pub fn lose(&mut self, second: u32) {
        self.at(second);
        let fault = refused();
        self.news(News::Link(Link::Down {
            fault,
            since: Some(Mono(self.now)),
            retry_at: Some(Mono(self.now + Duration::from_secs(5))),
            attempts: 1,
        }));
    }
}

pub fn refused() -> Fault {
    Fault::new(
        FaultKind::Refused,
        "db1.example.com:5432 refused the connection: nothing listens there.",
    )
    .with_remedy("Check host and port, and that the server runs.")
}
