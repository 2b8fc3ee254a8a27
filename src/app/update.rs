//! One event in, changes and effects out. Pure: no I/O and no clock; time comes with the event.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as Terminal, KeyEvent, KeyEventKind};
use ratatui::layout::Rect;
use tui_input::backend::crossterm::EventHandler;

use super::keymap::Chord;
use super::marks;
use super::popup;
use super::state::{Over, Prompt, State};
use crate::action::Action;
use crate::alert::Jump;
use crate::model::concern::Severity;
use crate::pane::{Copy, Place, Reply, View};
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::privilege::Findings;
use crate::poll::{Link, News, Order};
use crate::probe::{Mono, Sample, Subject};
use crate::ui::filter::Filter;

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Mono,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// A key, a paste or a new size of the terminal.
    Terminal(Terminal),
    /// The worker said something.
    News(News),
    /// A second has passed.
    Tick,
    /// A signal asks the program to end.
    End,
    /// We are back after having been suspended, or the screen may be damaged.
    Resumed,
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the worker.
    Order(Order),
    /// Put this on the clipboard by OSC 52.
    Copy(String),
    /// The terminal's title has changed.
    Title(String),
    /// Ring the terminal's bell.
    Bell,
    /// Ask the terminal to notify the user of this (OSC 9).
    Notify(String),
    /// Leave the terminal, stop, come back.
    Suspend,
    /// Draw everything, also what has not changed.
    Repaint,
}

/// Shortest and longest hot interval that `+` and `-` reach.
const HOT_STEPS: [f64; 10] = [0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0];

/// Takes an event.
pub fn update(state: &mut State, event: Event) -> Vec<Effect> {
    state.world.now = state.world.now.max(event.at);
    let mut effects = match event.what {
        What::Terminal(terminal) => on_terminal(state, &terminal),
        What::News(news) => on_news(state, news),
        What::Tick => {
            state.dirty = true;
            state.catch_up = true;
            Vec::new()
        }
        What::End => {
            state.over = Some(Over::Quit);
            Vec::new()
        }
        What::Resumed => {
            state.dirty = true;
            vec![Effect::Repaint]
        }
    };
    effects.extend(tell(state));
    if let Some(seen) = state.look() {
        state.underived = true;
        effects.push(Effect::Order(Order::Look(seen)));
    }
    effects
}

/// Bell and title: what is told to somebody who does not look.
fn tell(state: &mut State) -> Vec<Effect> {
    let world = &mut state.world;
    let events = std::mem::take(&mut world.events);
    let (now, settings) = (world.now, Arc::clone(&world.settings));
    state.bell.hear(&events, now, &settings);
    let mut effects = state.bell.ring(now, &settings);
    let title = marks::title(&world.alerts, &world.label, &state.look);
    if title != state.title {
        state.title.clone_from(&title);
        effects.push(Effect::Title(title));
    }
    effects
}

fn on_terminal(state: &mut State, event: &Terminal) -> Vec<Effect> {
    match event {
        Terminal::Resize(width, height) => {
            state.size = Rect::new(0, 0, *width, *height);
            state.dirty = true;
            // Popups wrap their text while they derive it.
            state.underived = true;
            vec![Effect::Repaint]
        }
        Terminal::Key(key) if key.kind != KeyEventKind::Release => {
            state.dirty = true;
            if state.prompt.is_some() {
                on_prompt_key(state, key);
                return Vec::new();
            }
            on_key(state, key)
        }
        // A paste is text, never keys: it goes into the filter line and nowhere else.
        Terminal::Paste(text) if state.prompt.is_some() => {
            for letter in text.chars().filter(|letter| !letter.is_control()).take(200) {
                let typed = Terminal::Key(KeyEvent::from(crossterm::event::KeyCode::Char(letter)));
                type_into_prompt(state, &typed);
            }
            state.dirty = true;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn on_key(state: &mut State, key: &KeyEvent) -> Vec<Effect> {
    let chord = Chord::of(key);
    let here = state.top().map(View::actions).unwrap_or_default();
    let Some(action) = state.keymap.action(chord, &here) else {
        return Vec::new();
    };
    if !here.contains(&action) {
        return on_global(state, action);
    }
    match state
        .with_top(|top, world| top.on(action, world))
        .unwrap_or(Reply::Ignored)
    {
        Reply::Ignored => on_global(state, action),
        reply => on_reply(state, reply),
    }
}

fn on_reply(state: &mut State, reply: Reply) -> Vec<Effect> {
    // No data came: the other views show what they showed.
    state.touched |= reply == Reply::Taken;
    state.underived |= !matches!(reply, Reply::Taken | Reply::Moved);
    match reply {
        Reply::Ignored | Reply::Taken | Reply::Moved => {}
        Reply::Close => {
            state.layers.pop();
        }
        Reply::Open(subject) => open(state, subject),
        Reply::Go(jump) => go(state, &jump),
        Reply::Acknowledge(ids) => acknowledge(state, &ids),
        Reply::Checks => popup_over(state, checks),
        Reply::Databases(name) => databases(state, Some(name)),
        Reply::Switch(name) => return switch(state, name),
        Reply::Tell(text) => state.world.say(None, text),
        Reply::Mark => mark(state),
        Reply::Copy(copy) => {
            state.layers.pop();
            state.world.say(
                None,
                format!("Copied {} to the terminal's clipboard (OSC 52).", copy.what),
            );
            return vec![Effect::Copy(copy.text)];
        }
        Reply::GoOn => {
            state.layers.pop();
            state.world.privileged = true;
            return vec![Effect::Order(Order::GoOn)];
        }
        Reply::Quit => state.over = Some(Over::Quit),
    }
    Vec::new()
}

fn mark(state: &mut State) {
    let text = if state.world.workload.set_mark() {
        let since = state.world.clock_text_of(state.world.workload.marked());
        format!("The mark is set: growth since {since} is kept from now on.")
    } else {
        "There is nothing to set a mark at yet: no counters have come.".to_owned()
    };
    state.world.say(None, text);
    state.underived = true;
}

/// To the row an alert speaks of.
fn go(state: &mut State, jump: &Jump) {
    let Some(index) = state.panes.iter().position(|pane| pane.id() == jump.pane) else {
        return;
    };
    go_to(state, index);
    let world = state.frozen.as_deref().unwrap_or(&state.world);
    let Some(pane) = state.panes.get_mut(index) else { return };
    // It may be behind by a second.
    pane.derive(world);
    if !pane.seek(jump) && jump.row.is_some() {
        let title = pane.title();
        state
            .world
            .say(None, format!("What it is about is not among the rows of {title} now."));
    }
}

/// Taken note of, or not any more.
fn acknowledge(state: &mut State, ids: &[(&'static str, String)]) {
    let noted = state.world.alerts.acknowledge(ids);
    if let Some(frozen) = &mut state.frozen {
        frozen.alerts.acknowledge(ids);
    }
    let text = if noted {
        "Noted: it is quiet until it gets worse."
    } else {
        "It counts again."
    };
    state.world.say(None, text);
}

/// Sessions can wait for each other in a ring: a page that is open already is gone back to.
fn open(state: &mut State, subject: Subject) {
    let open = state.layers.iter().position(|layer| layer.subject() == Some(&subject));
    if let Some(at) = open {
        state.layers.truncate(at + 1);
    } else if let Some(page) = crate::pane::detail(subject) {
        state.layers.push(page);
    }
}

/// The list of checks.
fn checks(state: &State) -> Box<dyn View> {
    popup::text(popup::checks::Checks::default(), &state.keymap)
}

/// The list of databases; Enter on one of them comes back as [`Reply::Switch`].
fn databases(state: &mut State, selected: Option<String>) {
    popup_over(state, |state| {
        Box::new(popup::databases::Databases::new(selected, &state.keymap))
    });
}

fn switch(state: &mut State, database: String) -> Vec<Effect> {
    state.layers.pop();
    state.world.say(None, format!("Going to database {database} ..."));
    vec![Effect::Order(Order::Database(database))]
}

fn on_global(state: &mut State, action: Action) -> Vec<Effect> {
    if !passes_questions(state, action) {
        return Vec::new();
    }
    match action {
        Action::Quit => state.over = Some(Over::Quit),
        Action::Tab(index) => go_to(state, usize::from(index)),
        Action::NextTab => go_to(state, (state.current + 1) % state.panes.len().max(1)),
        Action::PrevTab => go_to(
            state,
            (state.current + state.panes.len() - 1) % state.panes.len().max(1),
        ),
        Action::Back => back(state),
        Action::Filter => edit_filter(state),
        Action::Freeze => freeze(state),
        Action::Faster => return pace(state, -1),
        Action::Slower => return pace(state, 1),
        Action::Refresh => return refresh(state),
        Action::Theme => {
            let said = format!("Theme: {}", state.look.next_theme());
            state.world.say(None, said);
        }
        Action::Redact => redact(state),
        Action::Sql => popup_over(state, |state| popup::text(popup::sql::Sql::of(state), &state.keymap)),
        Action::Help => popup_over(state, |state| popup::text(popup::help::Help::of(state), &state.keymap)),
        Action::Messages => popup_over(state, |state| popup::text(popup::messages::Messages, &state.keymap)),
        Action::Checks => popup_over(state, checks),
        Action::Cost => popup_over(state, |state| popup::text(popup::cost::Cost, &state.keymap)),
        Action::Databases => databases(state, None),
        Action::Copy => copy_menu(state),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Repaint],
        _ => {}
    }
    Vec::new()
}

/// While a question waits for its answer, only what cannot take it away goes through.
fn passes_questions(state: &State, action: Action) -> bool {
    let asked = state.layers.iter().any(|layer| layer.modal());
    let harmless = matches!(
        action,
        Action::Quit | Action::Copy | Action::Suspend | Action::Redraw | Action::Theme | Action::Redact
    );
    let closes_something_else = action == Action::Back && !state.top().is_some_and(View::modal);
    !asked || harmless || closes_something_else
}

fn go_to(state: &mut State, index: usize) {
    if index < state.panes.len() {
        state.current = index;
        state.layers.clear();
        state.underived = true;
    }
}

/// Esc: closes what is on top; on a pane it takes the filter away.
fn back(state: &mut State) {
    if state.layers.pop().is_none() {
        state.with_top(|top, _| {
            if top.filter().is_some_and(|filter| !filter.is_empty()) {
                top.set_filter(Filter::default());
            }
        });
    }
    state.underived = true;
}

/// A popup of the same kind is closed by its own key; another kind replaces it.
fn popup_over(state: &mut State, make: impl FnOnce(&State) -> Box<dyn View>) {
    let popup = make(state);
    let is_popup = |view: &dyn View| matches!(view.place(), Place::Popup(..));
    let same = state
        .layers
        .last()
        .is_some_and(|top| is_popup(top.as_ref()) && top.id() == popup.id());
    if state.layers.last().is_some_and(|top| is_popup(top.as_ref())) {
        state.layers.pop();
    }
    if !same {
        state.layers.push(popup);
    }
    state.underived = true;
}

fn copy_menu(state: &mut State) {
    let mut copies = state.with_top(|top, world| top.copies(world)).unwrap_or_default();
    copies.extend(statements(state));
    if copies.is_empty() {
        state.world.say(None, "There is nothing to copy here.");
    } else {
        state
            .layers
            .push(Box::new(popup::copy::CopyMenu::new(copies, &state.keymap)));
        state.underived = true;
    }
}

/// The statements behind a page, as they ran; a popup offers its own.
fn statements(state: &State) -> Vec<Copy> {
    let page = state.top().filter(|top| top.place() == Place::Body);
    let probes = page.map(View::probes).unwrap_or_default();
    let ran = probes.iter().filter_map(|probe| state.shown().last_ran(probe));
    ran.map(|ran| Copy::new(format!("SQL: {}", ran.probe), ran.sql.as_ref()))
        .collect()
}

/// What is hidden is hidden in the frozen screen too, and a popup may hold what it was opened over: it goes.
fn redact(state: &mut State) {
    let redacts = !state.shown().redacts();
    state.world.redact(redacts);
    if let Some(frozen) = &mut state.frozen {
        frozen.redact(redacts);
    }
    if redacts {
        state
            .layers
            .retain(|layer| layer.place() == Place::Body || layer.modal());
    }
    let text = if redacts {
        "Literals of query texts are ? now: on the screen, in copies, for the filter."
    } else {
        "Query texts are shown as they are again."
    };
    state.world.say(None, text);
    state.underived = true;
}

fn freeze(state: &mut State) {
    state.frozen = match state.frozen.take() {
        Some(_) => None,
        None => Some(Box::new(state.world.clone())),
    };
    state.underived = true;
}

/// One step faster or slower along fixed steps, so that `+` and `-` undo each other.
fn pace(state: &mut State, direction: i8) -> Vec<Effect> {
    let now = state.world.hot_interval.as_secs_f64();
    let next = if direction < 0 {
        HOT_STEPS.iter().rev().find(|step| **step < now - 0.01)
    } else {
        HOT_STEPS.iter().find(|step| **step > now + 0.01)
    };
    let Some(&seconds) = next else {
        state
            .world
            .say(None, format!("The hot queries run every {now} s; that is the limit."));
        return Vec::new();
    };
    state.world.hot_interval = Duration::from_secs_f64(seconds);
    state
        .world
        .say(None, format!("The hot queries now run every {seconds} s."));
    vec![Effect::Order(Order::HotInterval(state.world.hot_interval))]
}

fn refresh(state: &mut State) -> Vec<Effect> {
    let probes = state.asking().map(View::probes).unwrap_or_default();
    vec![Effect::Order(Order::Now(probes))]
}

fn edit_filter(state: &mut State) {
    let Some(Some(text)) = state.with_top(|top, _| top.filter().map(|filter| filter.text().to_owned())) else {
        state.world.say(None, "There is nothing to filter here.");
        return;
    };
    state.prompt = Some(Prompt {
        input: text.into(),
        error: None,
    });
}

fn on_prompt_key(state: &mut State, key: &KeyEvent) {
    use crossterm::event::{KeyCode, KeyModifiers};
    match key.code {
        KeyCode::Enter => state.prompt = None,
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => state.prompt = None,
        KeyCode::Esc => {
            state.prompt = None;
            state.with_top(|top, _| top.set_filter(Filter::default()));
            state.underived = true;
        }
        _ => type_into_prompt(state, &Terminal::Key(*key)),
    }
}

/// The filter is in force while it is typed; what is no filter yet leaves the last good one.
fn type_into_prompt(state: &mut State, event: &Terminal) {
    let Some(mut prompt) = state.prompt.take() else { return };
    prompt.input.handle_event(event);
    let parsed = state.with_top(|top, _| match top.parse_filter(prompt.input.value()) {
        Ok(filter) => {
            top.set_filter(filter);
            None
        }
        Err(error) => Some(error),
    });
    prompt.error = parsed.flatten();
    state.prompt = Some(prompt);
    state.underived = true;
}

fn on_news(state: &mut State, news: News) -> Vec<Effect> {
    state.dirty = true;
    match news {
        News::Link(link) => on_link(state, link),
        News::Sample(sample) => on_sample(state, &sample),
        News::Skipped { probe, reason } => state.world.skip(probe, reason),
        News::Tier(health) => on_tier(state, health),
        News::Cost(cost) => state.world.observe_cost(cost),
        News::Slow(fault) => {
            let text = format!("The storage queries wait for their connection: {fault}");
            state.world.say(Some(Severity::Warning), text);
            state.world.slow_down = Some(fault);
        }
        News::NotSwitched { database, fault } => {
            let text = format!("Database {database} cannot be had, the session stays where it was: {fault}");
            state.world.say(Some(Severity::Warning), text);
        }
        News::Role(findings) => on_role(state, findings),
    }
    if state.frozen.is_none() {
        state.underived = true;
    }
    Vec::new()
}

fn on_tier(state: &mut State, health: crate::poll::TierHealth) {
    let before = state.world.tiers.insert(health.tier, health);
    let was = before.is_some_and(|before| before.degraded());
    if health.degraded() && !was {
        let text = format!(
            "The {} queries took {} ms, more than their budget of {} ms: they are asked less often until it passes.",
            health.tier.name(),
            health.took.as_millis(),
            health.budget.as_millis()
        );
        state.world.say(Some(Severity::Warning), text);
    }
}

fn on_role(state: &mut State, findings: Result<Arc<Findings>, Fault>) {
    let Some(question) = popup::role::RoleQuestion::of(findings, state.world.server.as_deref(), &state.keymap) else {
        return;
    };
    state.world.say(Some(Severity::Warning), question.summary().to_owned());
    if state.world.privileged_allowed || state.world.privileged {
        state.world.privileged = true;
    } else {
        // The next key answers: none may go into a filter line below.
        state.prompt = None;
        state.layers.push(popup::text(question, &state.keymap));
    }
}

fn on_link(state: &mut State, link: Link) {
    match &link {
        Link::Connecting => {}
        Link::Up(server) => {
            if matches!(state.world.link, Link::Down { since: Some(_), .. }) {
                state.world.say(Some(Severity::Notice), "Connected again.");
            }
            let before = state
                .world
                .server
                .as_ref()
                .filter(|before| before.in_recovery != server.in_recovery);
            if before.is_some() {
                let now = if server.in_recovery { "a standby" } else { "a primary" };
                state.world.say(
                    Some(Severity::Warning),
                    format!("The server has changed its role: it is {now} now."),
                );
            }
            let before = state.world.server.as_ref().map(|before| before.database.clone());
            if let Some(before) = before.filter(|before| *before != server.database) {
                state.begin_anew();
                let text = format!(
                    "In database {} now; what was seen from {before} is forgotten.",
                    server.database
                );
                state.world.say(Some(Severity::Notice), text);
            }
        }
        Link::Down { fault, .. } => {
            if state.world.server.is_none() && !fault.waits() {
                state.over = Some(Over::Failed(fault.clone()));
            }
            state.world.say(Some(Severity::Critical), fault.to_string());
        }
    }
    state.world.set_link(link);
}

fn on_sample(state: &mut State, sample: &Arc<Sample>) {
    let world = &mut state.world;
    let probe = sample.ran.probe;
    let failed_before = world.last_ran(probe).is_some_and(|ran| ran.fault.is_some());
    world.take(sample);
    match &sample.ran.fault {
        Some(fault) if !failed_before => {
            let title = crate::probe::entry(probe).map_or(probe, |entry| entry.spec.title);
            let text = format!("{title}: {fault}");
            let severity = (fault.kind != FaultKind::Stopped).then_some(Severity::Warning);
            world.say(severity, text);
        }
        _ => {}
    }
}
