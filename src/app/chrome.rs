//! The frame around the panes: header, tabs, banner, footer, and where the body and the popups lie.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::state::State;
use crate::action::{Action, BINDINGS, Binding};
use crate::known::Freshness;
use crate::pane::{self, Badge, Place, View};
use crate::poll::Link;
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::ui::format;
use crate::ui::look::{Look, Role};
use crate::ui::text;
use crate::world::World;

/// The smallest terminal in which the panes make sense.
const LEAST: (u16, u16) = (40, 10);

/// What the keys in the footer have for themselves, if they need it, before the status gets room.
const KEYS_WIDTH: usize = 62;

/// Cells before the text of the banner.
const MARK: u16 = 3;
/// The banner never takes more than this from the pane.
const MOST_LINES: usize = 3;

/// The parts of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// First line.
    pub header: Rect,
    /// Second line.
    pub tabs: Rect,
    /// Why the connection is down; empty while it is up.
    pub banner: Rect,
    /// What the pane has.
    pub body: Rect,
    /// Last line.
    pub footer: Rect,
}

/// Cuts the screen into its parts.
#[must_use]
pub fn areas(size: Rect, banner: u16) -> Areas {
    let line = |y: u16, height: u16| Rect::new(size.x, size.y + y, size.width, height).intersection(size);
    let footer = size.height.saturating_sub(1);
    Areas {
        header: line(0, 1),
        tabs: line(1, 1),
        banner: line(2, banner),
        body: line(2 + banner, footer.saturating_sub(2 + banner)),
        footer: line(footer, 1),
    }
}

/// Where a view lies within the body.
#[must_use]
pub fn place(place: Place, body: Rect) -> Rect {
    match place {
        Place::Body => body,
        Place::Popup(width, height) => {
            let (width, height) = (width.min(body.width), height.min(body.height));
            Rect::new(
                body.x + (body.width - width) / 2,
                body.y + (body.height - height) / 2,
                width,
                height,
            )
        }
    }
}

/// Why the connection is down, in lines of that width; none while it is up.
#[must_use]
pub fn banner(world: &World, width: u16) -> Vec<String> {
    let Link::Down { fault, attempts, .. } = &world.link else {
        return Vec::new();
    };
    let text = if *attempts > 1 {
        format!("{fault} ({attempts} attempts)")
    } else {
        fault.to_string()
    };
    let mut lines = text::wrap(&text, usize::from(width.saturating_sub(MARK)));
    lines.truncate(MOST_LINES);
    lines
}

/// Draws the whole screen.
pub fn draw(state: &State, buf: &mut Buffer) {
    let size = state.size.intersection(buf.area);
    buf.set_style(size, state.look.style(Role::Screen));
    if size.width < LEAST.0 || size.height < LEAST.1 {
        return too_small(&state.look, size, buf);
    }
    let banner = banner(&state.world, size.width);
    let areas = areas(size, u16::try_from(banner.len()).unwrap_or_default());
    header(state, areas.header, buf);
    tabs(state, areas.tabs, buf);
    put_banner(&banner, &state.look, areas.banner, buf);
    if let Some(body) = state.body() {
        body.draw(state.shown(), &state.look, areas.body, buf);
    }
    for popup in state.layers.iter().filter(|layer| layer.place() != Place::Body) {
        let area = place(popup.place(), areas.body);
        Clear.render(area, buf);
        buf.set_style(area, state.look.style(Role::Screen));
        popup.draw(state.shown(), &state.look, area, buf);
    }
    footer(state, areas.footer, buf);
}

fn too_small(look: &Look, size: Rect, buf: &mut Buffer) {
    let lines = [
        format!("{}x{} is too small", size.width, size.height),
        format!("need {}x{}", LEAST.0, LEAST.1),
    ];
    for (y, line) in (size.y..size.bottom()).zip(lines) {
        text::put(
            buf,
            (size.x, y),
            size.width,
            &line,
            look.style(Role::Warning),
            look.glyphs,
        );
    }
}

/// A piece of a line with its meaning; the lower `keep`, the longer it stays when room is short.
struct Piece {
    text: String,
    role: Role,
    keep: u8,
}

fn piece(text: impl Into<String>, role: Role, keep: u8) -> Piece {
    Piece {
        text: text.into(),
        role,
        keep,
    }
}

/// Drops the least important pieces until the rest fits, then puts them side by side.
fn put_pieces(mut pieces: Vec<Piece>, area: Rect, look: &Look, buf: &mut Buffer) -> u16 {
    let width = |pieces: &[Piece]| pieces.iter().map(|piece| text::width(&piece.text) + 1).sum::<usize>();
    while width(&pieces) > usize::from(area.width) + 1 && pieces.len() > 1 {
        let Some(least) = pieces.iter().map(|piece| piece.keep).max() else {
            break;
        };
        let Some(at) = pieces.iter().rposition(|piece| piece.keep == least) else {
            break;
        };
        pieces.remove(at);
    }
    let mut x = area.x;
    for piece in &pieces {
        let room = area.right().saturating_sub(x);
        x += text::put(buf, (x, area.y), room, &piece.text, look.style(piece.role), look.glyphs) + 1;
    }
    x.min(area.right())
}

fn header(state: &State, area: Rect, buf: &mut Buffer) {
    let (look, world) = (&state.look, &state.world);
    let right = liveness(state);
    let wide = u16::try_from(text::width(&right.text))
        .unwrap_or(u16::MAX)
        .min(area.width);
    let mut at = area.right().saturating_sub(wide + 1);
    text::put(
        buf,
        (at, area.y),
        wide,
        &right.text,
        look.style(right.role),
        look.glyphs,
    );
    // What is wrong stands beside it and gives way to nothing.
    for (nth, badge) in state.wrong.iter().rev().enumerate() {
        let (sign, role) = badge.text(look);
        let role = if world.is_down() { Role::Stale } else { role };
        let cells = u16::try_from(text::width(&sign)).unwrap_or(u16::MAX);
        let gap = if nth == 0 { 2 } else { 1 };
        let Some(x) = at.checked_sub(cells.saturating_add(gap)) else {
            break;
        };
        at = x;
        text::put(buf, (at, area.y), cells, &sign, look.style(role), look.glyphs);
    }
    let left = Rect {
        x: area.x + 1,
        width: at.saturating_sub(area.x + 3),
        ..area
    };
    put_pieces(identity(world, usize::from(left.width)), left, look, buf);
}

/// Below so many cells the long badge of a role that may write would push the place out.
const NARROW: usize = 44;

/// Who we are connected to, the most important first kept.
fn identity(world: &World, width: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let Some(server) = &world.server else {
        return vec![
            piece(world.label.clone(), Role::Title, 0),
            piece(world.target.clone(), Role::Text, 1),
        ];
    };
    let place = format!("{}:{}/{}", server.host, server.port, server.database);
    // The badge is never what gives way.
    let narrow = width < NARROW;
    if world.privileged && narrow {
        pieces.push(piece("[RW]", Role::Critical, 0));
    }
    let width = if world.privileged && narrow {
        width.saturating_sub(5)
    } else {
        width
    };
    if text::width(&text::visible(&place)) > width {
        // The name people gave it and the database rather than a host cut in the middle.
        pieces.push(piece(format!("{}/{}", world.label, server.database), Role::Title, 0));
    } else {
        if world.label != server.host {
            pieces.push(piece(world.label.clone(), Role::Title, 3));
        }
        pieces.push(piece(place, Role::Title, 0));
    }
    pieces.push(piece(format!("as {}", server.role), Role::Muted, 6));
    if world.privileged && !narrow {
        pieces.push(piece("[ROLE MAY WRITE]", Role::Critical, 0));
    }
    // Else a ? would be taken for the text.
    if world.redacts() {
        pieces.push(piece("redacted", Role::Notice, 0));
    }
    pieces.push(piece(format!("PG {}", server.version), Role::Text, 2));
    let role = if world.in_recovery() { "standby" } else { "primary" };
    pieces.push(piece(
        role,
        if world.in_recovery() { Role::Notice } else { Role::Text },
        1,
    ));
    if let Some(up) = world.server_uptime() {
        pieces.push(piece(format!("up {}", format::duration(up).trim()), Role::Muted, 5));
    }
    pieces.push(match &server.tls {
        Some(version) => piece(version.replace("TLSv", "TLS "), Role::Muted, 4),
        None => piece("no TLS", Role::Muted, 7),
    });
    if server.pooled {
        pieces.push(piece("pooled", Role::Notice, 4));
    }
    pieces
}

/// Live, stale since, reconnecting in, frozen.
fn liveness(state: &State) -> Piece {
    let (world, glyphs) = (&state.world, state.look.glyphs);
    if let Some(frozen) = &state.frozen {
        return piece(
            format!("{} FROZEN {}", glyphs.stale, frozen.clock_text()),
            Role::Accent,
            0,
        );
    }
    match &world.link {
        Link::Connecting => piece(format!("{} connecting", glyphs.stale), Role::Muted, 0),
        Link::Down { retry_at, since, .. } => {
            let next = retry_at.map_or("connecting now".to_owned(), |at| {
                let wait = at.since(world.now).as_secs_f64().ceil();
                if wait > 0.0 {
                    format!("again in {wait:.0} s")
                } else {
                    "connecting now".to_owned()
                }
            });
            let old = since.map(|lost| format!("stale {} · ", short(world.now.since(lost).as_secs_f64())));
            piece(
                format!("{} {}{next}", glyphs.critical, old.unwrap_or_default()),
                Role::Critical,
                0,
            )
        }
        Link::Up(_) => match world.freshness(Activity::SPEC.id) {
            Freshness::Stale(age) => {
                let text = format!("{} no answer for {}", glyphs.stale, short(age.as_secs_f64()));
                piece(text, Role::Stale, 0)
            }
            Freshness::Loading => piece(format!("{} loading", glyphs.stale), Role::Muted, 0),
            Freshness::Failed => piece(format!("{} no answer yet", glyphs.stale), Role::Stale, 0),
            Freshness::Fresh(_) | Freshness::Skipped(_) => {
                piece(format!("{} live {}", glyphs.live, world.clock_text()), Role::Ok, 0)
            }
        },
    }
}

fn short(seconds: f64) -> String {
    format::age(seconds)
}

/// How much of the tabs' titles there is room for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Titles {
    /// All of them, with a space at both sides.
    Airy,
    /// All of them.
    Full,
    /// The short ones, but for the selected tab.
    Short,
    /// The same, and what is wrong without how often.
    Marks,
    /// The selected tab's only; the others are their numbers.
    Numbers,
}

impl Titles {
    /// Between a title and its mark.
    const fn gap(self) -> &'static str {
        match self {
            Self::Airy | Self::Full => " ",
            Self::Short | Self::Marks | Self::Numbers => "",
        }
    }

    /// What is wrong in a tab, as far as there is room to say it.
    fn badge(self, badge: Badge, look: &Look) -> (String, Role) {
        let (text, role) = badge.text(look);
        match self {
            Self::Marks => (text.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(), role),
            _ => (text, role),
        }
    }
}

fn tabs(state: &State, area: Rect, buf: &mut Buffer) {
    let look = &state.look;
    let page = state.layers.iter().rev().find(|layer| layer.place() == Place::Body);
    let crumb = page.map(|page| format!("{} {}", look.glyphs.right, page.title()));
    let crumb = crumb.as_deref().unwrap_or_default();
    let titles = [Titles::Airy, Titles::Full, Titles::Short, Titles::Marks]
        .into_iter()
        .find(|titles| tabs_width(state, *titles) + text::width(crumb) <= usize::from(area.width))
        .unwrap_or(Titles::Numbers);
    let air = titles == Titles::Airy;
    let mut x = area.x + u16::from(!air);
    let mut put = |text: &str, style| {
        let room = area.right().saturating_sub(x);
        x = x.saturating_add(text::put_line(buf, (x, area.y), room, text, style, look.glyphs));
    };
    for (index, pane) in state.panes.iter().enumerate() {
        let selected = index == state.current;
        let style = look.style(if selected { Role::Selected } else { Role::Muted });
        put(if air { " " } else { "" }, style);
        put(&tab_label(state, index, pane.as_ref(), titles), style);
        if let Some(badge) = mark(state, index) {
            let (text, role) = titles.badge(badge, look);
            put(titles.gap(), style);
            put(&text, style.patch(look.style(role)));
        }
        put(if air { " " } else { "" }, style);
        put(" ", look.style(Role::Screen));
    }
    put(crumb, look.style(Role::Accent));
}

/// What is wrong in that pane.
fn mark(state: &State, index: usize) -> Option<Badge> {
    state.marks.get(index).copied().flatten()
}

/// Cells the tabs take.
fn tabs_width(state: &State, titles: Titles) -> usize {
    let badge = |badge: Badge| text::width(&titles.badge(badge, &state.look).0) + titles.gap().len();
    let air = if titles == Titles::Airy { 3 } else { 1 };
    let tabs = state.panes.iter().enumerate();
    tabs.map(|(index, pane)| {
        let label = tab_label(state, index, pane.as_ref(), titles);
        text::width(&label) + mark(state, index).map_or(0, badge) + air
    })
    .sum()
}

fn tab_label(state: &State, index: usize, pane: &dyn View, titles: Titles) -> String {
    let number = index + 1;
    match titles {
        Titles::Airy | Titles::Full => format!("{number} {}", pane.title()),
        _ if index == state.current => format!("{number} {}", pane.title()),
        Titles::Short | Titles::Marks => format!("{number} {}", pane.short_title()),
        Titles::Numbers => number.to_string(),
    }
}

fn put_banner(lines: &[String], look: &Look, area: Rect, buf: &mut Buffer) {
    let style = look.style(Role::Critical);
    for (y, (index, line)) in (area.y..area.bottom()).zip(lines.iter().enumerate()) {
        let mark = if index == 0 { look.glyphs.critical } else { " " };
        text::put_safe(buf, (area.x + 1, y), 1, mark, style);
        let room = area.width.saturating_sub(MARK);
        text::put(buf, (area.x + MARK, y), room, line, style, look.glyphs);
    }
}

fn footer(state: &State, area: Rect, buf: &mut Buffer) {
    let look = &state.look;
    if let Some(prompt) = &state.prompt {
        return prompt_line(prompt, look, area, buf);
    }
    let status = status(state, area.width);
    let wide = u16::try_from(text::width(&status.text)).unwrap_or(u16::MAX);
    let mut left = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(1),
        ..area
    };
    let message = state.world.messages.current(state.world.now, !verdicts_in_sight(state));
    let message = message.filter(|message| !in_banner(&state.world, &message.text));
    if let Some(message) = message {
        let role = message.severity.map_or(Role::Accent, pane::role);
        text::put(
            buf,
            (left.x, left.y),
            left.width,
            &message.text,
            look.style(role),
            look.glyphs,
        );
        return;
    }
    if wide > 0 {
        let at = (area.right() - wide - 1, area.y);
        text::put(buf, at, wide, &status.text, look.style(status.role), look.glyphs);
        left.width = area.width.saturating_sub(wide + 4);
    }
    hints(state, left, buf);
}

/// The Overview says it already.
fn verdicts_in_sight(state: &State) -> bool {
    state.frozen.is_none() && state.top().is_some_and(|top| top.id() == "overview")
}

/// The banner says it already.
fn in_banner(world: &World, text: &str) -> bool {
    matches!(&world.link, Link::Down { fault, .. } if fault.to_string() == text)
}

/// The keys that work here and now, from the key table. Help and quit stay when room is short.
fn hints(state: &State, area: Rect, buf: &mut Buffer) {
    let look = &state.look;
    let mut shown = works_here(state);
    while shown.iter().map(hint_width).sum::<usize>() > usize::from(area.width) + 2 {
        let last = shown
            .iter()
            .rposition(|(_, binding)| !matches!(binding.action, Action::Help | Action::Quit));
        match last {
            Some(last) => drop(shown.remove(last)),
            None => break,
        }
    }
    let mut x = area.x;
    for (key, binding) in shown {
        for (piece, role, gap) in [(key.as_str(), Role::Key, 1), (binding.hint, Role::Muted, 2)] {
            let room = area.right().saturating_sub(x);
            x += text::put(buf, (x, area.y), room, piece, look.style(role), look.glyphs) + gap;
        }
    }
}

/// Cells of a hint and of the gap behind it.
fn hint_width((key, binding): &(String, &Binding)) -> usize {
    text::width(key) + text::width(binding.hint) + 3
}

/// What the footer may offer: actions with a hint and a key that do something now.
fn works_here(state: &State) -> Vec<(String, &'static Binding)> {
    let Some(top) = state.top() else { return Vec::new() };
    let here = top.actions();
    let filtered = top.filter().is_some_and(|filter| !filter.is_empty());
    let works = |action: Action| match action {
        Action::Back => !state.layers.is_empty() && !top.modal() || filtered || here.contains(&action),
        Action::Filter => top.filter().is_some(),
        // The foot of a popup says what its own keys mean there.
        Action::Enter if top.place() != Place::Body => false,
        Action::Copy if top.place() != Place::Body => !top.copies(state.shown()).is_empty(),
        action if top.modal() => here.contains(&action) || matches!(action, Action::Quit | Action::Copy),
        action => here.contains(&action) || action.is_global(),
    };
    BINDINGS
        .iter()
        .filter(|binding| !binding.hint.is_empty() && works(binding.action))
        .filter_map(|binding| Some((state.keymap.key(binding.action)?, binding)))
        .collect()
}

/// How fresh this pane is and what we cost the server; where the keys need the room, only what is not as it should be.
fn status(state: &State, width: u16) -> Piece {
    let world = state.shown();
    let probe = state.body().and_then(|body| body.probes().first().copied());
    let fresh = match probe.map(|probe| world.freshness(probe)) {
        None | Some(Freshness::Skipped(_)) => None,
        Some(Freshness::Loading) => Some("loading".to_owned()),
        Some(Freshness::Failed) => Some("failed".to_owned()),
        // Within its interval an answer is as fresh as was asked for: nothing to say.
        Some(Freshness::Fresh(age)) if age <= world.hot_interval + Duration::from_secs(1) => None,
        Some(Freshness::Fresh(age)) => Some(format!("{} old", short(age.as_secs_f64()))),
        Some(Freshness::Stale(age)) => Some(format!("stale {}", short(age.as_secs_f64()))),
    };
    let degraded = world.tiers.values().any(crate::poll::TierHealth::degraded);
    let mut parts: Vec<String> = fresh
        .into_iter()
        .chain(degraded.then(|| "DEGRADED".to_owned()))
        .collect();
    let said = parts.len();
    parts.push(format!("every {} s", world.hot_interval.as_secs_f64()));
    parts.extend(world.cost_share().map(|share| format!("load {:.1} %", share * 100.0)));
    let dot = format!(" {} ", state.look.glyphs.dot);
    let keys = works_here(state).iter().map(hint_width).sum::<usize>() + 2;
    let keys = keys.min(KEYS_WIDTH);
    while parts.len() > said && text::width(&parts.join(&dot)) + keys > usize::from(width) {
        parts.pop();
    }
    let role = if degraded { Role::Warning } else { Role::Muted };
    piece(parts.join(&dot), role, 0)
}

fn prompt_line(prompt: &super::state::Prompt, look: &Look, area: Rect, buf: &mut Buffer) {
    let used = text::put_line(
        buf,
        (area.x, area.y),
        area.width,
        " / ",
        look.style(Role::Key),
        look.glyphs,
    );
    let field = Rect {
        x: area.x + used,
        width: area.width.saturating_sub(used),
        ..area
    };
    let half = if prompt.error.is_some() {
        field.width / 2
    } else {
        field.width
    };
    let scroll = prompt.input.visual_scroll(usize::from(half.saturating_sub(1)));
    let typed: String = prompt.input.value().chars().skip(scroll).collect();
    let end = text::put_line(
        buf,
        (field.x, field.y),
        half,
        &typed,
        look.style(Role::Text),
        look.glyphs,
    );
    let cursor = field.x + u16::try_from(prompt.input.visual_cursor().saturating_sub(scroll)).unwrap_or(0);
    if let Some(cell) = buf.cell_mut((cursor.min(field.right().saturating_sub(1)), field.y)) {
        cell.set_style(look.style(Role::Selected));
    }
    if let Some(error) = &prompt.error {
        let x = field.x + end.max(cursor.saturating_sub(field.x) + 1) + 1;
        let room = area.right().saturating_sub(x);
        text::put(buf, (x, area.y), room, error, look.style(Role::Warning), look.glyphs);
    }
}
