//! Quitting over a slow network while something runs on the user's demand.

use std::time::Duration;

use pgmon_lab::{Cluster, PATIENCE, Result, Terminal, wait_until};
use tokio::net::{TcpListener, TcpStream};

use crate::{LIVE, PROGRAM, ends_restored};

/// A function in the place of the measurement that takes as long as it is let.
const SCENE: &str = "
    CREATE EXTENSION pgstattuple;
    CREATE TABLE lines AS SELECT g FROM generate_series(1, 1000) g;
    ALTER EXTENSION pgstattuple DROP FUNCTION pgstattuple_approx(regclass);
    DROP FUNCTION pgstattuple_approx(regclass);
    CREATE FUNCTION pgstattuple_approx(reloid regclass, OUT table_len int8, OUT scanned_percent float8,
      OUT approx_tuple_count int8, OUT approx_tuple_len int8, OUT approx_tuple_percent float8,
      OUT dead_tuple_count int8, OUT dead_tuple_len int8, OUT dead_tuple_percent float8,
      OUT approx_free_space int8, OUT approx_free_percent float8)
    LANGUAGE sql VOLATILE AS $$ SELECT 0::int8, 0.0::float8, 0::int8, 0::int8, 0.0::float8, 0::int8, 0::int8,
      0.0::float8, 0::int8, 0.0::float8 FROM pg_sleep(600) $$";

/// Each new connection takes its time to get through, as on a long way, which is what this test is about; with TLS nothing can be asked before.
async fn far_away(port: u16) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let here = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(400)).await;
                if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                    // Either side may hang up at any time.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    Ok(here)
}

#[tokio::test]
async fn who_quits_takes_a_measurement_back_however_long_the_way_is() -> Result<()> {
    let cluster = Cluster::builder(18)
        .tls()?
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let truth = cluster.client().await?;
    truth.simple(SCENE).await?;
    // Its counters may come late, but its size is known.
    truth.simple("VACUUM ANALYZE lines").await?;
    let port = far_away(cluster.port()).await?.to_string();
    let words = [PROGRAM, "-h", "127.0.0.1", "-p", &port, "-U", "mon", "postgres"];
    let mut terminal = Terminal::start(&words, 120, 40, &[])?;
    terminal.wait_for_text(LIVE).await?;
    terminal.send("6")?;
    terminal.wait_for_text("lines").await?;
    terminal.send("\r")?;
    terminal.wait_for_text("→ public.lines").await?;
    terminal.send("b")?;
    terminal.wait_for_text("Measure?").await?;
    terminal.send("b")?;
    let runs = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'mon' AND wait_event = 'PgSleep')";
    wait_until("the measurement runs", PATIENCE, async || {
        truth.value::<bool>(runs).await
    })
    .await;
    terminal.send("q")?;
    ends_restored(terminal).await?;
    wait_until("the measurement is cancelled", PATIENCE, async || {
        Ok(cluster.log().contains("canceling statement due to user request"))
    })
    .await;
    Ok(())
}
