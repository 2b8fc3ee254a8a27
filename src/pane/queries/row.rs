//! One statement in one window, with its text as far as it is known.

use std::sync::Arc;
use std::time::Duration;

use crate::model::statements::{Growth, Interval};
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::statement_texts::{StatementTexts, Texts};
use crate::probe::{Mono, Probe};
use crate::world::World;

/// Texts that could not be read are asked for again after this.
const AGAIN: Duration = Duration::from_mins(10);

/// The text of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pane) enum TextOf {
    /// As the extension keeps it.
    Kept(Arc<str>),
    /// As some session ran it: constants and all.
    Seen(Arc<str>),
    /// Asked for.
    Awaited,
    /// The extension has none.
    None,
    /// It could not be read.
    Failed,
}

impl TextOf {
    /// The text, wherever it is from.
    pub fn shown(&self) -> Option<&Arc<str>> {
        match self {
            Self::Kept(text) | Self::Seen(text) => Some(text),
            Self::Awaited | Self::None | Self::Failed => None,
        }
    }
}

/// One statement.
#[derive(Clone, Debug)]
pub(in crate::pane) struct Row {
    pub growth: Growth,
    /// Milliseconds of all statements in this window.
    pub total_ms: f64,
    /// Bytes of a block.
    pub block: f64,
    pub text: TextOf,
    /// Its text is to be asked for.
    pub asks: bool,
    /// `track_planning` is on, if that is known.
    pub planning: Option<bool>,
    /// `track_io_timing` is on, if that is known.
    pub io_timing: Option<bool>,
}

/// What rows are made of, besides their numbers.
pub(in crate::pane) struct Source<'a> {
    world: &'a World,
    texts: Option<&'a Texts>,
    failed: bool,
    /// It is too early to ask for texts again.
    waits: bool,
    block: f64,
    planning: Option<bool>,
    io_timing: Option<bool>,
}

/// Which state of its sources a row was made of.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pane) struct State {
    /// When the newest texts were asked for.
    texts: Option<Mono>,
    /// How many texts of running sessions are known; they only become more.
    seen: usize,
    redacts: bool,
    failed: bool,
    waits: bool,
    block: f64,
    planning: Option<bool>,
    io_timing: Option<bool>,
}

impl<'a> Source<'a> {
    pub fn of(world: &'a World) -> Self {
        let extensions = world.get::<ExtensionsProbe>();
        let block = world.server.as_ref().map_or(8192, |server| server.block_size);
        let failed = world.texts_fail();
        Self {
            world,
            texts: world.get::<StatementTexts>(),
            failed,
            waits: failed && waits(world),
            block: f64::from(block),
            planning: extensions.and_then(|extensions| extensions.track_planning),
            io_timing: extensions.map(|extensions| extensions.track_io_timing),
        }
    }

    /// All of it that changes rows.
    pub fn state(&self) -> State {
        State {
            texts: self.world.latest.ran::<StatementTexts>().map(|ran| ran.started),
            seen: self.world.workload.texts_seen(),
            redacts: self.world.redacts(),
            failed: self.failed,
            waits: self.waits,
            block: self.block,
            planning: self.planning,
            io_timing: self.io_timing,
        }
    }

    /// The text of a statement.
    pub fn text(&self, query: i64) -> TextOf {
        if let Some(text) = self.texts.and_then(|texts| texts.get(query)) {
            return TextOf::Kept(Arc::clone(&text.text));
        }
        if let Some(text) = self.world.workload.seen(query, self.world.redacts()) {
            return TextOf::Seen(Arc::clone(text));
        }
        match self.texts {
            Some(texts) if texts.knows(query) => TextOf::None,
            _ if self.failed => TextOf::Failed,
            _ => TextOf::Awaited,
        }
    }

    /// Its text is not known and may be asked for now.
    pub fn asks(&self, query: i64) -> bool {
        !self.waits && !self.texts.is_some_and(|texts| texts.knows(query))
    }

    pub fn row(&self, growth: &Growth, interval: &Interval) -> Row {
        let query = growth.key.query;
        Row {
            growth: growth.clone(),
            total_ms: interval.total_ms,
            block: self.block,
            text: self.text(query),
            asks: self.asks(query),
            planning: self.planning,
            io_timing: self.io_timing,
        }
    }
}

/// A failure is not repeated for every new row in sight: each time the server reads its whole text file and logs an
/// error. A reset of everything takes bad texts away.
fn waits(world: &World) -> bool {
    let Some(ran) = world.last_ran(StatementTexts::SPEC.id) else {
        return false;
    };
    if ran
        .fault
        .as_ref()
        .is_some_and(crate::pg::fault::Fault::breaks_connection)
    {
        return false;
    }
    let age = world.now.since(ran.finished());
    let failed_at = world.server_now().map(|now| now - age.as_secs_f64());
    let reset = world.workload.since_reset().and_then(|interval| interval.from);
    let cleaned = reset.zip(failed_at).is_some_and(|(reset, failed)| reset > failed);
    age < AGAIN && !cleaned
}
