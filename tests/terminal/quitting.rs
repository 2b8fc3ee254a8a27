//! Quitting over a slow network while something runs on the user's demand.

use std::time::Duration;

use pgmon_lab::scene::ENDLESS_MEASUREMENT;
use pgmon_lab::{Cluster, PATIENCE, Result, Terminal, wait_until};
use tokio::net::{TcpListener, TcpStream};

use crate::{LIVE, PROGRAM, ends_restored};

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

/// Also when its own key has taken it back a moment before.
#[tokio::test]
async fn who_quits_takes_a_measurement_back_however_long_the_way_is() -> Result<()> {
    let cluster = Cluster::builder(18)
        .tls()?
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let truth = cluster.client().await?;
    truth.simple("CREATE EXTENSION pgstattuple").await?;
    truth.simple(ENDLESS_MEASUREMENT).await?;
    truth
        .simple("CREATE TABLE lines AS SELECT g FROM generate_series(1, 1000) g")
        .await?;
    // Its counters may come late, but its size is known.
    truth.simple("VACUUM ANALYZE lines").await?;
    let port = far_away(cluster.port()).await?.to_string();
    let words = [PROGRAM, "-h", "127.0.0.1", "-p", &port, "-U", "mon", "postgres"];
    for keys in ["q", "bq"] {
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
        terminal.send(keys)?;
        ends_restored(terminal).await?;
        wait_until("the measurement has ended", PATIENCE, async || {
            Ok(!truth.value::<bool>(runs).await?)
        })
        .await;
        let log = cluster.log();
        assert!(
            !log.contains("statement timeout"),
            "{keys:?}: it went on until its own end:\n{log}"
        );
    }
    Ok(())
}
