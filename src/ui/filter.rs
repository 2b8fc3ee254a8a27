//! The filter language of `/`.
//!
//! Words are separated by spaces and all of them must match (`app idle` finds rows with both). A word is a piece
//! of text in any column; `col:word` looks in one column, `re:..` and `col:re:..` are regular expressions, `!`
//! before any of these turns it round. Double quotes keep spaces and colons: `query:"for update"`, `"a:b"`. Case
//! makes no difference (`re:(?-i)..` makes it one). What is not finished yet (`state:`, `!`) filters nothing.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

/// A regular expression that compiles to more than this many bytes is refused.
const REGEX_SIZE: usize = 1 << 20;

/// A parsed filter; the default one lets everything pass.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    columns: usize,
    terms: Vec<Term>,
}

/// One word.
#[derive(Clone, Debug)]
struct Term {
    negated: bool,
    column: Option<usize>,
    pattern: Regex,
}

impl Filter {
    /// Lets everything pass.
    pub const EVERYTHING: Self = Self {
        text: String::new(),
        columns: 0,
        terms: Vec::new(),
    };

    /// Parses what was typed, for a table with columns of these ids.
    ///
    /// # Errors
    /// A sentence for the prompt: an unknown column with the known ones, or what is wrong with the expression.
    pub fn parse(text: &str, columns: &[&str]) -> Result<Self, String> {
        let mut terms = Vec::new();
        for word in words(text) {
            terms.extend(term(&word, columns)?);
        }
        Ok(Self {
            text: text.to_owned(),
            columns: columns.len(),
            terms,
        })
    }

    /// True if it lets everything pass.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True if a row passes; `cell` gives the raw text of its nth column.
    pub fn matches<'a>(&self, cell: impl Fn(usize) -> Cow<'a, str>) -> bool {
        self.terms.iter().all(|term| {
            let found = match term.column {
                Some(column) => term.pattern.is_match(&cell(column)),
                None => (0..self.columns).any(|column| term.pattern.is_match(&cell(column))),
            };
            found != term.negated
        })
    }
}

/// Two filters are the same if the same was typed.
impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.columns == other.columns
    }
}

impl Eq for Filter {}

/// One typed word without its quotes.
struct Word {
    text: String,
    /// Where the quoted part begins, if there is one: from there on nothing is syntax.
    quoted: Option<usize>,
}

/// The words of a filter; an unfinished quote reaches to the end.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut inside = false;
    for c in text.chars() {
        if c.is_whitespace() && !inside {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_with(|| Word {
            text: String::new(),
            quoted: None,
        });
        if c == '"' {
            inside = !inside;
            word.quoted.get_or_insert(word.text.len());
        } else {
            word.text.push(c);
        }
    }
    words.extend(word);
    words
}

/// What a word means; `None` where it is not finished.
fn term(word: &Word, columns: &[&str]) -> Result<Option<Term>, String> {
    let syntax = word.quoted.unwrap_or(word.text.len());
    let (head, tail) = word.text.split_at_checked(syntax).unwrap_or((&word.text, ""));
    let (negated, head) = match head.strip_prefix('!') {
        Some(head) => (true, head),
        None => (false, head),
    };
    let (column, head) = column(head, columns)?;
    let (expression, head) = match head.strip_prefix("re:") {
        Some(head) => (true, head),
        None => (false, head),
    };
    let value = format!("{head}{tail}");
    if value.is_empty() {
        return Ok(None);
    }
    let pattern = if expression { value } else { regex::escape(&value) };
    Ok(Some(Term {
        negated,
        column,
        pattern: compile(&pattern)?,
    }))
}

/// The column that a word names, and the rest of the word.
fn column<'a>(word: &'a str, columns: &[&str]) -> Result<(Option<usize>, &'a str), String> {
    let Some((name, rest)) = word.split_once(':') else {
        return Ok((None, word));
    };
    // `re:` is no column, and neither is what stands before the colon of `10.0.0.1:5432` or `x::text`.
    let is_name =
        name.starts_with(|c: char| c.is_alphabetic()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if name == "re" || !is_name || rest.starts_with(':') {
        return Ok((None, word));
    }
    match named(name, columns) {
        Some(column) => Ok((Some(column), rest)),
        None => Err(format!(
            "No column \"{name}\": quote it to search for text. Columns: {}.",
            columns.join(", ")
        )),
    }
}

/// The column of that name, or the only one whose name begins so.
fn named(name: &str, columns: &[&str]) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    let whole = columns.iter().position(|column| *column == name);
    whole.or_else(|| {
        let mut begun = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.starts_with(&name));
        let first = begun.next().map(|(index, _)| index);
        first.filter(|_| begun.next().is_none())
    })
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "This regular expression is too large; use fewer repetitions.".to_owned()
            }
            error => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                format!("This regular expression is not valid: {reason}.")
            }
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: &[&str] = &["pid", "state", "query"];

    fn passes(filter: &str, row: [&'static str; 3]) -> bool {
        let filter = Filter::parse(filter, COLUMNS).unwrap();
        filter.matches(|column| Cow::Borrowed(row[column]))
    }

    #[test]
    fn words_columns_expressions_and_negation() {
        let row = [
            "812",
            "idle in transaction",
            "SELECT x::text FROM Größe -- a:b 10.0.0.1:5432",
        ];
        for (filter, expected) in [
            ("", true),
            ("select", true),
            ("GRÖSSE", false),
            ("größe", true),
            ("GRÖßE", true),
            ("select idle", true),
            ("select active", false),
            ("state:idle", true),
            ("STATE:IDLE", true),
            ("state:select", false),
            ("!state:idle", false),
            ("!active", true),
            ("pid:81", true),
            ("re:^812$", true),
            ("re:^81$", false),
            ("query:re:from\\s+gr", true),
            ("state:re:^idle$", false),
            ("!state:re:^idle$", true),
            ("re:(?-i)select", false),
            ("\"idle in\"", true),
            ("state:\"in tr", true),
            ("st:\"in tr", true),
            ("q:select", true),
            ("\"a:b\"", true),
            ("x::text", true),
            ("10.0.0.1:5432", true),
            ("state:", true),
            ("!", true),
            ("re:", true),
            ("a.b", false),
        ] {
            assert_eq!(passes(filter, row), expected, "{filter}");
        }
    }

    #[test]
    fn errors_are_sentences() {
        let error = |text| Filter::parse(text, COLUMNS).unwrap_err();
        assert_eq!(
            error("user:app"),
            "No column \"user\": quote it to search for text. Columns: pid, state, query."
        );
        assert_eq!(error("re:("), "This regular expression is not valid: unclosed group.");
        assert_eq!(
            error("re:(a{1000}){1000}"),
            "This regular expression is too large; use fewer repetitions."
        );
    }

    #[test]
    fn empty_means_everything() {
        assert!(Filter::default().is_empty());
        assert!(Filter::parse("  ", COLUMNS).unwrap().is_empty());
        assert!(!Filter::parse("x", COLUMNS).unwrap().is_empty());
        assert_eq!(Filter::parse(" x", COLUMNS).unwrap().text(), " x");
    }

    proptest! {
        #[test]
        fn no_input_panics_and_negation_is_the_reverse(word in "[^\\s\"!]{1,12}", text in ".{0,20}") {
            let _ = Filter::parse(&text, COLUMNS);
            if let (Ok(plain), Ok(negated)) = (Filter::parse(&word, COLUMNS), Filter::parse(&format!("!{word}"), COLUMNS))
                && !plain.is_empty()
            {
                let cell = |_| Cow::Borrowed(text.as_str());
                prop_assert_ne!(plain.matches(cell), negated.matches(cell));
            }
        }

        #[test]
        fn a_word_finds_itself(word in "[a-zA-Z0-9äöü().*+?]{1,12}") {
            let filter = Filter::parse(&word, COLUMNS).unwrap();
            let folded = word.to_uppercase();
            let around = format!("x{folded}y");
            prop_assert!(filter.matches(|_| Cow::Borrowed(around.as_str())));
        }
    }
}
