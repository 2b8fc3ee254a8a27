//! Everything that decides what is on the screen: the world, the panes and the layers above them, the look, the
//! keys, the frozen world while the screen is frozen.

use ratatui::layout::Rect;
use tui_input::Input;

use super::bell::Bell;
use super::chrome;
use super::keymap::Keymap;
use super::marks;
use crate::pane::{Badge, Place, View, panes};
use crate::probe::Focus;
use crate::ui::look::Look;
use crate::world::World;

/// The state of the program; changed only by [`super::update`].
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is to be computed or drawn again; none of it excludes another"
)]
pub struct State {
    /// What is known.
    pub world: World,
    /// What was known when the screen was frozen.
    pub frozen: Option<Box<World>>,
    /// The panes in the order of the tabs.
    pub panes: Vec<Box<dyn View>>,
    /// The visible one.
    pub current: usize,
    /// Detail pages and popups over it, the topmost last.
    pub layers: Vec<Box<dyn View>>,
    /// The filter being typed.
    pub prompt: Option<Prompt>,
    /// How meaning looks.
    pub look: Look,
    /// What keys mean.
    pub keymap: Keymap,
    /// The terminal.
    pub size: Rect,
    /// What is wrong, by how bad it is, the worst first: also while the screen is frozen.
    pub wrong: Vec<Badge>,
    /// The mark on the tab of each pane.
    pub marks: Vec<Option<Badge>>,
    /// The terminal's title.
    pub title: String,
    /// What rings when something goes wrong.
    pub bell: Bell,
    /// The focus the worker was told of.
    pub focus: Focus,
    /// The pane and the layers on the screen have to compute again what they show.
    pub underived: bool,
    /// The other panes show less than is known; they catch up once a second, for the marks on their tabs.
    pub behind: bool,
    /// The second has passed.
    pub catch_up: bool,
    /// Only the view that takes the keys has to: no data came.
    pub touched: bool,
    /// The screen has to be drawn.
    pub dirty: bool,
    /// The program ends.
    pub over: Option<Over>,
}

/// The filter line while it is edited.
#[derive(Debug, Default)]
pub struct Prompt {
    /// What was typed.
    pub input: Input,
    /// Why it is no filter yet.
    pub error: Option<String>,
}

/// How the program ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The user quit, or a signal asked for it.
    Quit,
    /// Nothing was ever shown and nothing ever will be: say this and exit with a non-zero status.
    Failed(crate::pg::fault::Fault),
}

impl State {
    /// The state before the first answer.
    #[must_use]
    pub fn new(world: World, look: Look, keymap: Keymap, size: Rect) -> Self {
        let mut state = Self {
            title: marks::title(&world.alerts, &world.label, &look),
            wrong: Vec::new(),
            marks: Vec::new(),
            bell: Bell::default(),
            world,
            frozen: None,
            panes: panes(),
            current: 0,
            layers: Vec::new(),
            prompt: None,
            look,
            keymap,
            size,
            focus: Focus::default(),
            underived: true,
            behind: true,
            catch_up: true,
            touched: false,
            dirty: true,
            over: None,
        };
        state.focus = state.seen();
        state
    }

    /// The session goes on in another database: what belonged to the old one is forgotten, and every pane begins anew.
    pub fn begin_anew(&mut self) {
        self.world.forget();
        self.frozen = None;
        self.panes = panes();
        self.layers.clear();
        self.prompt = None;
        self.underived = true;
    }

    /// What the screen shows: the world, or the frozen one.
    #[must_use]
    pub fn shown(&self) -> &World {
        self.frozen.as_deref().unwrap_or(&self.world)
    }

    /// The view that takes the keys: the topmost layer or the pane.
    #[must_use]
    pub fn top(&self) -> Option<&dyn View> {
        self.layers
            .last()
            .or_else(|| self.panes.get(self.current))
            .map(AsRef::as_ref)
    }

    /// The view that fills the body: the topmost layer that is no popup, or the pane.
    #[must_use]
    pub fn body(&self) -> Option<&dyn View> {
        let page = self.layers.iter().rev().find(|layer| layer.place() == Place::Body);
        page.or_else(|| self.panes.get(self.current)).map(AsRef::as_ref)
    }

    /// The view whose questions are meant: the one on top if it asks some, else the one that fills the body.
    #[must_use]
    pub fn asking(&self) -> Option<&dyn View> {
        let top = self.top().filter(|top| !top.probes().is_empty());
        top.or_else(|| self.body())
    }

    /// Runs `change` on the view that takes the keys.
    pub fn with_top<T>(&mut self, change: impl FnOnce(&mut dyn View, &World) -> T) -> Option<T> {
        let world = self.frozen.as_deref().unwrap_or(&self.world);
        let top = self.layers.last_mut().or_else(|| self.panes.get_mut(self.current))?;
        Some(change(top.as_mut(), world))
    }

    /// What the user looks at.
    #[must_use]
    pub fn seen(&self) -> Focus {
        let top = self.layers.last().filter(|layer| layer.place() != Place::Body);
        let body = self.body();
        Focus {
            pane: self.panes.get(self.current).map_or("", |pane| pane.id()),
            subject: self.layers.iter().rev().find_map(|layer| layer.subject().cloned()),
            popup: top.map(|popup| popup.id()),
            keys: body.map(View::keys).unwrap_or_default(),
            demand: body.and_then(View::demand),
        }
    }

    /// What the user looks at, if the worker has not been told of it yet.
    pub fn look(&mut self) -> Option<Focus> {
        let seen = self.seen();
        (seen != self.focus).then(|| {
            self.focus.clone_from(&seen);
            seen
        })
    }

    /// Makes everything ready to be drawn: the only place where views compute.
    pub fn settle(&mut self) {
        let banner = chrome::banner(&self.world, self.size.width).len();
        let areas = chrome::areas(self.size, u16::try_from(banner).unwrap_or_default());
        let world = self.frozen.as_deref().unwrap_or(&self.world);
        let all = std::mem::take(&mut self.underived);
        let top = std::mem::take(&mut self.touched);
        self.behind |= all;
        let others = std::mem::take(&mut self.catch_up) && std::mem::take(&mut self.behind);
        let last = self.layers.len().checked_sub(1);
        let panes = self.panes.iter_mut().enumerate().map(|(index, pane)| {
            let current = index == self.current;
            let on_top = current && last.is_none();
            (pane, if current { all } else { others } || top && on_top)
        });
        let layers = self.layers.iter_mut().enumerate();
        let layers = layers.map(|(index, layer)| (layer, all || top && last == Some(index)));
        for (view, derive) in panes.chain(layers) {
            let area = chrome::place(view.place(), areas.body);
            if derive {
                // Popups wrap their text while they derive it: they have to know their room before.
                if view.place() != Place::Body {
                    view.arrange(area);
                }
                view.derive(world);
            }
            view.arrange(area);
        }
        self.wrong = marks::counts(&self.world.alerts);
        let panes = self.panes.iter();
        self.marks = panes.map(|pane| marks::tab(pane.as_ref(), &world.alerts)).collect();
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("current", &self.current)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
