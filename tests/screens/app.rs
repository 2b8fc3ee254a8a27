//! The program as a test drives it: events in, effects and a screen out, time by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as Terminal, KeyCode, KeyEvent, KeyModifiers};
use pgmon_tui::app::chrome;
use pgmon_tui::app::keymap::Keymap;
use pgmon_tui::app::state::State;
use pgmon_tui::app::update::{Effect, Event, What, update};
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::Fault;
use pgmon_tui::pg::server::Server;
use pgmon_tui::poll::{Link, News};
use pgmon_tui::probe::{Ask, Mono, Probe, Ran, Sample, Wanted};
use pgmon_tui::ui::look::Look;
use pgmon_tui::ui::text;
use pgmon_tui::world::World;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// How long every question takes.
const TOOK: Duration = Duration::from_millis(4);

pub struct App {
    pub state: State,
    pub effects: Vec<Effect>,
    pub now: Duration,
}

impl App {
    /// Started, nothing known yet.
    pub fn new(width: u16, height: u16) -> Self {
        Self::with(width, height, Look::default())
    }

    pub fn with(width: u16, height: u16, look: Look) -> Self {
        let world = World::new(Arc::new(Settings::default()), "prod".to_owned());
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        Self {
            state: State::new(world, look, keymap, Rect::new(0, 0, width, height)),
            effects: Vec::new(),
            now: Duration::ZERO,
        }
    }

    pub fn on(&mut self, what: What) {
        let at = Mono(self.now);
        self.effects.extend(update(&mut self.state, Event { at, what }));
    }

    pub fn news(&mut self, news: News) {
        self.on(What::News(news));
    }

    pub fn connect(&mut self, server: Server) {
        self.news(News::Link(Link::Up(Arc::new(server))));
    }

    pub fn answer<P: Probe>(&mut self, rows: usize, data: P::Data) {
        self.sample::<P>(rows, Ok(data));
    }

    pub fn fail<P: Probe>(&mut self, fault: Fault) {
        self.sample::<P>(0, Err(fault));
    }

    fn sample<P: Probe>(&mut self, rows: usize, data: Result<P::Data, Fault>) {
        let world = &self.state.world;
        let server = world.server.as_deref().unwrap();
        let ask = Ask {
            server,
            settings: &world.settings,
            latest: &world.latest,
            focus: &self.state.focus,
            own: &[4242],
        };
        if let Wanted::No(reason) = P::wanted(&ask) {
            let probe = P::SPEC.id;
            return self.news(News::Skipped { probe, reason });
        }
        if P::wanted(&ask) == Wanted::Keep {
            return;
        }
        let ran = Ran {
            params: P::params(&ask),
            subject: self.state.focus.subject.clone(),
            started: Mono(self.now.saturating_sub(TOOK)),
            took: TOOK,
            rows,
            demand: self.state.focus.demand,
            fault: data.as_ref().err().cloned(),
            ..Ran::of(&P::SPEC, server)
        };
        let known = world.latest.get::<P>();
        let data = data.ok().map(|data| Arc::new(P::fold(known, data)) as _);
        self.news(News::Sample(Arc::new(Sample { ran, data })));
    }

    /// Presses keys, written as in the configuration, one space between two.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.on(What::Terminal(Terminal::Key(key_event(key))));
            self.settle();
        }
    }

    /// What happens before a frame: everything is computed, and the worker is told what is looked at.
    pub fn settle(&mut self) {
        self.state.settle();
        let _told = self.state.look();
    }

    pub fn typed(&mut self, text: &str) {
        for letter in text.chars() {
            self.on(What::Terminal(Terminal::Key(KeyEvent::from(KeyCode::Char(letter)))));
        }
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.on(What::Terminal(Terminal::Resize(width, height)));
    }

    pub fn buffer(&mut self) -> Buffer {
        self.on(What::Tick);
        self.settle();
        let mut buf = Buffer::empty(self.state.size);
        chrome::draw(&self.state, &mut buf);
        buf
    }

    /// The screen as text, without trailing spaces.
    pub fn screen(&mut self) -> String {
        lines(&self.buffer()).join("\n")
    }

    /// The screen at every size that is looked at.
    pub fn screens(&mut self) -> String {
        let sizes = [(40, 12), (80, 24), (120, 40), (200, 60)];
        let mut shots = Vec::new();
        for (width, height) in sizes {
            self.resize(width, height);
            shots.push(format!("-- {width}x{height} --\n{}", self.screen()));
        }
        shots.join("\n")
    }
}

/// The lines of a buffer: what a terminal of that size shows, wide characters once.
pub fn lines(buf: &Buffer) -> Vec<String> {
    let line = |y| {
        let mut line = String::new();
        let mut x = buf.area.left();
        while x < buf.area.right() {
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(text::width(symbol)).unwrap().max(1);
        }
        line.trim_end().to_owned()
    };
    (buf.area.top()..buf.area.bottom()).map(line).collect()
}

/// A key in the notation of the configuration.
pub fn key_event(text: &str) -> KeyEvent {
    let (modifiers, name) = match (text.strip_prefix("ctrl-"), text.strip_prefix("alt-")) {
        (Some(rest), _) => (KeyModifiers::CONTROL, rest),
        (_, Some(rest)) => (KeyModifiers::ALT, rest),
        _ => (KeyModifiers::NONE, text),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "space" => KeyCode::Char(' '),
        "tab" => KeyCode::Tab,
        "shift-tab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "f1" => KeyCode::F(1),
        other => {
            let mut letters = other.chars();
            let letter = letters.next().unwrap();
            assert!(letters.next().is_none(), "\"{text}\" is no key");
            KeyCode::Char(letter)
        }
    };
    KeyEvent::new(code, modifiers)
}
