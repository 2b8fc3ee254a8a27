//! The lines of what is wrong, into the buffer.

use ratatui::buffer::Buffer;

use super::Overview;
use super::draw::Strip;
use super::verdicts::Verdict;
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::text::width;

/// Where ages end.
const AGE_END: u16 = 7;
/// Where sentences begin.
const SENTENCE: u16 = 8;
/// Cells at the right end for the number of a tab, with a space before it.
const TAB: u16 = 2;
/// A sentence keeps at least so many cells before what is said of how sure it is.
const LEAST: u16 = 20;

/// Cells of a text.
fn cells(text: &str) -> u16 {
    u16::try_from(width(text)).unwrap_or(u16::MAX)
}

impl Overview {
    /// A rule that says how much was checked, or the calm line.
    pub(super) fn checks(&self, strip: &Strip<'_>, buf: &mut Buffer) {
        let checks = &self.verdicts.checks;
        let Some((role, text)) = &checks.calm else {
            strip.rule("", &format!(" {} ", checks.caption), buf);
            return;
        };
        strip.highlight(buf);
        strip.put_sign(buf, 0, strip.look.mark(*role), *role);
        let room = strip.area.width.saturating_sub(2);
        strip.put(buf, 2, room, text, *role);
    }

    /// Severity, since when, evidence, how sure, and where Enter leads.
    pub(super) fn story_line(&self, strip: &Strip<'_>, nth: usize, buf: &mut Buffer) {
        let Some(story) = self.verdicts.stories.get(nth) else {
            return;
        };
        strip.highlight(buf);
        let tone = story.tone.unwrap_or(Role::Text);
        strip.put_sign(buf, 0, strip.look.mark(story.mark), story.tone.unwrap_or(story.mark));
        let age = cells(&story.age).min(AGE_END - 1);
        strip.put(buf, AGE_END - age, age, &story.age, story.tone.unwrap_or(Role::Muted));
        let mut end = strip.area.width.saturating_sub(TAB);
        strip.put(buf, end + 1, 1, &story.tab, Role::Key);
        let tail = cells(&story.tail);
        if tail > 0 && end > SENTENCE + LEAST + tail {
            end -= tail + 1;
            strip.put(buf, end + 1, tail, &story.tail, story.tone.unwrap_or(Role::Muted));
        }
        strip.put(buf, SENTENCE, end.saturating_sub(SENTENCE), &story.sentence, tone);
    }

    /// A line under a story; how many more there are stands at its end.
    pub(super) fn folded(&self, strip: &Strip<'_>, (story, nth, more): (usize, usize, usize), buf: &mut Buffer) {
        let Some((story, line)) = self.line_under(story, nth) else {
            return;
        };
        let tone = story.tone.unwrap_or(Role::Muted);
        let glyphs = strip.look.glyphs;
        let branch = if nth + 1 == story.folded.len() || nth == 0 {
            glyphs.last
        } else {
            "  "
        };
        strip.put_sign(buf, SENTENCE, branch, Role::Muted);
        let mut x = SENTENCE + 2;
        if let Some(mark) = line.mark {
            strip.put_sign(buf, x, strip.look.mark(mark), story.tone.unwrap_or(mark));
            x += 2;
        }
        let mut end = strip.area.width;
        if more > 0 {
            let text = format!("e: {more} more");
            let wide = cells(&text);
            if end > x + LEAST + wide {
                end -= wide + 2;
                strip.put(buf, end + 1, wide, &text, Role::Muted);
            }
        }
        strip.put(buf, x, end.saturating_sub(x), &line.text, tone);
    }

    fn line_under(&self, story: usize, nth: usize) -> Option<(&Verdict, &super::verdicts::Folded)> {
        let story = self.verdicts.stories.get(story)?;
        Some((story, story.folded.get(nth)?))
    }

    /// What one statement would make possible.
    pub(super) fn grant(&self, strip: &Strip<'_>, buf: &mut Buffer) {
        if let Some((what, statement)) = &self.verdicts.checks.grant {
            let x = strip.put(buf, 2, strip.area.width, what, Role::Denied);
            strip.put(buf, x + 1, strip.area.width, statement, Role::Denied);
        }
    }
}

impl Strip<'_> {
    /// How many stories have no room.
    pub(super) fn more(&self, count: usize, buf: &mut Buffer) {
        self.highlight(buf);
        let text = format!("+{} more", format::count(count));
        self.put(buf, SENTENCE, self.area.width, &text, Role::Muted);
    }
}
