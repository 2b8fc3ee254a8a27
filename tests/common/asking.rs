//! Asks as the worker does, without the worker.

use std::sync::Arc;
use std::time::Instant;

use pgmon_lab::PATIENCE;
use pgmon_tui::pg::session::Session;
use pgmon_tui::probe::{self, Ask, Focus, Mono, Ran, Sample, Wanted};
use pgmon_tui::world::World;

/// Asks that probe, if it wants to be asked, and lets the world know; times count from `birth`.
pub async fn ask(id: &str, session: &mut Session, world: &mut World, birth: Instant) {
    let entry = probe::entry(id).unwrap();
    let server = Arc::clone(session.server());
    let settings = Arc::clone(&world.settings);
    let focus = Focus::default();
    let ask = Ask {
        server: &server,
        settings: &settings,
        latest: &world.latest,
        focus: &focus,
        own: &[session.pid()],
    };
    match (entry.wanted)(&ask) {
        Wanted::No(reason) => return world.skip(entry.spec.id, reason),
        Wanted::Keep => return,
        Wanted::Yes => {}
    }
    let params = (entry.params)(&ask);
    let started = Mono(birth.elapsed());
    let answer = session.ask(entry, &params, PATIENCE).await;
    let rows = answer.result.unwrap_or_else(|fault| panic!("{id}: {fault}"));
    let data = (entry.decode)(&world.latest, &rows).unwrap_or_else(|fault| panic!("{id}: {fault}"));
    let sample = Arc::new(Sample {
        ran: Ran {
            params,
            started,
            took: answer.took,
            rows: rows.len(),
            ..Ran::of(entry.spec, &server)
        },
        data: Some(data),
    });
    world.now = Mono(birth.elapsed());
    world.take(&sample);
}
