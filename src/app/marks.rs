//! How bad it is, in signs: on the tabs, in the header, in the terminal's title. All of it is what the alerts say, so that
//! no sign is worse than the verdict it leads to.

use crate::alert::{Alert, Engine};
use crate::model::concern::Severity;
use crate::pane::{Badge, View};
use crate::ui::look::Look;
use crate::ui::text;

/// Those that make noise: they count, are no mere notices, and nobody took note of them.
fn loud(engine: &Engine) -> impl Iterator<Item = (Severity, &Alert)> {
    let raised = engine.raised().filter(|alert| !alert.is_acknowledged());
    let severe = raised.filter_map(|alert| Some((alert.severity()?, alert)));
    severe.filter(|(severity, _)| *severity >= Severity::Warning)
}

/// How many alerts there are of each severity, the worst first.
#[must_use]
pub fn counts(engine: &Engine) -> Vec<Badge> {
    let of = |wanted| loud(engine).filter(|(severity, _)| *severity == wanted).count();
    let severities = [Severity::Critical, Severity::Warning];
    severities
        .into_iter()
        .filter_map(|severity| Badge::of(severity, of(severity)))
        .collect()
}

/// The mark of a pane's tab: the alerts that lead there. What a pane finds in its rows and no rule knows is a notice.
#[must_use]
pub fn tab(pane: &dyn View, engine: &Engine) -> Option<Badge> {
    let here = loud(engine).filter(|(_, alert)| alert.finding.jump.pane == pane.id());
    let own = || {
        pane.badge().map(|badge| Badge {
            severity: Severity::Notice,
            ..badge
        })
    };
    Badge::of_rows(here.map(|(severity, _)| severity)).or_else(own)
}

/// The terminal's title: `✖2 ▲1 prod – pgmon-tui`.
#[must_use]
pub fn title(engine: &Engine, label: &str, look: &Look) -> String {
    let counts = counts(engine).into_iter();
    let mut words: Vec<String> = counts.map(|badge| badge.text(look).0).collect();
    words.push(format!("{label} {} pgmon-tui", look.glyphs.none));
    let title = words.join(" ");
    // Server names go into it: nothing in it may drive the terminal.
    text::visible_in(&title, look.glyphs.charset).into_owned()
}
