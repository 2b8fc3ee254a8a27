//! Situations: sessions in each other's way, made real on a cluster and held until [`Scene::end`].
//!
//! Each function returns when the situation is there, as `pg_locks` and `pg_stat_activity` say it; a session's
//! `application_name` is its name in the scene. Objects are made in the database given, so that tests on a shared
//! cluster do not meet: see [`Cluster::database`].

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Client, Cluster, Error, PATIENCE, Result, Running, wait_for};

/// Opened at the same time, so that 500 sessions do not overrun the server's listen queue.
const CONNECTING: usize = 16;

/// After `deadlock_timeout` a session leaves its wait to look for a deadlock, and for that moment nobody sees it waiting.
const UNDISTURBED: &str = "options='-c deadlock_timeout=1h'";

/// The global identifier of the transaction that [`prepared_transaction`] leaves behind is this and the database's name.
pub const GID_PREFIX: &str = "lab-";

/// In the place of `pgstattuple`'s own, once that extension is there: a measurement that takes as long as it is let.
pub const ENDLESS_MEASUREMENT: &str = "
    ALTER EXTENSION pgstattuple DROP FUNCTION public.pgstattuple_approx(regclass);
    DROP FUNCTION public.pgstattuple_approx(regclass);
    CREATE FUNCTION public.pgstattuple_approx(reloid regclass, OUT table_len int8, OUT scanned_percent float8,
      OUT approx_tuple_count int8, OUT approx_tuple_len int8, OUT approx_tuple_percent float8,
      OUT dead_tuple_count int8, OUT dead_tuple_len int8, OUT dead_tuple_percent float8,
      OUT approx_free_space int8, OUT approx_free_percent float8)
    LANGUAGE sql VOLATILE AS $$ SELECT 0::int8, 0.0::float8, 0::int8, 0::int8, 0.0::float8, 0::int8, 0::int8,
      0.0::float8, 0::int8, 0.0::float8 FROM pg_sleep(600) $$;
";

/// Sessions and what they are doing.
pub struct Scene {
    conninfo: String,
    admin: Client,
    sessions: Vec<(String, Client)>,
    running: Vec<Running>,
    after: Vec<String>,
}

impl Scene {
    /// An empty scene: sessions will be the superuser's in this database.
    ///
    /// # Errors
    /// What the server said.
    pub async fn open(cluster: &Cluster, database: &str) -> Result<Self> {
        let admin = cluster.client_as("postgres", database).await?;
        Ok(Self {
            conninfo: format!("{} {UNDISTURBED}", cluster.conninfo("postgres", database)),
            admin,
            sessions: Vec::new(),
            running: Vec::new(),
            after: Vec::new(),
        })
    }

    /// The superuser's session that looks on: not one of the scene's.
    #[must_use]
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// One more session, with this `application_name`.
    ///
    /// # Errors
    /// What the server said.
    pub async fn session(&mut self, name: &str) -> Result<Client> {
        let client = connect(&self.conninfo, name).await?;
        self.sessions.push((name.to_owned(), client.clone()));
        Ok(client)
    }

    /// `count` more sessions named `name`, opened side by side.
    ///
    /// # Errors
    /// What the server said.
    pub async fn sessions(&mut self, name: &str, count: usize) -> Result<Vec<Client>> {
        let (mut tasks, places) = (JoinSet::new(), Arc::new(Semaphore::new(CONNECTING)));
        for _ in 0..count {
            let (conninfo, name, places) = (self.conninfo.clone(), name.to_owned(), places.clone());
            tasks.spawn(async move {
                let _place = places.acquire().await;
                connect(&conninfo, &name).await
            });
        }
        let clients = tasks.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        self.sessions
            .extend(clients.iter().map(|client| (name.to_owned(), client.clone())));
        Ok(clients)
    }

    /// One more session that runs `sql` and has come to wait for a lock: see [`Scene::all_wait`].
    ///
    /// # Errors
    /// What the server said; it does not wait within a minute.
    pub async fn waiting(&mut self, name: &str, sql: &str) -> Result<Client> {
        let client = self.session(name).await?;
        self.run(&client, sql);
        self.all_wait(&[client.pid()]).await?;
        Ok(client)
    }

    /// `count` sessions that run `sql` and have all come to wait for a lock.
    ///
    /// # Errors
    /// What the server said; one of them does not wait within a minute.
    pub async fn all_waiting(&mut self, name: &str, count: usize, sql: &str) -> Result<Vec<Client>> {
        let clients = self.sessions(name, count).await?;
        for client in &clients {
            self.run(client, sql);
        }
        let pids: Vec<i32> = clients.iter().map(Client::pid).collect();
        self.all_wait(&pids).await?;
        Ok(clients)
    }

    /// Lets a session run `sql` and stay with it.
    pub fn run(&mut self, client: &Client, sql: &str) {
        self.running.push(client.spawn(sql));
    }

    /// Waits until each of these backends waits for a lock, and only for sessions of the scene or prepared transactions.
    /// Any other wait passes: CREATE INDEX CONCURRENTLY waits even for the snapshots of those who look on.
    /// A backend is in the queue a moment before it says that it waits, and since when (`pg_locks.waitstart`).
    ///
    /// # Errors
    /// What the server said; one of them does not wait within a minute.
    pub async fn all_wait(&self, pids: &[i32]) -> Result<()> {
        let own: Vec<i32> = self
            .sessions
            .iter()
            .map(|(_, client)| client.pid())
            .chain([0])
            .collect();
        let sql = format!(
            "SELECT pg_catalog.bool_and(b.pids <> '{{}}' AND b.pids <@ '{}' AND a.wait_event_type IS NOT DISTINCT FROM 'Lock') \
             FROM pg_catalog.unnest('{}'::int[]) p (pid) LEFT JOIN pg_catalog.pg_stat_activity a USING (pid), \
             pg_catalog.pg_blocking_pids(pid) b (pids)",
            array(&own),
            array(pids)
        );
        wait_for("sessions wait for a lock", PATIENCE, async || {
            self.admin.value::<bool>(&sql).await
        })
        .await
    }

    /// The backend of the first session with this name; 0, which no backend has, when there is none.
    #[must_use]
    pub fn pid(&self, name: &str) -> i32 {
        self.pids(name).first().copied().unwrap_or_default()
    }

    /// The backends of all sessions with this name.
    #[must_use]
    pub fn pids(&self, name: &str) -> Vec<i32> {
        self.sessions
            .iter()
            .filter(|(its, _)| its == name)
            .map(|(_, client)| client.pid())
            .collect()
    }

    /// The first session with this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn client(&self, name: &str) -> Result<&Client> {
        let found = self.sessions.iter().find(|(its, _)| its == name);
        found
            .map(|(_, client)| client)
            .ok_or_else(|| Error::new(format!("the scene has no session {name}")))
    }

    /// What the superuser runs after the sessions have ended.
    pub fn afterwards(&mut self, sql: &str) {
        self.after.push(sql.to_owned());
    }

    /// Ends every session and waits until they are gone.
    ///
    /// # Errors
    /// What the server said; one of them is still there after a minute.
    pub async fn end(mut self) -> Result<()> {
        let pids: Vec<i32> = self.sessions.iter().map(|(_, client)| client.pid()).collect();
        let pids = array(&pids);
        let terminate = "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a";
        self.admin
            .simple(&format!("{terminate} WHERE a.pid = ANY ('{pids}')"))
            .await?;
        let gone =
            format!("SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY ('{pids}'))");
        wait_for("the scene's sessions are gone", PATIENCE, async || {
            self.admin.value::<bool>(&gone).await
        })
        .await?;
        for sql in self.after.drain(..) {
            self.admin.simple(&sql).await?;
        }
        Ok(())
    }
}

async fn connect(conninfo: &str, name: &str) -> Result<Client> {
    Client::connect(&format!("{conninfo} application_name='{name}'")).await
}

/// `{1,2,3}`
fn array(pids: &[i32]) -> String {
    let pids: Vec<String> = pids.iter().map(i32::to_string).collect();
    format!("{{{}}}", pids.join(","))
}

/// `root`, idle in transaction, has read table `orders`; `alter` waits for `AccessExclusiveLock`; `readers` sessions
/// `reader` wait behind `alter` for `AccessShareLock`.
///
/// # Errors
/// What the server said.
pub async fn queued_exclusive(cluster: &Cluster, database: &str, readers: usize) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    scene
        .admin
        .simple("CREATE TABLE orders (id int PRIMARY KEY, total numeric)")
        .await?;
    scene
        .session("root")
        .await?
        .simple("BEGIN; SELECT * FROM orders")
        .await?;
    scene
        .waiting("alter", "ALTER TABLE orders ADD COLUMN note text")
        .await?;
    scene
        .all_waiting("reader", readers, "SELECT count(*) FROM orders")
        .await?;
    Ok(scene)
}

/// `root` has changed a row of table `accounts` and sits idle in transaction; `waiter` wants the row.
///
/// # Errors
/// What the server said.
pub async fn idle_in_transaction(cluster: &Cluster, database: &str) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    scene
        .admin
        .simple("CREATE TABLE accounts (id int PRIMARY KEY, v int); INSERT INTO accounts VALUES (1, 0)")
        .await?;
    scene
        .session("root")
        .await?
        .simple("BEGIN; UPDATE accounts SET v = 1 WHERE id = 1")
        .await?;
    scene
        .waiting("waiter", "UPDATE accounts SET v = 2 WHERE id = 1")
        .await?;
    Ok(scene)
}

/// A prepared transaction, named [`GID_PREFIX`] and the database, holds a row of table `ledger`; `waiter` wants it.
///
/// # Errors
/// What the server said.
pub async fn prepared_transaction(cluster: &Cluster, database: &str) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    scene
        .admin
        .simple("CREATE TABLE ledger (id int PRIMARY KEY, v int); INSERT INTO ledger VALUES (1, 0)")
        .await?;
    let prepare = format!("BEGIN; UPDATE ledger SET v = 1; PREPARE TRANSACTION '{GID_PREFIX}{database}'");
    scene.admin.simple(&prepare).await?;
    scene.afterwards(&format!("ROLLBACK PREPARED '{GID_PREFIX}{database}'"));
    scene.waiting("waiter", "UPDATE ledger SET v = 2").await?;
    Ok(scene)
}

/// `leader` runs a query whose two parallel workers wait to read table `gate`, which `holder` has locked; the leader
/// gathers. (Not an advisory lock: 12 refuses these in a parallel query.)
///
/// # Errors
/// What the server said; the server has no two workers to spare.
pub async fn parallel_query(cluster: &Cluster, database: &str) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    let setup = "CREATE TABLE facts AS SELECT g AS a FROM generate_series(1, 50000) g; ANALYZE facts;
        CREATE TABLE gate (v int);
        CREATE FUNCTION gated(a int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS
        'BEGIN PERFORM FROM gate; RETURN a; END'";
    scene.admin.simple(setup).await?;
    scene.session("holder").await?.simple("BEGIN; LOCK TABLE gate").await?;
    let leader = scene.session("leader").await?;
    let force = "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
        SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off";
    leader.simple(force).await?;
    scene.run(&leader, "SELECT count(gated(a)) FROM facts");
    let waiting = format!(
        "SELECT count(*) = 2 AND EXISTS (SELECT FROM pg_catalog.pg_stat_activity a \
         WHERE a.pid = {} AND a.wait_event = 'ExecuteGather') \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) \
         WHERE l.relation = 'gate'::pg_catalog.regclass AND NOT l.granted AND a.wait_event_type = 'Lock' \
         AND a.backend_type = 'parallel worker' AND a.datname = '{database}'",
        leader.pid()
    );
    wait_for("two workers wait and their leader gathers", PATIENCE, async || {
        scene.admin.value::<bool>(&waiting).await
    })
    .await?;
    Ok(scene)
}

/// `a` and `b` wait for each other, and nobody finds out. `victim` waits for `a`.
///
/// # Errors
/// What the server said.
pub async fn deadlock(cluster: &Cluster, database: &str) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    let setup = "CREATE TABLE pairs (id int PRIMARY KEY, v int); INSERT INTO pairs VALUES (1, 0), (2, 0), (3, 0)";
    scene.admin.simple(setup).await?;
    let (a, b) = (scene.session("a").await?, scene.session("b").await?);
    a.simple("BEGIN; UPDATE pairs SET v = 1 WHERE id IN (1, 3)").await?;
    b.simple("BEGIN; UPDATE pairs SET v = 1 WHERE id = 2").await?;
    scene.run(&a, "UPDATE pairs SET v = 2 WHERE id = 2");
    scene.all_wait(&[a.pid()]).await?;
    scene.run(&b, "UPDATE pairs SET v = 2 WHERE id = 1");
    scene.all_wait(&[b.pid()]).await?;
    scene.waiting("victim", "UPDATE pairs SET v = 3 WHERE id = 3").await?;
    Ok(scene)
}

/// `shared` holds an advisory lock in share mode; `exclusive` waits for it; `late`, in share mode, waits for `exclusive`.
///
/// # Errors
/// What the server said.
pub async fn advisory(cluster: &Cluster, database: &str) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    scene
        .session("shared")
        .await?
        .simple("SELECT pg_advisory_lock_shared(42)")
        .await?;
    scene.waiting("exclusive", "SELECT pg_advisory_lock(42)").await?;
    scene.waiting("late", "SELECT pg_advisory_lock_shared(42)").await?;
    Ok(scene)
}

/// `holder` has changed the only row of table `hot`; `first` waits for its transaction and holds the tuple lock for
/// which `waiters` sessions `convoy` queue.
///
/// # Errors
/// What the server said.
pub async fn hot_row(cluster: &Cluster, database: &str, waiters: usize) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    scene
        .admin
        .simple("CREATE TABLE hot (id int PRIMARY KEY, v int); INSERT INTO hot VALUES (1, 0)")
        .await?;
    scene
        .session("holder")
        .await?
        .simple("BEGIN; UPDATE hot SET v = v + 1 WHERE id = 1")
        .await?;
    let update = "UPDATE hot SET v = v + 1 WHERE id = 1";
    scene.waiting("first", update).await?;
    scene.all_waiting("convoy", waiters, update).await?;
    Ok(scene)
}

/// `builder` runs CREATE INDEX CONCURRENTLY on table `ci` and waits for the virtual transaction of `old`, which is idle
/// in a transaction with an old snapshot and has never touched the table.
///
/// # Errors
/// What the server said.
pub async fn index_behind_snapshot(cluster: &Cluster, database: &str) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    scene
        .admin
        .simple("CREATE TABLE ci AS SELECT g AS a FROM generate_series(1, 1000) g")
        .await?;
    scene
        .session("old")
        .await?
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await?;
    scene
        .waiting("builder", "CREATE INDEX CONCURRENTLY ci_a ON ci (a)")
        .await?;
    Ok(scene)
}

/// A commit of `writer` waits for a synchronous standby that does not exist: the whole cluster's commits do from now on.
///
/// # Errors
/// What the server said.
pub async fn sync_rep(cluster: &Cluster, database: &str) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    scene
        .admin
        .simple("SET synchronous_commit = local; CREATE TABLE audit (v int)")
        .await?;
    cluster.set("synchronous_standby_names", "nowhere").await?;
    let writer = scene.session("writer").await?;
    let of_writer = |what: &str| {
        format!(
            "SELECT {what} FROM pg_catalog.pg_stat_activity a WHERE a.pid = {}",
            writer.pid()
        )
    };
    let hangs = of_writer("a.wait_event IS NOT DISTINCT FROM 'SyncRep'");
    let idle = of_writer("a.state = 'idle'");
    let admin = scene.admin.clone();
    wait_for("a commit waits for a standby", PATIENCE, async || {
        if admin.value::<bool>(&hangs).await? {
            return Ok(true);
        }
        // Until the checkpointer has read the new setting, a commit waits for nobody.
        if admin.value::<bool>(&idle).await? {
            scene.run(&writer, "INSERT INTO audit VALUES (1)");
        }
        Ok(false)
    })
    .await?;
    scene.afterwards("ALTER SYSTEM RESET synchronous_standby_names");
    scene.afterwards("SELECT pg_catalog.pg_reload_conf()");
    Ok(scene)
}

/// The standby's startup process cannot replay an ALTER TABLE of the primary, because `reader` on the standby is idle in
/// a transaction that has read the table. The standby needs `max_standby_streaming_delay = -1`.
///
/// # Errors
/// What either server said.
pub async fn replay_behind_reader(primary: &Cluster, standby: &Cluster) -> Result<Scene> {
    let writer = primary.client().await?;
    writer.simple("CREATE TABLE replayed (v int)").await?;
    let mut scene = Scene::open(standby, "postgres").await?;
    let there = "SELECT pg_catalog.to_regclass('public.replayed') IS NOT NULL";
    let admin = scene.admin.clone();
    wait_for("the table is on the standby", PATIENCE, async || {
        admin.value::<bool>(there).await
    })
    .await?;
    scene
        .session("reader")
        .await?
        .simple("BEGIN; SELECT * FROM replayed")
        .await?;
    writer.simple("ALTER TABLE replayed ADD COLUMN w int").await?;
    let waits = "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) \
                 WHERE NOT l.granted AND l.relation = 'public.replayed'::pg_catalog.regclass AND a.backend_type = 'startup')";
    wait_for("the startup process waits", PATIENCE, async || {
        admin.value::<bool>(waits).await
    })
    .await?;
    Ok(scene)
}

/// `count` sessions: a tenth `active` (in `pg_sleep`), a tenth `idle in tx`, the rest `idle`.
/// The cluster's `max_connections` must allow for them.
///
/// # Errors
/// What the server said.
pub async fn many_sessions(cluster: &Cluster, database: &str, count: usize) -> Result<Scene> {
    let mut scene = Scene::open(cluster, database).await?;
    let tenth = count / 10;
    for client in scene.sessions("active", tenth).await? {
        scene.run(&client, "SELECT pg_sleep(86400)");
    }
    for client in scene.sessions("idle in tx", tenth).await? {
        client.simple("BEGIN; SELECT 1").await?;
    }
    scene.sessions("idle", count - 2 * tenth).await?;
    let asleep = format!(
        "SELECT count(*) = {tenth} FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY ('{}') AND a.wait_event = 'PgSleep'",
        array(&scene.pids("active"))
    );
    wait_for("the active sessions sleep", PATIENCE, async || {
        scene.admin.value::<bool>(&asleep).await
    })
    .await?;
    Ok(scene)
}
