//! The pane itself on live servers: with `pg_monitor` every line has a value, without it what is hidden says so.

use std::sync::Arc;

use pgmon_tui::pane;
use pgmon_tui::poll::Link;
use pgmon_tui::ui::look::Look;
use pgmon_tui::world::World;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rstest::rstest;

use crate::{Eye, IDS, PATIENCE, cluster};

/// Two rounds of every probe, far enough apart for rates, and what the pane shows then.
async fn screen(eye: &mut Eye) -> Vec<String> {
    for id in IDS {
        eye.ask_id(id).await;
    }
    pgmon_lab::wait_until("there are rates", PATIENCE, async || {
        for id in ["pulse", "counters"] {
            eye.ask_id(id).await;
        }
        Ok(["commits", "wal.position"]
            .iter()
            .all(|name| eye.series.last(name).is_some()))
    })
    .await;
    let mut world = World::new(Arc::new(eye.settings.clone()), "lab".to_owned());
    world.link = Link::Up(Arc::clone(eye.session.server()));
    world.server = Some(Arc::clone(eye.session.server()));
    world.now = eye.now();
    world.latest = eye.latest.clone();
    world.series = eye.series.clone();
    let mut panes = pane::panes().into_iter();
    let mut pane = panes.find(|pane| pane.id() == "overview").unwrap();
    let area = Rect::new(0, 0, 120, 36);
    pane.derive(&world);
    pane.arrange(area);
    let mut buffer = Buffer::empty(area);
    pane.draw(&world, &Look::default(), area, &mut buffer);
    (0..36)
        .map(|y| (0..120).map(|x| buffer[(x, y)].symbol()).collect())
        .collect()
}

#[rstest]
#[tokio::test]
async fn every_line_has_a_value_or_a_reason(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let server = cluster(major, &[]).await;
    let _other = server.client().await.unwrap();
    let shown = screen(&mut Eye::open(&server, "mon", "postgres").await).await;
    let missing: Vec<&String> = shown.iter().filter(|line| line.contains('–')).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    for label in [
        "Connections",
        "Blocked",
        "Commits/s",
        "WAL",
        "Checkpoints",
        "Autovacuum",
        "Databases",
    ] {
        assert!(shown.iter().any(|line| line.contains(label)), "{label}");
    }

    let shown = screen(&mut Eye::open(&server, "app", "postgres").await).await;
    let line = |label: &str| shown.iter().find(|line| line.contains(label)).unwrap();
    for label in ["Active", "Oldest tx", "Idle in tx", "Autovacuum", "xmin horizon"] {
        assert!(
            line(label).contains("hidden: GRANT pg_monitor TO app;"),
            "{}",
            line(label)
        );
    }
    // The lock table hides nothing, and counters are for everybody.
    assert!(
        line("Blocked").contains("nobody waits for a lock"),
        "{}",
        line("Blocked")
    );
    assert!(!line("Commits/s").contains('–'), "{}", line("Commits/s"));
    assert!(line("Connections").contains('≈'), "{}", line("Connections"));
}
