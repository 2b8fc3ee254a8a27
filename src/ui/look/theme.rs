//! Themes: what stands in themes/*.toml and in the user's directory.
//!
//! A theme gives a style to meanings ([`Role::KEYS`]), never to widgets. It may inherit another one and then names
//! only what differs; `[palette]` gives names to colours, and a child may change only those. A style is a colour
//! (`muted = "#8b95a7"`) or a table (`{ fg, bg, bold, dim, italic, underline, reverse }`), which may hold
//! `ansi = { .. }` with what to use instead on a terminal with 16 colours (the palette has no say there). Where there are no colours, the
//! theme [`MONO`] is used whatever was asked for.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Depth, Role};

/// The theme that needs no colours.
const MONO: &str = "mono";

/// The built-in themes, in the order of [`super::Look::next_theme`].
const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colorblind", include_str!("../../../themes/colorblind.toml")),
    (MONO, include_str!("../../../themes/mono.toml")),
];

/// Themes may inherit no deeper than this.
const DEPTH: usize = 8;

/// A theme: a style for each role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// The styles.
    pub styles: BTreeMap<Role, Style>,
}

impl Theme {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }
}

/// The theme files there are.
pub(super) struct Sources(Vec<Source>);

struct Source {
    name: String,
    /// What messages call it.
    file: String,
    /// The file, or why it cannot be read.
    text: Result<String, String>,
    built_in: bool,
}

impl Sources {
    /// The built-in themes and those of a directory, in the order of their names.
    pub fn read(dir: Option<&Path>) -> Self {
        let mut sources: Vec<Source> = BUILT_IN
            .iter()
            .map(|(name, text)| Source {
                name: (*name).to_owned(),
                file: format!("built-in theme {name}"),
                text: Ok((*text).to_owned()),
                built_in: true,
            })
            .collect();
        let Some(entries) = dir.and_then(|dir| std::fs::read_dir(dir).ok()) else {
            return Self(sources);
        };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        for path in paths {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{file} cannot be read: {error}."));
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            sources.push(Source {
                name,
                file,
                text,
                built_in: false,
            });
        }
        Self(sources)
    }

    /// Every name once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for source in &self.0 {
            if !names.contains(&source.name.as_str()) {
                names.push(&source.name);
            }
        }
        names
    }

    /// The theme of that name for that many colours.
    pub fn theme(&self, name: &str, depth: Depth) -> Result<Theme, String> {
        let sheet = self.sheet(name, None, 0)?;
        let sheet = if depth == Depth::None {
            self.sheet(MONO, None, 0)?
        } else {
            sheet
        };
        Ok(Theme {
            name: name.to_owned(),
            styles: sheet.styles(depth)?,
        })
    }

    /// The sheet of that name with everything it inherits. What a built-in theme inherits is built in, and so is
    /// what a file inherits that bears the same name.
    fn sheet(&self, name: &str, child: Option<&Source>, depth: usize) -> Result<Sheet, String> {
        let built_in = child.is_some_and(|child| child.built_in || child.name == name);
        let mut found = self
            .0
            .iter()
            .rev()
            .filter(|source| source.name == name && (source.built_in || !built_in));
        let Some(source) = found.next() else {
            return Err(self.unknown(name, child));
        };
        if depth > DEPTH {
            return Err(format!("{}: themes inherit each other in a circle.", source.file));
        }
        let mut sheet = Sheet::parse(source)?;
        match sheet.inherits.take() {
            Some(parent) => Ok(sheet.over(self.sheet(&parent, Some(source), depth + 1)?)),
            None => Ok(sheet),
        }
    }

    fn unknown(&self, name: &str, child: Option<&Source>) -> String {
        let place = child.map(|child| format!("{}: ", child.file)).unwrap_or_default();
        format!(
            "{place}There is no theme \"{name}\"; the themes are {}.",
            self.names().join(", ")
        )
    }
}

/// What a theme file says.
#[derive(Default)]
struct Sheet {
    inherits: Option<String>,
    palette: BTreeMap<String, Paint>,
    looks: BTreeMap<Role, Strokes>,
}

/// A colour as written, and where.
#[derive(Clone)]
struct Paint {
    text: String,
    place: String,
    /// A colour of the terminal's own, never one from the palette.
    ansi: bool,
}

/// A style as written.
#[derive(Clone, Default)]
struct Strokes {
    fg: Option<Paint>,
    bg: Option<Paint>,
    modifiers: Modifier,
    ansi: Option<Box<Strokes>>,
}

impl Strokes {
    /// The same, whose names of colours are those of the terminal.
    fn of_terminal(mut self) -> Self {
        for paint in [&mut self.fg, &mut self.bg].into_iter().flatten() {
            paint.ansi = true;
        }
        self
    }
}

impl Sheet {
    fn parse(source: &Source) -> Result<Self, String> {
        let text = source.text.as_deref().map_err(Clone::clone)?;
        let reader = Reader {
            file: &source.file,
            text,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().unwrap_or_default().start;
            reader.complain(at, &format!("this is no TOML: {}", error.message()))
        })?;
        let mut sheet = Self::default();
        reader.table(&mut sheet, "", table.get_ref())?;
        Ok(sheet)
    }

    /// This sheet over the one it inherits.
    fn over(self, mut parent: Self) -> Self {
        parent.palette.extend(self.palette);
        parent.looks.extend(self.looks);
        parent
    }

    fn styles(&self, depth: Depth) -> Result<BTreeMap<Role, Style>, String> {
        let styles = self.looks.iter().map(|(role, strokes)| {
            let strokes = match &strokes.ansi {
                Some(ansi) if depth == Depth::Ansi16 => ansi,
                _ => strokes,
            };
            Ok((*role, depth.bring_down(self.style(strokes)?)))
        });
        styles.collect()
    }

    fn style(&self, strokes: &Strokes) -> Result<Style, String> {
        let color = |paint: &Option<Paint>| paint.as_ref().map(|paint| self.color(paint)).transpose();
        Ok(Style {
            fg: color(&strokes.fg)?,
            bg: color(&strokes.bg)?,
            ..Style::new().add_modifier(strokes.modifiers)
        })
    }

    fn color(&self, paint: &Paint) -> Result<Color, String> {
        let named = self.palette.get(&paint.text).filter(|_| !paint.ansi);
        let paint = named.unwrap_or(paint);
        match paint.text.as_str() {
            "default" => Ok(Color::Reset),
            text if text.is_ascii() && text.parse::<Color>().is_ok() => Ok(text.parse().unwrap_or_default()),
            text => Err(format!(
                "{}: \"{text}\" is no colour; write #rrggbb, a number from 0 to 255, default, an ANSI name like lightred, or a name from [palette].",
                paint.place
            )),
        }
    }
}

/// Reads one file, complaining with file and line.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

type Node<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn table(&self, sheet: &mut Sheet, path: &str, table: &DeTable<'_>) -> Result<(), String> {
        for (key, node) in table {
            let name = key.get_ref();
            let path = if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}.{name}")
            };
            let at = key.span().start;
            let group = format!("{path}.");
            if let Some((_, role)) = Role::KEYS.iter().find(|(key, _)| *key == path) {
                sheet.looks.insert(*role, self.strokes(node)?);
            } else if path == "inherits" {
                sheet.inherits = Some(self.string(node)?);
            } else if path == "palette" {
                for (name, node) in self.entries(node)? {
                    sheet.palette.insert(name.get_ref().to_string(), self.paint(node)?);
                }
            } else if Role::KEYS.iter().any(|(key, _)| key.starts_with(&group)) {
                self.table(sheet, &path, self.entries(node)?)?;
            } else {
                let known: Vec<&str> = Role::KEYS.iter().map(|(key, _)| *key).collect();
                let reason = format!(
                    "unknown key \"{path}\"; the keys are inherits, palette, {}",
                    known.join(", ")
                );
                return Err(self.complain(at, &reason));
            }
        }
        Ok(())
    }

    fn strokes(&self, node: &Node<'_>) -> Result<Strokes, String> {
        let mut strokes = Strokes::default();
        if node.get_ref().is_str() {
            strokes.fg = Some(self.paint(node)?);
            return Ok(strokes);
        }
        for (key, node) in self.entries(node)? {
            match key.get_ref().as_ref() {
                "fg" => strokes.fg = Some(self.paint(node)?),
                "bg" => strokes.bg = Some(self.paint(node)?),
                "ansi" => strokes.ansi = Some(Box::new(self.strokes(node)?.of_terminal())),
                name => {
                    let modifier = modifier(name).ok_or_else(|| {
                        let known = "fg, bg, ansi, bold, dim, italic, underline and reverse";
                        self.complain(
                            key.span().start,
                            &format!("unknown key \"{name}\" of a style; there are {known}"),
                        )
                    })?;
                    strokes.modifiers.set(modifier, self.flag(node)?);
                }
            }
        }
        Ok(strokes)
    }

    fn paint(&self, node: &Node<'_>) -> Result<Paint, String> {
        Ok(Paint {
            text: self.string(node)?,
            place: format!("{}, line {}", self.file, self.line(node.span().start)),
            ansi: false,
        })
    }

    fn entries<'n, 'd>(&self, node: &'n Node<'d>) -> Result<&'n DeTable<'d>, String> {
        let table = node.get_ref().as_table();
        table.ok_or_else(|| {
            self.complain(
                node.span().start,
                "a table is needed here, or a colour where a style stands",
            )
        })
    }

    fn string(&self, node: &Node<'_>) -> Result<String, String> {
        let text = node.get_ref().as_str().map(ToOwned::to_owned);
        text.ok_or_else(|| self.complain(node.span().start, "a text in quotes is needed here"))
    }

    fn flag(&self, node: &Node<'_>) -> Result<bool, String> {
        let flag = node.get_ref().as_bool();
        flag.ok_or_else(|| self.complain(node.span().start, "true or false is needed here"))
    }

    fn complain(&self, at: usize, reason: &str) -> String {
        format!("{}, line {}: {reason}.", self.file, self.line(at))
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }
}

fn modifier(name: &str) -> Option<Modifier> {
    match name {
        "bold" => Some(Modifier::BOLD),
        "dim" => Some(Modifier::DIM),
        "italic" => Some(Modifier::ITALIC),
        "underline" => Some(Modifier::UNDERLINED),
        "reverse" => Some(Modifier::REVERSED),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
