//! A world with given samples, and a view's screen as text.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::View;
use crate::config::Settings;
use crate::known::ServerClock;
use crate::pg::fault::Fault;
use crate::pg::server::Server;
use crate::poll::Link;
use crate::probe::{Data, Mono, Probe, Ran, Sample, Subject};
use crate::ui::look::Look;
use crate::world::World;

/// When every sample was complete.
pub(super) const ASKED: Duration = Duration::from_secs(10);
/// The server's clock a second later, when the screen is drawn: 2025-11-20 13:32:11 UTC.
const NOW: f64 = 1_763_645_531.0;

/// A good answer of a probe.
pub(super) fn answer<P: Probe>(data: P::Data, subject: Option<Subject>) -> Arc<Sample> {
    sample::<P>(Some(Arc::new(data)), subject, None)
}

/// A failed question.
pub(super) fn failure<P: Probe>(fault: Fault, subject: Option<Subject>) -> Arc<Sample> {
    sample::<P>(None, subject, Some(fault))
}

fn sample<P: Probe>(data: Option<Data>, subject: Option<Subject>, fault: Option<Fault>) -> Arc<Sample> {
    let ran = Ran {
        subject,
        started: Mono(ASKED),
        fault,
        ..Ran::of(&P::SPEC, &server())
    };
    Arc::new(Sample { ran, data })
}

fn server() -> Server {
    Server {
        version_num: 160_004,
        role: "monitor".to_owned(),
        ..Server::default()
    }
}

/// A connected world, a second after these answers came, the oldest first.
pub(super) fn world(samples: &[Arc<Sample>]) -> World {
    let server = Arc::new(server());
    let now = Mono(ASKED + Duration::from_secs(1));
    let mut world = World::new(Arc::new(Settings::default()), "test".to_owned());
    world.link = Link::Up(Arc::clone(&server));
    world.server = Some(server);
    world.now = now;
    world.clock = Some(ServerClock { epoch: NOW, at: now });
    for sample in samples {
        world.take(sample);
    }
    world
}

/// The same world on a standby.
pub(super) fn standby(samples: &[Arc<Sample>]) -> World {
    let mut world = world(samples);
    world.server = Some(Arc::new(Server {
        in_recovery: true,
        ..server()
    }));
    world
}

/// What a view shows in so much room, without trailing spaces.
pub(super) fn screen(view: &mut dyn View, world: &World, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    view.derive(world);
    view.arrange(area);
    view.draw(world, &Look::default(), area, &mut buf);
    let line = |y| {
        (0..width)
            .map(|x| buf[(x, y)].symbol())
            .collect::<String>()
            .trim_end()
            .to_owned()
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}
