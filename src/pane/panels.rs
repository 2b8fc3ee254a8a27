//! Several panels in one pane: a strip with their names and what is wrong in each, and the chosen one below it; in a
//! tall window, where the pane wants it so, all of them one below the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Badge, Copy, Reply, View};
use crate::action::Action;
use crate::alert::Jump;
use crate::model::concern::Severity;
use crate::probe::{Demand, Subject};
use crate::ui::filter::Filter;
use crate::ui::look::{Look, Role};
use crate::ui::text;
use crate::world::World;

/// From so many lines on stacked panels stand below each other.
const TALL: u16 = 30;
/// What the key of one panel does from the others, too: the first one that knows it is gone to.
const LENT: &[Action] = &[Action::Measure];

/// The panels of a pane.
pub(super) struct Panels {
    id: &'static str,
    title: String,
    short: &'static str,
    views: Vec<Box<dyn View>>,
    chosen: usize,
    /// The user has chosen, or done something in the chosen one; until then the first one that is shown is.
    by_hand: bool,
    /// Until the user chooses, one that warns takes the place of an empty one.
    by_badge: bool,
    /// All of them at once where there is room.
    stacked: bool,
    /// The room of each, its line with the name included; empty while only the chosen one is shown.
    stack: Vec<Rect>,
    subject: Option<Subject>,
    /// What the subject is called, once that is known.
    name: Option<Naming>,
}

/// The name of a subject by what is known now.
type Naming = fn(&Subject, &World) -> Option<String>;

impl Panels {
    /// Panels one of which is shown.
    pub fn new(id: &'static str, title: impl Into<String>, short: &'static str, panels: Vec<Box<dyn View>>) -> Self {
        Self {
            id,
            title: title.into(),
            short,
            views: panels,
            chosen: 0,
            by_hand: false,
            by_badge: false,
            stacked: false,
            stack: Vec::new(),
            subject: None,
            name: None,
        }
    }

    /// In a tall window all of them are shown.
    pub fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    /// Until the user chooses, one that warns takes the place of an empty one.
    pub fn by_badge(mut self) -> Self {
        self.by_badge = true;
        self
    }

    /// The page of that subject.
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The title is what the subject is called.
    pub fn named(mut self, name: Naming) -> Self {
        self.name = Some(name);
        self
    }

    fn current(&self) -> Option<&dyn View> {
        self.views.get(self.chosen).map(AsRef::as_ref)
    }

    fn current_mut(&mut self) -> Option<&mut Box<dyn View>> {
        self.views.get_mut(self.chosen)
    }

    /// Places of the panels that have something to say.
    fn shown(&self) -> impl Iterator<Item = usize> + '_ {
        let panels = self.views.iter().enumerate();
        panels.filter(|(_, panel)| panel.shown()).map(|(nth, _)| nth)
    }

    fn step(&mut self, forward: bool) -> Reply {
        let next = if forward {
            self.shown()
                .find(|nth| *nth > self.chosen)
                .or_else(|| self.shown().next())
        } else {
            let before = self.shown().take_while(|nth| *nth < self.chosen).last();
            before.or_else(|| self.shown().last())
        };
        self.chosen = next.unwrap_or_default();
        self.by_hand = true;
        // What it shows may be older than what was seen of the others.
        Reply::Taken
    }

    /// The panel that has an action of [`LENT`] in the place of the chosen one.
    fn lender(&self, action: Action) -> Option<usize> {
        let takes = |nth: usize| {
            self.views
                .get(nth)
                .is_some_and(|panel| panel.actions().contains(&action))
        };
        if !LENT.contains(&action) || takes(self.chosen) {
            return None;
        }
        self.shown().find(|nth| takes(*nth))
    }

    /// The chosen one may have stepped out of the way; until somebody chooses, the first one is shown, or one that warns
    /// in the place of an empty one.
    fn choose(&mut self) {
        let is_shown = self.current().is_some_and(View::shown);
        if self.by_hand && is_shown {
            return;
        }
        self.by_hand = false;
        let by_badge = self.by_badge && is_shown;
        let gives_way = by_badge && self.current().is_some_and(View::is_empty);
        let warns = |nth: &usize| self.views.get(*nth).is_some_and(|panel| warns(panel.as_ref()));
        let warning = self.shown().find(warns).filter(|_| gives_way);
        let stays = by_badge.then_some(self.chosen);
        self.chosen = warning.or(stays).or_else(|| self.shown().next()).unwrap_or_default();
    }

    /// The height of every panel: what it wants or its share of what is left; the chosen one wants room for what it
    /// says of its selected row, too.
    fn share_out(&self, area: Rect) -> Vec<Rect> {
        let shown = self.shown().filter_map(|nth| Some((nth, self.views.get(nth)?)));
        let mut wants: Vec<(usize, u16)> = shown
            .map(|(nth, panel)| (nth, panel.lines().saturating_add(1)))
            .collect();
        if let Some((_, wish)) = wants.iter_mut().find(|(nth, _)| *nth == self.chosen) {
            *wish = wish.saturating_add(self.current().map_or(0, View::more_lines));
        }
        let mut heights = vec![0; self.views.len()];
        // The modest first: what they leave is shared by the others.
        wants.sort_by_key(|(_, wish)| *wish);
        let (mut left, mut waiting) = (area.height, u16::try_from(wants.len()).unwrap_or(u16::MAX));
        for (nth, wish) in wants {
            let height = wish.min(left / waiting.max(1));
            left -= height;
            waiting = waiting.saturating_sub(1);
            if let Some(place) = heights.get_mut(nth) {
                *place = height;
            }
        }
        let mut y = area.y;
        let place = |height: u16| {
            let place = Rect { y, height, ..area };
            y += height;
            place
        };
        heights.into_iter().map(place).collect()
    }

    /// The names of all panels with what is wrong in each.
    fn draw_strip(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let mut x = area.x + 1;
        for (nth, panel) in self.views.iter().enumerate().filter(|(_, panel)| panel.shown()) {
            x = name(panel.as_ref(), nth == self.chosen, look, (x, area), buf) + 2;
        }
    }
}

/// Something in it is a warning or worse.
fn warns(panel: &dyn View) -> bool {
    panel.badge().is_some_and(|badge| badge.severity >= Severity::Warning)
}

/// Draws the name of a panel from `x` on; returns where it ends.
fn name(panel: &dyn View, chosen: bool, look: &Look, (x, area): (u16, Rect), buf: &mut Buffer) -> u16 {
    let style = look.style(if chosen { Role::Accent } else { Role::Muted });
    let mut x = x;
    let mut put = |text: &str, style| {
        let cells = area.right().saturating_sub(x);
        x += text::put(buf, (x, area.y), cells, text, style, look.glyphs);
    };
    put(&panel.title(), style);
    if let Some(badge) = panel.badge() {
        let (text, role) = badge.text(look);
        put(" ", style);
        put(&text, look.style(role));
    }
    x
}

/// Below the line with its name.
fn below(place: Rect) -> Rect {
    Rect {
        y: place.y + 1,
        height: place.height.saturating_sub(1),
        ..place
    }
}

/// Adds those that are not there yet.
fn add(probes: &mut Vec<&'static str>, more: impl Iterator<Item = &'static str>) {
    for probe in more {
        if !probes.contains(&probe) {
            probes.push(probe);
        }
    }
}

impl View for Panels {
    fn id(&self) -> &'static str {
        self.id
    }

    fn title(&self) -> String {
        self.title.clone()
    }

    fn short_title(&self) -> String {
        self.short.to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        let mut probes = self.current().map(View::probes).unwrap_or_default();
        if !self.stack.is_empty() {
            let others = self.views.iter().filter(|panel| panel.shown());
            add(&mut probes, others.flat_map(|panel| panel.probes()));
        }
        probes
    }

    fn all_probes(&self) -> Vec<&'static str> {
        let mut probes = Vec::new();
        add(&mut probes, self.views.iter().flat_map(|panel| panel.all_probes()));
        probes
    }

    fn actions(&self) -> Vec<Action> {
        let mut actions = self.current().map(View::actions).unwrap_or_default();
        actions.extend([Action::NextView, Action::PrevView]);
        let lent = LENT.iter().filter(|action| self.lender(**action).is_some());
        actions.extend(lent);
        actions
    }

    fn derive(&mut self, world: &World) {
        if let (Some(name), Some(subject)) = (self.name, &self.subject)
            && let Some(name) = name(subject, world)
        {
            self.title = name;
        }
        for panel in &mut self.views {
            panel.derive(world);
        }
        self.choose();
    }

    fn arrange(&mut self, area: Rect) {
        self.stack.clear();
        if self.stacked && area.height >= TALL {
            // What a panel wants follows from its width.
            for panel in &mut self.views {
                panel.arrange(below(area));
            }
            self.stack = self.share_out(area);
            for (panel, place) in self.views.iter_mut().zip(&self.stack) {
                panel.arrange(below(*place));
            }
        } else if let Some(panel) = self.current_mut() {
            panel.arrange(below(area));
        }
    }

    fn on(&mut self, action: Action, world: &World) -> Reply {
        let reply = self
            .current_mut()
            .map_or(Reply::Ignored, |panel| panel.on(action, world));
        if reply == Reply::Ignored
            && let Some(lender) = self.lender(action)
        {
            self.chosen = lender;
            self.by_hand = true;
            return self
                .current_mut()
                .map_or(Reply::Ignored, |panel| panel.on(action, world));
        }
        // Whoever moves about in a panel is not to find another one in its place.
        self.by_hand |= reply != Reply::Ignored;
        match (reply, action) {
            (Reply::Ignored, Action::NextView) => self.step(true),
            (Reply::Ignored, Action::PrevView) => self.step(false),
            (reply, _) => reply,
        }
    }

    fn draw(&self, world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if self.stack.is_empty() {
            self.draw_strip(look, area, buf);
            if let Some(panel) = self.current() {
                panel.draw(world, look, below(area), buf);
            }
            return;
        }
        for (nth, (panel, place)) in self.views.iter().zip(&self.stack).enumerate() {
            if !place.is_empty() {
                name(panel.as_ref(), nth == self.chosen, look, (place.x + 1, *place), buf);
                panel.draw(world, look, below(*place), buf);
            }
        }
    }

    fn badge(&self) -> Option<Badge> {
        let shown = self.views.iter().filter(|panel| panel.shown());
        Badge::worst(shown.filter_map(|panel| panel.badge()))
    }

    fn copies(&self, world: &World) -> Vec<Copy> {
        self.current().map(|panel| panel.copies(world)).unwrap_or_default()
    }

    fn keys(&self) -> Vec<i64> {
        // What was demanded is answered by its own panel's keys, whichever is looked at meanwhile.
        let demanded = self.views.iter().find(|panel| panel.demand().is_some());
        let panel = demanded.map(AsRef::as_ref).or_else(|| self.current());
        panel.map(View::keys).unwrap_or_default()
    }

    fn demand(&self) -> Option<Demand> {
        self.views.iter().find_map(|panel| panel.demand())
    }

    fn filter(&self) -> Option<&Filter> {
        self.current()?.filter()
    }

    fn parse_filter(&self, text: &str) -> Result<Filter, String> {
        self.current()
            .map_or_else(|| Err(String::new()), |panel| panel.parse_filter(text))
    }

    fn set_filter(&mut self, filter: Filter) {
        if let Some(panel) = self.current_mut() {
            panel.set_filter(filter);
        }
    }

    fn seek(&mut self, jump: &Jump) -> bool {
        let named = jump
            .panel
            .and_then(|id| self.views.iter().position(|panel| panel.id() == id));
        if let Some(nth) = named {
            self.chosen = nth;
            self.by_hand = true;
            return self.current_mut().is_some_and(|panel| panel.seek(jump));
        }
        let found = self.views.iter_mut().position(|panel| panel.seek(jump));
        if let Some(nth) = found {
            self.chosen = nth;
            self.by_hand = true;
        }
        found.is_some()
    }

    fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    fn help(&self) -> Vec<(String, String)> {
        let titles = |chosen: bool| {
            let panels = self.shown().filter(|nth| (*nth == self.chosen) == chosen);
            let titles = panels.filter_map(|nth| Some(self.views.get(nth)?.title()));
            titles.collect::<Vec<_>>().join(", ")
        };
        let (this, others) = (titles(true), titles(false));
        let panel = (!others.is_empty()).then(|| {
            let text = format!("{this}; each of the others has a help of its own: {others}");
            ("this panel".to_owned(), text)
        });
        let help = self.current().map(View::help).unwrap_or_default();
        panel.into_iter().chain(help).collect()
    }
}
