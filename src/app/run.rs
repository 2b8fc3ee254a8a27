//! The loop: drain everything that happened, update, draw if something changed, at most one frame in 16 ms. Here are
//! the clock, the signals and the terminal; everything else is pure.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::EventStream;
use futures_util::StreamExt;
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::chrome;
use super::keymap::Keymap;
use super::orders::Orders;
use super::state::{Over, State};
use super::update::{Effect, Event, What, update};
use crate::config::Settings;
use crate::pg::plan::{Plan, Secret};
use crate::pg::session::Session;
use crate::poll::worker::{LEAVING, Worker};
use crate::poll::{Link, News, Order};
use crate::probe::Mono;
use crate::term::{self, Screen};
use crate::ui::look::Look;
use crate::world::World;

/// One frame in this time at most.
const FRAME: Duration = Duration::from_millis(16);
/// News on their way to the screen: more than one round of all probes, and bounded.
const NEWS: usize = 64;
/// Orders on their way to the worker; more of them wait for room, see [`Orders`].
const ORDERS: usize = 16;

/// What the program is started with.
pub struct Start {
    /// Where to connect.
    pub plan: Arc<Plan>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// A password the user typed.
    pub password: Option<Secret>,
    /// The first session, if it is open already.
    pub session: Option<Session>,
    /// Why there is none yet.
    pub waiting: Option<crate::pg::fault::Fault>,
    /// How meaning looks.
    pub look: Look,
    /// What keys mean.
    pub keymap: Keymap,
    /// A role that may write is fine: no question.
    pub allow_privileged: bool,
    /// When the program started.
    pub started: Instant,
}

struct Loop {
    state: State,
    screen: Screen,
    started: Instant,
    orders: Orders,
    drawn: Option<Instant>,
}

/// Runs the program until it is over; the terminal is given back in every case.
///
/// # Errors
/// When the terminal or the signal handlers cannot be had.
pub async fn run(start: Start) -> io::Result<Over> {
    let (orders, for_worker) = mpsc::channel(ORDERS);
    let (to_us, news) = mpsc::channel(NEWS);
    let state = state(&start)?;
    let hold = !start.allow_privileged;
    let worker = Worker::new(
        start.plan,
        start.settings,
        start.password,
        hold,
        start.started,
        (for_worker, to_us),
    );
    let screen = term::enter(&state.title)?;
    let mut this = Loop {
        state,
        screen,
        started: start.started,
        orders: Orders::new(orders),
        drawn: None,
    };
    let worker = tokio::spawn(worker.run(start.session));
    let over = this.turn(news).await;
    term::leave();
    drop(this);
    // The worker says good-bye to the server.
    let _ = tokio::time::timeout(LEAVING, worker).await;
    over
}

fn state(start: &Start) -> io::Result<State> {
    let mut world = World::new(Arc::clone(&start.settings), start.plan.label.clone());
    world.zone = jiff::tz::TimeZone::system();
    world.target = start.plan.target();
    world.privileged_allowed = start.allow_privileged;
    for warning in start.plan.warnings.iter().chain(start.look.complaints()) {
        world.say(Some(crate::model::concern::Severity::Warning), warning.clone());
    }
    if let Some(fault) = &start.waiting {
        world.link = Link::Down {
            fault: fault.clone(),
            since: None,
            retry_at: None,
            attempts: 1,
        };
    }
    let (width, height) = crossterm::terminal::size()?;
    Ok(State::new(
        world,
        start.look.clone(),
        start.keymap.clone(),
        Rect::new(0, 0, width, height),
    ))
}

struct Signals {
    term: Signal,
    hangup: Signal,
    interrupt: Signal,
    stop: Signal,
    resumed: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            resumed: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

impl Loop {
    fn now(&self) -> Mono {
        Mono(self.started.elapsed())
    }

    async fn turn(&mut self, mut news: mpsc::Receiver<News>) -> io::Result<Over> {
        let mut keys = EventStream::new();
        let mut signals = Signals::new()?;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(over) = self.state.over.take() {
                return Ok(over);
            }
            self.draw_if_due()?;
            let wait = self.until_frame();
            tokio::select! {
                biased;
                _ = signals.term.recv() => self.take(What::End)?,
                _ = signals.hangup.recv() => self.take(What::End)?,
                _ = signals.interrupt.recv() => self.take(What::End)?,
                _ = signals.stop.recv() => self.carry_out(Effect::Suspend)?,
                _ = signals.resumed.recv() => self.take(What::Resumed)?,
                key = keys.next() => match key {
                    Some(Ok(event)) => self.take(What::Terminal(event))?,
                    // The terminal is gone: there is nobody left to show anything to.
                    Some(Err(_)) | None => self.take(What::End)?,
                },
                said = news.recv() => match said {
                    Some(said) => self.take(What::News(said))?,
                    None => return Err(io::Error::other("the polling task ended unexpectedly; see the log file")),
                },
                () = self.orders.catch_up(), if self.orders.wait() => {}
                _ = tick.tick() => self.take(What::Tick)?,
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
            while let Ok(said) = news.try_recv() {
                self.take(What::News(said))?;
            }
        }
    }

    fn take(&mut self, what: What) -> io::Result<()> {
        let event = Event { at: self.now(), what };
        for effect in update(&mut self.state, event) {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Order(order) => self.orders.send(order),
            Effect::Copy(text) => {
                if term::copy(&mut self.screen, &text)? {
                    self.state.world.say(None, "Only the first 74 kB fit on the clipboard.");
                }
            }
            Effect::Title(title) => term::title(&mut self.screen, &title)?,
            Effect::Bell => term::ring(&mut self.screen)?,
            Effect::Notify(text) => term::notify(&mut self.screen, &text)?,
            Effect::Suspend => {
                self.screen = term::suspend(&self.state.title)?;
                self.take(What::Resumed)?;
            }
            Effect::Repaint => {
                let (width, height) = crossterm::terminal::size()?;
                self.state.size = Rect::new(0, 0, width, height);
                self.state.dirty = true;
                term::repaint(&mut self.screen, self.state.size)?;
            }
        }
        Ok(())
    }

    /// Time until a frame may be drawn, if one is wanted.
    fn until_frame(&self) -> Option<Duration> {
        if !self.state.dirty && !self.state.underived {
            return None;
        }
        Some(
            self.drawn
                .map_or(Duration::ZERO, |drawn| FRAME.saturating_sub(drawn.elapsed())),
        )
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        if self.until_frame() != Some(Duration::ZERO) {
            return Ok(());
        }
        self.state.settle();
        // What is in sight follows from what was just computed.
        if let Some(seen) = self.state.look() {
            self.carry_out(Effect::Order(Order::Look(seen)))?;
        }
        self.state.dirty = false;
        let state = &self.state;
        self.screen.draw(|frame| chrome::draw(state, frame.buffer_mut()))?;
        self.drawn = Some(Instant::now());
        Ok(())
    }
}
