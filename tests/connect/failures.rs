//! Each way of failing is one sentence with the next step, and of the kind that decides what the program does next.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use pgmon_lab::{Cluster, Port, wait_until};
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::pg::plan::{Secret, SslMode};
use pgmon_tui::pg::session::{Lane, Session};
use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedReadHalf;

use crate::{PATIENCE, check, fault, open, plan, session, to, with_password};

/// Time for what must not answer at all; long enough for a busy machine to get as far as it can.
const SOON: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    let fault = fault(&plan("no-such-host.invalid", 5432, "me")).await;
    assert_eq!(fault.kind, FaultKind::Resolve);
    assert!(fault.sentence.contains("no-such-host.invalid"), "{fault}");
    assert!(fault.remedy.unwrap().contains("getent hosts no-such-host.invalid"));
}

#[tokio::test]
async fn nothing_listens_there() {
    let port = Port::reserve().unwrap();
    let free = port.number();
    let tcp = fault(&plan("127.0.0.1", free, "me")).await;
    assert_eq!(tcp.kind, FaultKind::Refused);
    assert!(tcp.sentence.contains(&format!("127.0.0.1:{free}")), "{tcp}");
    assert!(
        tcp.remedy
            .unwrap()
            .contains(&format!("pg_isready -h 127.0.0.1 -p {free}"))
    );

    let dir = tempfile::tempdir().unwrap();
    let unix = fault(&plan(dir.path().to_str().unwrap(), 5432, "me")).await;
    assert_eq!(unix.kind, FaultKind::Refused);
    assert!(unix.sentence.contains(".s.PGSQL.5432"), "{unix}");
}

#[rstest]
#[case::while_asking_for_tls(SslMode::Prefer)]
#[case::while_logging_in(SslMode::Disable)]
#[tokio::test]
async fn a_listener_that_never_answers(#[case] mode: SslMode) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut plan = plan("127.0.0.1", silent.local_addr().unwrap().port(), "me");
    plan.sslmode = mode;
    plan.connect_timeout = SOON;
    let fault = fault(&plan).await;
    assert_eq!(fault.kind, FaultKind::ConnectTimeout);
    assert!(fault.sentence.contains("within 0.5 s"), "{fault}");
}

#[tokio::test]
async fn a_server_that_is_stopped_in_its_tracks() {
    let cluster = Cluster::builder(18).start().await.unwrap();
    let mut plan = to(&cluster, "postgres");
    plan.connect_timeout = SOON;
    cluster.pause();
    let fault = open(&plan).await.err();
    cluster.resume();
    let fault = fault.unwrap();
    check(&fault);
    assert_eq!(fault.kind, FaultKind::ConnectTimeout);
}

#[rstest]
#[tokio::test]
async fn a_login_that_hangs_behind_a_locked_catalog(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major).role("mon LOGIN").start().await.unwrap();
    let holder = cluster.client().await.unwrap();
    holder.simple("BEGIN; LOCK TABLE pg_catalog.pg_authid").await.unwrap();
    let mut plan = to(&cluster, "mon");
    plan.connect_timeout = SOON;
    // The login is all the server has to do: on a busy machine the time could be up before it has said a word about TLS.
    plan.sslmode = SslMode::Disable;
    let fault = fault(&plan).await;
    assert_eq!(fault.kind, FaultKind::ConnectTimeout);
    assert!(fault.sentence.contains("the login did not finish"), "{fault}");
    holder.simple("ROLLBACK").await.unwrap();
    plan.connect_timeout = PATIENCE;
    session(&plan).await.close().await;
}

#[tokio::test]
async fn a_login_that_runs_into_a_locked_catalog() {
    let cluster = Cluster::builder(16).role("mon LOGIN").start().await.unwrap();
    let holder = cluster.client().await.unwrap();
    holder
        .simple("BEGIN; LOCK TABLE pg_catalog.pg_extension")
        .await
        .unwrap();
    let locked = fault(&to(&cluster, "mon")).await;
    assert_eq!(
        (locked.waits(), locked.sqlstate.as_deref()),
        (true, Some("55P03")),
        "{locked}"
    );
    holder.simple("ROLLBACK").await.unwrap();
    session(&to(&cluster, "mon")).await.close().await;
}

#[rstest]
#[tokio::test]
async fn passwords(#[values("scram-sha-256", "md5", "password")] method: &str) {
    let encryption = if method == "md5" { "md5" } else { "scram-sha-256" };
    let cluster = Cluster::builder(16)
        .hba(&format!("host all pw,nobody 127.0.0.1/32 {method}"))
        .conf("password_encryption", encryption)
        .role("pw LOGIN PASSWORD 'open sesame'")
        .start()
        .await
        .unwrap();
    let none = fault(&to(&cluster, "pw")).await;
    assert_eq!((none.kind, none.wants_password()), (FaultKind::Password, true));
    assert!(none.sentence.contains("there is none"), "{none}");

    let wrong = fault(&with_password(to(&cluster, "pw"), "close sesame")).await;
    assert_eq!(
        (wrong.kind, wrong.sqlstate.as_deref()),
        (FaultKind::Password, Some("28P01"))
    );
    assert!(wrong.wants_password());

    // The server does not tell an unknown role from a wrong password, so neither does the sentence.
    let unknown = fault(&with_password(to(&cluster, "nobody"), "open sesame")).await;
    assert_eq!(unknown.kind, FaultKind::Password);
    assert!(unknown.sentence.contains("no such role"), "{unknown}");

    session(&with_password(to(&cluster, "pw"), "open sesame"))
        .await
        .close()
        .await;

    let typed = Secret::new("open sesame".to_owned());
    let session = Session::open(&to(&cluster, "pw"), Lane::Slow, &Settings::default(), Some(&typed)).await;
    session.unwrap().close().await;
}

#[tokio::test]
async fn pg_hba_does_not_let_us_in() {
    let cluster = Cluster::builder(14)
        .hba("host all shut 127.0.0.1/32 reject")
        .role("shut LOGIN")
        .start()
        .await
        .unwrap();
    let fault = fault(&to(&cluster, "shut")).await;
    assert_eq!((fault.kind, fault.sqlstate.as_deref()), (FaultKind::Hba, Some("28000")));
    let remedy = fault.remedy.unwrap();
    assert!(
        remedy.contains("host postgres shut 127.0.0.1/32 scram-sha-256"),
        "{remedy}"
    );
    assert!(remedy.contains("pg_reload_conf()"), "{remedy}");
}

#[tokio::test]
async fn peer_authentication_of_another_user() {
    let cluster = Cluster::builder(14)
        .hba("local all peered peer")
        .role("peered LOGIN")
        .start()
        .await
        .unwrap();
    let fault = fault(&plan(cluster.socket_dir().to_str().unwrap(), cluster.port(), "peered")).await;
    assert_eq!(fault.kind, FaultKind::Hba);
    assert!(fault.remedy.unwrap().contains("local postgres peered scram-sha-256"));
}

#[tokio::test]
async fn names_the_server_does_not_know() {
    let cluster = Cluster::builder(13)
        .role("nologin NOLOGIN")
        .role("guest LOGIN")
        .sql("CREATE DATABASE private")
        .sql("REVOKE CONNECT ON DATABASE private FROM PUBLIC")
        .sql("CREATE DATABASE closed")
        .sql("ALTER DATABASE closed ALLOW_CONNECTIONS false")
        .start()
        .await
        .unwrap();
    for user in ["nobody_at_all", "nologin"] {
        let fault = fault(&to(&cluster, user)).await;
        assert_eq!(fault.kind, FaultKind::UnknownRole, "{fault}");
        assert!(fault.sentence.contains(user), "{fault}");
    }
    let into = |dbname: &str| {
        let mut plan = to(&cluster, "guest");
        plan.dbname = dbname.to_owned();
        plan
    };
    let unknown = fault(&into("nowhere")).await;
    assert_eq!(unknown.kind, FaultKind::UnknownDatabase);
    let private = fault(&into("private")).await;
    assert_eq!(private.kind, FaultKind::Denied);
    assert!(
        private
            .remedy
            .unwrap()
            .contains("GRANT CONNECT ON DATABASE private TO guest")
    );
    let closed = fault(&into("closed")).await;
    assert_eq!(
        (closed.kind, closed.sqlstate.as_deref()),
        (FaultKind::Other, Some("55000"))
    );
}

#[tokio::test]
async fn every_connection_is_taken() {
    let cluster = Cluster::builder(16)
        .conf("max_connections", "5")
        .conf("superuser_reserved_connections", "1")
        .conf("max_wal_senders", "0")
        .role("mon LOGIN")
        .role("single LOGIN CONNECTION LIMIT 1")
        .sql("CREATE DATABASE small CONNECTION LIMIT 1")
        .start()
        .await
        .unwrap();
    let only = cluster.client_as("single", "postgres").await.unwrap();
    let role = fault(&to(&cluster, "single")).await;
    assert!(role.waits() && role.sentence.contains("the role \"single\""), "{role}");
    drop(only);

    let only = cluster.client_as("mon", "small").await.unwrap();
    let mut small = to(&cluster, "mon");
    small.dbname = "small".to_owned();
    let database = fault(&small).await;
    assert!(
        database.waits() && database.sentence.contains("the database \"small\""),
        "{database}"
    );
    drop(only);

    // Sessions that have just been left may still take their slots: all of them are to be ours.
    let mut clients = Vec::new();
    wait_until("every slot but the superuser's is taken", PATIENCE, async || {
        clients.extend(cluster.client_as("mon", "postgres").await.ok());
        Ok(clients.len() == 4)
    })
    .await;
    let server = fault(&to(&cluster, "mon")).await;
    assert_eq!(
        (server.kind, server.sqlstate.as_deref()),
        (FaultKind::TooManyConnections, Some("53300"))
    );
    assert!(server.waits() && server.sentence.contains("slot"), "{server}");
    clients.clear();
    wait_until("a slot is free again", PATIENCE, async || {
        Ok(open(&to(&cluster, "mon")).await.is_ok())
    })
    .await;
}

#[tokio::test]
async fn a_server_on_its_way_down() {
    let cluster = Cluster::builder(15).role("mon LOGIN").start().await.unwrap();
    let last = cluster.client().await.unwrap();
    let stopping = async { cluster.stop(pgmon_lab::Stop::Smart).await.unwrap() };
    let looking = async {
        wait_until("a smart shutdown turns newcomers away", PATIENCE, async || {
            Ok(open(&to(&cluster, "mon")).await.is_err())
        })
        .await;
        let fault = fault(&to(&cluster, "mon")).await;
        drop(last);
        fault
    };
    let ((), fault) = tokio::join!(stopping, looking);
    assert_eq!(
        (fault.kind, fault.sqlstate.as_deref()),
        (FaultKind::NotYet, Some("57P03"))
    );
    assert!(fault.waits());
}

#[tokio::test]
async fn a_server_that_is_no_postgresql() {
    for mode in [SslMode::Disable, SslMode::Prefer, SslMode::Require] {
        let mut plan = plan(
            "127.0.0.1",
            answers(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
            "me",
        );
        plan.sslmode = mode;
        let http = fault(&plan).await;
        assert_eq!(http.kind, FaultKind::NotPostgres, "{mode:?}: {http}");

        plan.hosts = vec![crate::target("127.0.0.1", answers(b""))];
        let closed = fault(&plan).await;
        assert_eq!(closed.kind, FaultKind::Lost, "{mode:?}: {closed}");
        assert!(closed.sentence.contains("closed it without an answer"), "{closed}");
    }
    for mode in [SslMode::Disable, SslMode::Prefer, SslMode::Require] {
        let mut plan = plan("127.0.0.1", greets(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "me");
        plan.sslmode = mode;
        let ssh = fault(&plan).await;
        assert_eq!(ssh.kind, FaultKind::NotPostgres, "{mode:?}: {ssh}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_fork() {
    let mut plan = plan(
        "127.0.0.1",
        answers(b"Ecould not fork new process for connection: Cannot allocate memory\n\0"),
        "me",
    );
    plan.sslmode = SslMode::Disable;
    let fault = fault(&plan).await;
    assert!(
        fault.waits() && fault.sentence.contains("Cannot allocate memory"),
        "{fault}"
    );
}

/// No server older than 12 can be had here, so one is played up to the point where it has said its version.
#[tokio::test]
async fn a_server_older_than_12() {
    for (version, kind) in [("9.6.24", FaultKind::TooOld), ("11.22", FaultKind::TooOld)] {
        let mut plan = plan("127.0.0.1", answers(&login(version)), "me");
        plan.sslmode = SslMode::Disable;
        let fault = fault(&plan).await;
        assert_eq!(fault.kind, kind);
        assert!(fault.sentence.contains(&format!("PostgreSQL {version}")), "{fault}");
        assert!(!fault.waits());
    }
}

/// 10 and older do not know `jit`, and say so before they say their version.
#[tokio::test]
async fn a_server_too_old_for_our_options() {
    let refusal = message(
        b'E',
        b"SFATAL\0C42704\0Munrecognized configuration parameter \"jit\"\0\0",
    );
    let mut answers = vec![refusal, login("10.23")].into_iter();
    let mut plan = plan("127.0.0.1", plays(move || answers.next().unwrap_or_default()), "me");
    plan.sslmode = SslMode::Disable;
    assert_eq!(fault(&plan).await.kind, FaultKind::TooOld);
}

#[tokio::test]
async fn a_users_option_the_server_does_not_know() {
    let cluster = Cluster::builder(17).start().await.unwrap();
    let mut plan = to(&cluster, "postgres");
    plan.options = Some("-c no_such_setting=1".to_owned());
    let fault = fault(&plan).await;
    assert_eq!(
        (fault.kind, fault.sqlstate.as_deref()),
        (FaultKind::Other, Some("42704"))
    );
    assert!(fault.sentence.contains("no_such_setting"), "{fault}");
}

#[tokio::test]
async fn a_session_that_is_ended_before_its_last_settings() {
    let cluster = Cluster::builder(18).start().await.unwrap();
    let ender = cluster.client().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut plan = plan("127.0.0.1", listener.local_addr().unwrap().port(), "postgres");
    plan.sslmode = SslMode::Disable;
    let between = async {
        let (client, _) = listener.accept().await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let server = tokio::net::TcpStream::connect(("127.0.0.1", cluster.port())).await;
        let (mut from_server, mut to_server) = server.unwrap().into_split();
        let answers = async {
            let login = until_ready(&mut from_server).await;
            to_client.write_all(&login).await.unwrap();
            let mut rest = until_ready(&mut from_server).await;
            let ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgmon-tui'";
            ender.terminate(ender.value(ours).await.unwrap()).await.unwrap();
            // Who it is and why it ends arrive at once: nothing was asked in between.
            from_server.read_to_end(&mut rest).await.unwrap();
            to_client.write_all(&rest).await.unwrap();
        };
        // What is asked of a session that has ended does not arrive.
        let ((), _lost) = tokio::join!(answers, tokio::io::copy(&mut from_client, &mut to_server));
    };
    let (fault, ()) = tokio::join!(fault(&plan), between);
    assert_eq!(
        (fault.kind, fault.sqlstate.as_deref()),
        (FaultKind::NotYet, Some("57P01")),
        "{fault}"
    );
    assert!(fault.sentence.contains("due to administrator command"), "{fault}");
}

/// What a server sends until it is ready for the next question.
async fn until_ready(server: &mut OwnedReadHalf) -> Vec<u8> {
    let mut said = Vec::new();
    while !said.ends_with(&message(b'Z', b"I")) {
        assert_ne!(server.read_buf(&mut said).await.unwrap(), 0, "it hung up");
    }
    said
}

/// A message of the protocol.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag], length.as_slice(), body].concat()
}

/// A login by `trust` at a server of that version.
fn login(version: &str) -> Vec<u8> {
    [
        message(b'R', &0_i32.to_be_bytes()),
        message(b'S', format!("server_version\0{version}\0").as_bytes()),
        message(b'S', b"server_encoding\0UTF8\0"),
        message(b'K', &[0; 8]),
        message(b'Z', b"I"),
    ]
    .concat()
}

/// A listener that waits for a client's first bytes and answers each client with these.
fn answers(bytes: &[u8]) -> u16 {
    let bytes = bytes.to_vec();
    plays(move || bytes.clone())
}

fn plays(mut next: impl FnMut() -> Vec<u8> + Send + 'static) -> u16 {
    serve(move |mut client| {
        let _asked = client.read(&mut [0; 1024])?;
        client.write_all(&next())?;
        client.shutdown(std::net::Shutdown::Write)?;
        // The client's end is awaited, lest a reset overtakes the answer.
        client.read_to_end(&mut Vec::new())?;
        Ok(())
    })
}

/// A listener that speaks first.
fn greets(bytes: &'static [u8]) -> u16 {
    serve(move |mut client| {
        client.write_all(bytes)?;
        client.read_to_end(&mut Vec::new())?;
        Ok(())
    })
}

fn serve(mut each: impl FnMut(TcpStream) -> std::io::Result<()> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that leaves early is what some tests are about.
            let _left = each(client);
        }
    });
    port
}
