//! How it ends when it cannot do what it should: no server, a server that does not answer, a signal, nobody who reads.

use pgmon_lab::{PATIENCE, Port, Result, Signal, send_signal};
use rstest::rstest;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::{Said, program, run, server, sessions, words};

#[rstest]
#[case("check", 2)]
#[case("alerts --once", 3)]
#[tokio::test]
async fn nobody_listens(#[case] command: &str, #[case] status: i32) -> Result<()> {
    let port = Port::reserve()?;
    let place = format!("host=127.0.0.1 port={} user=postgres", port.number());
    for json in [false, true] {
        let words = command
            .split(' ')
            .chain(json.then_some("--json"))
            .chain([place.as_str()]);
        let said = Said::of(program(&words.collect::<Vec<_>>()).output().await.unwrap());
        assert_eq!(said.status, Some(status), "{} {}", said.out, said.err);
        let sentence = "Nothing listens on 127.0.0.1";
        match (json, command) {
            (true, _) => {
                let value = said.json();
                assert!(value["summary"].as_str().unwrap().contains(sentence), "{value}");
            }
            (false, "check") => assert!(said.err.contains(sentence), "{}", said.err),
            (false, _) => assert!(said.out.starts_with("UNKNOWN: Nothing listens"), "{}", said.out),
        }
    }
    Ok(())
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[tokio::test]
async fn a_signal_ends_it_and_nothing_is_left(#[case] signal: Signal) -> Result<()> {
    let cluster = server(18).role("mon LOGIN IN ROLE pg_monitor").start().await?;
    let observer = cluster.client().await?;
    // Everything is asked twice, two seconds apart: there is time.
    let words = words("alerts --once", &cluster, "mon", "postgres");
    let mut child = program(&words).spawn().unwrap();
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    sessions(&observer, 2).await;
    send_signal(pid, signal);
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130));
    sessions(&observer, 0).await;
    Ok(())
}

#[rstest]
#[case("check --json", 0)]
#[case("alerts --once --json", 0)]
#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure(#[case] command: &str, #[case] status: i32) -> Result<()> {
    let cluster = server(18).role("mon LOGIN IN ROLE pg_monitor").start().await?;
    let words = words(command, &cluster, "mon", "postgres");
    let mut child = program(&words).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "");
    assert_eq!(child.wait().await.unwrap().code(), Some(status));
    Ok(())
}

/// A server that stops answering in the middle is waited for no longer than is said.
#[tokio::test]
async fn a_server_that_falls_silent_is_not_known() -> Result<()> {
    let cluster = server(18).role("mon LOGIN IN ROLE pg_monitor").start().await?;
    cluster.pause();
    let place = format!("{} connect_timeout=2", cluster.conninfo("mon", "postgres"));
    let mut program_there = program(&["alerts", "--once", &place]);
    let output = timeout(PATIENCE, program_there.output()).await;
    cluster.resume();
    let said = Said::of(output.unwrap().unwrap());
    assert_eq!(said.status, Some(3), "{} {}", said.out, said.err);
    assert!(said.out.starts_with("UNKNOWN: "), "{}", said.out);

    // In the middle: it is connected, and nothing comes any more.
    let words = words("alerts --once", &cluster, "mon", "postgres");
    let observer = cluster.client().await?;
    let child = program(&words).spawn().unwrap();
    sessions(&observer, 2).await;
    cluster.pause();
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    cluster.resume();
    let said = Said::of(output.unwrap().unwrap());
    assert_eq!(said.status, Some(3), "{} {}", said.out, said.err);
    assert!(said.out.starts_with("UNKNOWN: "), "{}", said.out);
    sessions(&observer, 0).await;
    // It is there again, and so is the answer.
    let said = run("alerts --once", &cluster, "mon", "postgres").await;
    assert_eq!(said.status, Some(0), "{} {}", said.out, said.err);
    Ok(())
}
