//! Connections, waits, the oldest transactions.

use pgmon_lab::wait_until;
use pgmon_tui::model::overview;
use pgmon_tui::model::waits::{Profile, WaitClass};
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::pulse::{Pulse, PulseProbe};
use rstest::rstest;

use crate::{Eye, IDS, PATIENCE, cluster, number};

/// Everybody may ask everything, on a primary and on a standby; what is hidden is a value, not a failure.
#[rstest]
#[tokio::test]
async fn every_role_gets_answers(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let primary = cluster(major, &[]).await;
    let standby = primary.standby("dr1", &[("hot_standby_feedback", "on")]).await.unwrap();
    for (server, recovering) in [(&primary, false), (&standby, true)] {
        for role in ["postgres", "mon", "app"] {
            let mut eye = Eye::open(server, role, "postgres").await;
            for id in IDS {
                // The lock table is read only while somebody waits.
                let asked = eye.ask_id(id).await.is_some();
                let expected = match id {
                    "recovery" => recovering,
                    "locks" => role == "app",
                    _ => true,
                };
                assert_eq!(asked, expected, "{id} as {role} on {major}");
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn connections_by_state_are_those_the_server_counts(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let server = cluster(major, &[]).await;
    let mut sessions = Vec::new();
    for _ in 0..9 {
        sessions.push(server.client_as("app", "postgres").await.unwrap());
    }
    for session in &sessions[..3] {
        session.simple("BEGIN").await.unwrap();
    }
    assert!(sessions[3].simple("BEGIN; SELECT 1/0").await.is_err(), "aborted");
    let sleepers: Vec<_> = sessions[4..6]
        .iter()
        .map(|session| session.spawn("SELECT pg_sleep(600)"))
        .collect();
    let judge = server.client().await.unwrap();
    let all = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let judged = |state: &str| format!("{all} AND state LIKE '{state}' AND usename = 'app'");
    for (state, count) in [("active", 2), ("idle", 3), ("idle in transaction%", 4)] {
        let sql = judged(state);
        wait_until(state, PATIENCE, async || {
            Ok(number(&judge, &format!("({sql})")).await == count)
        })
        .await;
    }
    wait_until("who made the server ready has left", PATIENCE, async || {
        Ok(number(&judge, &format!("({all})")).await == 10)
    })
    .await;
    for role in ["postgres", "mon", "app"] {
        let mut eye = Eye::open(&server, role, "postgres").await;
        // The judge is idle while the program asks; it is one of them.
        let counted = overview::connections(eye.ask::<Activity>().await, 1);
        let used = number(&judge, &format!("({all})")).await;
        assert_eq!(i64::try_from(counted.used).unwrap(), used, "{role}");
        if role == "app" {
            // It sees its own kind, and that there is more.
            assert_eq!((counted.active, counted.idle, counted.in_tx), (2, 3, 4));
            assert_eq!(counted.hidden, 1, "the judge");
        } else {
            assert_eq!(
                (counted.active, counted.idle, counted.in_tx, counted.hidden),
                (2, 4, 4, 0)
            );
        }
        eye.session.close().await;
        let gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgmon-tui'";
        wait_until("the program's session is gone", PATIENCE, async || {
            Ok(number(&judge, &format!("({gone})")).await == 0)
        })
        .await;
    }
    drop(sleepers);
}

/// A role without privileges is refused exactly when as many connections are open as we call usable.
#[rstest]
#[tokio::test]
async fn usable_connections_are_those_that_can_be_used(#[values(12, 15, 16, 17, 18)] major: u32) {
    let reserved = [("reserved_connections", "2")];
    let conf = [("max_connections", "14"), ("superuser_reserved_connections", "3")];
    let conf: Vec<_> = conf
        .into_iter()
        .chain(reserved.into_iter().filter(|_| major >= 16))
        .collect();
    let server = cluster(major, &conf).await;
    let mut eye = Eye::open(&server, "app", "postgres").await;
    // Whoever made the server ready would take a connection from those who follow.
    wait_until("nobody else is connected", PATIENCE, async || {
        Ok(overview::connections(eye.ask::<Activity>().await, 1).used == 1)
    })
    .await;
    let mut open = vec![];
    while let Ok(client) = server.client_as("app", "postgres").await {
        open.push(client);
        assert!(open.len() < 20, "nobody is refused");
    }
    let usable = eye.ask::<PulseProbe>().await.usable();
    // The one that was refused hears of it before it has gone; from 18 on it is seen until then.
    wait_until("as many are used as are usable", PATIENCE, async || {
        let used = overview::connections(eye.ask::<Activity>().await, 1).used;
        Ok(i32::try_from(used).unwrap() == usable)
    })
    .await;
    assert_eq!(usable, if major >= 16 { 9 } else { 11 });
    let pulse: Pulse = eye.ask::<PulseProbe>().await.clone();
    assert_eq!(pulse.max_connections, 14);
}

#[rstest]
#[tokio::test]
async fn active_sessions_by_what_they_wait_for(#[values(12, 14, 18)] major: u32) {
    // A worker of autovacuum would be one more active session.
    let server = cluster(major, &[("autovacuum", "off")]).await;
    let judge = server.client().await.unwrap();
    judge
        .simple("CREATE TABLE t AS SELECT 1 AS v; GRANT ALL ON t TO app")
        .await
        .unwrap();
    let holder = server.client_as("app", "postgres").await.unwrap();
    holder.simple("BEGIN; LOCK TABLE t").await.unwrap();
    let mut sessions = Vec::new();
    for sql in ["SELECT * FROM t", "UPDATE t SET v = 2", "SELECT pg_sleep(600)"] {
        let session = server.client_as("app", "postgres").await.unwrap();
        let running = session.spawn(sql);
        sessions.push((session, running));
    }
    let waits = |kind: &str| {
        format!("(SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = '{kind}')")
    };
    wait_until("two wait for the lock and one sleeps", PATIENCE, async || {
        Ok(number(&judge, &waits("Lock")).await == 2 && number(&judge, &waits("Timeout")).await == 1)
    })
    .await;
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    let profile = Profile::of(eye.ask::<Activity>().await);
    assert_eq!(profile.count(WaitClass::Lock), 2);
    assert_eq!(profile.count(WaitClass::Other), 1);
    assert_eq!((profile.active(), profile.hidden), (3, 0));
    let oldest = overview::oldest_idle_tx(eye.latest.get::<Activity>().unwrap()).unwrap();
    assert_eq!(oldest.pid, holder.pid());
    // The lock table tells the same to a role that sees no waits.
    let plain = Eye::open(&server, "app", "postgres");
    let mut plain = plain.await;
    plain.ask_id("activity").await;
    plain.ask_id("locks").await;
    let blocked = overview::blocked(&plain.latest, false).unwrap();
    assert_eq!(blocked.count, 2);
    let longest = blocked.longest.unwrap();
    assert!(sessions.iter().any(|(session, _)| session.pid() == longest.pid));
}
