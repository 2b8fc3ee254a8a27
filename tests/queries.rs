//! Every query on every supported version, as superuser, `pg_monitor` and a plain role, on a primary and on a
//! standby: it returns rows that decode, or the sentence it should. And what the SQL popup shows is what the server
//! says it ran.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod common;
#[path = "common/patient.rs"]
mod patient;

use std::sync::Arc;

use pgmon_lab::{Client, Cluster, MAJORS, PATIENCE};
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::pg::server::Server;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::{Ask, Entry, Focus, Latest, PROBES, Param, Subject};

const ROLES: &[&str] = &["postgres", "monitor", "plain"];

/// What a role may be told instead of rows: probe, role, from this version on, and how the refusal is classed.
/// Everything else has to answer.
const REFUSED: &[(&str, &str, u32, FaultKind)] = &[
    // Not asked of a role that may not list the directory.
    ("archive_backlog", "plain", 12, FaultKind::Denied),
    // Only for members of pg_stat_scan_tables; the page of a table says so.
    ("measure", "plain", 12, FaultKind::Denied),
    ("measure_indexes", "plain", 12, FaultKind::Denied),
    // Asked only where pg_stat_monitor is installed, which these servers cannot have.
    ("statement_latency", "postgres", 12, FaultKind::Undefined),
    ("statement_latency", "monitor", 12, FaultKind::Undefined),
    ("statement_latency", "plain", 12, FaultKind::Undefined),
];

struct Lab {
    cluster: Cluster,
    /// A backend to look at.
    subject: Client,
}

async fn primary(major: u32) -> Cluster {
    Cluster::builder(major)
        .conf("track_activity_query_size", "65536")
        .conf("max_prepared_transactions", "5")
        .conf("wal_level", "logical")
        .role("monitor LOGIN IN ROLE pg_monitor")
        .role("plain LOGIN")
        .sql("CREATE EXTENSION pgstattuple")
        .start()
        .await
        .unwrap()
}

async fn open(cluster: &Cluster, user: &str, settings: &Settings) -> Session {
    let plan = common::plan(&cluster.conninfo(user, "postgres"));
    Session::open(&plan, Lane::Fast, settings, None)
        .await
        .unwrap_or_else(|fault| panic!("{user}: {fault}"))
}

async fn subject(client: &Client) -> Subject {
    let start =
        "select (extract(epoch from backend_start) * 1000000)::int8 from pg_stat_activity where pid = pg_backend_pid()";
    Subject::Backend {
        pid: client.pid(),
        start: client.value::<i64>(start).await.unwrap(),
    }
}

fn params(entry: &Entry, server: &Server, settings: &Settings, focus: &Focus, own: i32) -> Vec<Param> {
    (entry.params)(&Ask {
        server,
        settings,
        latest: &Latest::default(),
        focus,
        own: &[own],
    })
}

fn expected(entry: &Entry, role: &str, major: u32) -> Option<FaultKind> {
    REFUSED
        .iter()
        .find(|(probe, who, from, _)| *probe == entry.spec.id && *who == role && *from <= major)
        .map(|(.., kind)| *kind)
}

/// Asks every probe as every role, whether it would be wanted now or not, and compares the text with the server's.
async fn ask_everything(lab: &Lab) {
    let settings = patient::patient();
    let major = lab.cluster.major();
    let focus = Focus {
        subject: Some(subject(&lab.subject).await),
        ..Focus::default()
    };
    let truth = lab.cluster.client().await.unwrap();
    for role in ROLES {
        let mut session = open(&lab.cluster, role, &settings).await;
        let server = Arc::clone(session.server());
        for entry in PROBES {
            let what = format!("{} on {major} as {role}", entry.spec.id);
            let params = params(entry, &server, &settings, &focus, session.pid());
            let answer = session.ask(entry, &params, PATIENCE).await;
            let decoded = answer
                .result
                .and_then(|rows| (entry.decode)(&Latest::default(), &rows).map(|_| ()));
            match (decoded, expected(entry, role, major)) {
                (Ok(()), None) => {}
                (Err(fault), Some(kind)) => assert_eq!(fault.kind, kind, "{what}: {fault}"),
                (Ok(()), Some(kind)) => panic!("{what} answered; {kind:?} was expected"),
                (Err(fault), None) => panic!("{what}: {fault}"),
            }
            let ran = format!("select query from pg_stat_activity where pid = {}", session.pid());
            let ran: String = truth.value(&ran).await.unwrap();
            assert_eq!(answer.sql, ran, "{what}: shown, and as the server saw it");
        }
        session.close().await;
    }
}

async fn everything_on(major: u32) {
    let cluster = primary(major).await;
    let standby = cluster.standby("standby1", &[]).await.unwrap();
    let subject = cluster.client().await.unwrap();
    ask_everything(&Lab { cluster, subject }).await;
    let subject = standby.client().await.unwrap();
    ask_everything(&Lab {
        cluster: standby,
        subject,
    })
    .await;
}

macro_rules! on_every_version {
    ($($name:ident: $major:literal),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                everything_on($major).await;
            }
        )*

        #[test]
        fn no_version_is_left_out() {
            assert_eq!([$($major),*], MAJORS);
        }
    };
}

on_every_version! {
    every_query_on_12: 12,
    every_query_on_13: 13,
    every_query_on_14: 14,
    every_query_on_15: 15,
    every_query_on_16: 16,
    every_query_on_17: 17,
    every_query_on_18: 18,
}
