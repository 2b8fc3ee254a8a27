//! Keys as people write them in the configuration, and the map from a key press to an action, made of the key
//! table and the `[keys]` section.

use std::collections::BTreeMap;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::action::{Action, BINDINGS};

/// One key press: a code with ctrl and alt; shift is part of a character's own form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// The named keys of the notation.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("space", KeyCode::Char(' ')),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

impl Chord {
    /// Reads the notation: `q`, `G`, `ctrl-c`, `alt-x`, `f1`, `pgup`, `space`, `shift-tab`.
    ///
    /// # Errors
    /// A sentence that names the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                modifiers |= KeyModifiers::CONTROL;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                modifiers |= KeyModifiers::ALT;
                rest = after;
            } else {
                break;
            }
        }
        let code = Self::code(rest).ok_or_else(|| {
            format!(
                "\"{text}\" is no key: write one character, ctrl-x, alt-x, f1 to f12, or one of {}",
                Self::names()
            )
        })?;
        Ok(Self { code, modifiers })
    }

    fn code(text: &str) -> Option<KeyCode> {
        if let Some((_, code)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Some(*code);
        }
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) if !only.is_control() => Some(KeyCode::Char(only)),
            (Some('f'), Some(_)) => {
                let number = text.strip_prefix('f')?.parse().ok()?;
                (1..=12).contains(&number).then_some(KeyCode::F(number))
            }
            _ => None,
        }
    }

    fn names() -> String {
        NAMED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The key that was pressed.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Self {
        let modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let code = match event.code {
            // Terminals differ in the case they report for ctrl with a letter.
            KeyCode::Char(letter) if modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(letter.to_ascii_lowercase())
            }
            code => code,
        };
        Self { code, modifiers }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// From a key press to an action.
#[derive(Clone, Debug)]
pub struct Keymap(Vec<(Action, Vec<Chord>)>);

impl Keymap {
    /// The key table with the overrides of `[keys]`; an empty list takes an action's keys away.
    ///
    /// # Errors
    /// A sentence naming the action or key: unknown action, unreadable key, or one key for two actions that
    /// could be meant at the same time.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        if let Some(unknown) = overrides
            .keys()
            .find(|name| BINDINGS.iter().all(|binding| binding.name != name.as_str()))
        {
            let names = BINDINGS
                .iter()
                .map(|binding| binding.name)
                .collect::<Vec<_>>()
                .join(", ");
            return Err(format!("[keys] has no action \"{unknown}\"; the actions are {names}"));
        }
        let mut map = Vec::with_capacity(BINDINGS.len());
        for binding in BINDINGS {
            let chords = match overrides.get(binding.name) {
                Some(keys) => keys.iter().map(|key| Chord::parse(key)).collect::<Result<_, _>>(),
                None => binding
                    .keys
                    .iter()
                    .map(|key| Chord::parse(key))
                    .collect::<Result<Vec<_>, _>>(),
            };
            map.push((
                binding.action,
                chords.map_err(|error| format!("[keys] {}: {error}", binding.name))?,
            ));
        }
        let map = Self(map);
        map.refuse_clashes()?;
        Ok(map)
    }

    fn refuse_clashes(&self) -> Result<(), String> {
        for (index, (action, chords)) in self.0.iter().enumerate() {
            for (other, theirs) in self.0.iter().skip(index + 1) {
                let both = chords.iter().find(|chord| theirs.contains(chord));
                if let Some(chord) = both.filter(|_| action.is_global() || other.is_global()) {
                    let name = |action: &Action| action.binding().map_or("?", |binding| binding.name);
                    return Err(format!("[keys] {chord} is both {} and {}", name(action), name(other)));
                }
            }
        }
        Ok(())
    }

    /// What a key press means: one of `here` (what the view on top takes) before what is meant everywhere.
    #[must_use]
    pub fn action(&self, chord: Chord, here: &[Action]) -> Option<Action> {
        let meanings = || {
            self.0
                .iter()
                .filter(|(_, chords)| chords.contains(&chord))
                .map(|(action, _)| *action)
        };
        meanings()
            .find(|action| here.contains(action))
            .or_else(|| meanings().find(|action| action.is_global()))
    }

    /// The keys of an action as people write them.
    #[must_use]
    pub fn keys(&self, action: Action) -> Vec<String> {
        self.0
            .iter()
            .find(|(other, _)| *other == action)
            .map(|(_, chords)| chords.iter().map(ToString::to_string).collect())
            .unwrap_or_default()
    }

    /// The first key of an action, short, for the footer: `↵` is written `enter`.
    #[must_use]
    pub fn key(&self, action: Action) -> Option<String> {
        self.keys(action).into_iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs
            .iter()
            .map(|(name, keys)| ((*name).to_owned(), keys.iter().map(|key| (*key).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn the_key_table_itself_has_no_clash_and_every_key_reads_back() {
        let map = Keymap::new(&BTreeMap::new()).unwrap();
        for binding in BINDINGS {
            assert_eq!(map.keys(binding.action), binding.keys, "{}", binding.name);
            assert!(!binding.help.is_empty(), "{}", binding.name);
        }
    }

    #[test]
    fn names_are_unique() {
        for (index, binding) in BINDINGS.iter().enumerate() {
            assert!(
                BINDINGS.iter().skip(index + 1).all(|other| other.name != binding.name),
                "{}",
                binding.name
            );
        }
    }

    #[test]
    fn overrides_replace_the_keys_of_an_action() {
        let map = Keymap::new(&overrides(&[("quit", &["f10"])])).unwrap();
        assert_eq!(map.action(Chord::parse("f10").unwrap(), &[]), Some(Action::Quit));
        assert_eq!(map.action(Chord::parse("q").unwrap(), &[]), None);
    }

    #[test]
    fn wrong_overrides_are_refused_by_name() {
        let refused = |pairs: &[(&str, &[&str])]| Keymap::new(&overrides(pairs)).unwrap_err();
        assert!(refused(&[("quti", &["x"])]).contains("\"quti\""));
        assert!(refused(&[("quit", &["ctlr-x"])]).contains("ctlr-x"));
        assert_eq!(refused(&[("help", &["s"])]), "[keys] s is both sql and help");
    }

    #[test]
    fn what_the_view_takes_goes_before_what_is_meant_everywhere() {
        let map = Keymap::new(&BTreeMap::new()).unwrap();
        let tab = Chord::parse("tab").unwrap();
        assert_eq!(map.action(tab, &[]), Some(Action::NextTab));
        let up = Chord::parse("up").unwrap();
        assert_eq!(map.action(up, &[]), None);
        assert_eq!(map.action(up, &[Action::Up]), Some(Action::Up));
    }
}
