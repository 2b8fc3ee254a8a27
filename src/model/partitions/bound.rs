//! The text of a partition's bound, as `pg_get_expr` writes it, taken apart.
//!
//! ```text
//! DEFAULT
//! FOR VALUES FROM ('2024-01-01', MINVALUE) TO ('2024-02-01', MINVALUE)
//! FOR VALUES IN ('a', 'b''c', NULL)
//! FOR VALUES WITH (modulus 4, remainder 0)
//! ```

/// A bound, its values as texts without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// What no other partition takes.
    Default,
    /// From the first, to right before the second.
    Range(Vec<Text>, Vec<Text>),
    /// These values; `None` is NULL.
    List(Vec<Option<String>>),
    /// The keys whose hash leaves this remainder.
    Hash {
        /// Divided by this.
        modulus: i64,
        /// What is left.
        remainder: i64,
    },
}

/// One column of an end of a range.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Text {
    /// `MINVALUE`.
    Min,
    /// A value.
    Value(String),
    /// `MAXVALUE`.
    Max,
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A word or a number, as written.
    Bare(String),
    /// A quoted text, without its quotes.
    Quoted(String),
    Open,
    Close,
    Comma,
}

/// Takes the text apart; `None` for what is no bound.
#[must_use]
pub fn parse(text: &str) -> Option<Bound> {
    let mut tokens = tokens(text)?.into_iter();
    let bound = match word(&mut tokens)?.as_str() {
        "DEFAULT" => Bound::Default,
        "FOR" if word(&mut tokens)? == "VALUES" => values(&mut tokens)?,
        _ => return None,
    };
    tokens.next().is_none().then_some(bound)
}

fn values(tokens: &mut impl Iterator<Item = Token>) -> Option<Bound> {
    match word(tokens)?.as_str() {
        "FROM" => {
            let from = list(tokens)?;
            let to = (word(tokens)? == "TO").then(|| list(tokens))??;
            let edges = |tokens: Vec<Token>| tokens.into_iter().map(edge).collect();
            (from.len() == to.len()).then(|| Bound::Range(edges(from), edges(to)))
        }
        "IN" => Some(Bound::List(list(tokens)?.into_iter().map(value).collect())),
        "WITH" => hash(tokens),
        _ => None,
    }
}

fn hash(tokens: &mut impl Iterator<Item = Token>) -> Option<Bound> {
    let opened = tokens.next()? == Token::Open && word(tokens)? == "modulus";
    let modulus = opened.then(|| word(tokens))??.parse().ok()?;
    let comma = tokens.next()? == Token::Comma && word(tokens)? == "remainder";
    let remainder = comma.then(|| word(tokens))??.parse().ok()?;
    (tokens.next()? == Token::Close).then_some(Bound::Hash { modulus, remainder })
}

/// `(`, items with commas between them, `)`.
fn list(tokens: &mut impl Iterator<Item = Token>) -> Option<Vec<Token>> {
    let mut items = Vec::new();
    let mut before = tokens.next()?;
    if before != Token::Open {
        return None;
    }
    while before != Token::Close {
        items.push(tokens.next().filter(Token::is_value)?);
        before = tokens.next()?;
        if !matches!(before, Token::Close | Token::Comma) {
            return None;
        }
    }
    Some(items)
}

impl Token {
    fn is_value(&self) -> bool {
        matches!(self, Self::Bare(_) | Self::Quoted(_))
    }

    fn text(self) -> String {
        match self {
            Self::Bare(text) | Self::Quoted(text) => text,
            Self::Open | Self::Close | Self::Comma => String::new(),
        }
    }
}

fn edge(token: Token) -> Text {
    match token {
        Token::Bare(word) if word == "MINVALUE" => Text::Min,
        Token::Bare(word) if word == "MAXVALUE" => Text::Max,
        token => Text::Value(token.text()),
    }
}

fn value(token: Token) -> Option<String> {
    match token {
        Token::Bare(word) if word == "NULL" => None,
        token => Some(token.text()),
    }
}

fn word(tokens: &mut impl Iterator<Item = Token>) -> Option<String> {
    match tokens.next()? {
        Token::Bare(word) => Some(word),
        _ => None,
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut chars = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            c if c.is_ascii_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '\'' => quoted(&mut chars)?,
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !c.is_ascii_whitespace() && !"(),'".contains(*c)) {
                    word.push(c);
                }
                Token::Bare(word)
            }
        });
    }
    Some(tokens)
}

/// The rest of a quoted text; `None` if it does not end. The server writes backslashes as they are.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '\'' if chars.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => return Some(Token::Quoted(text)),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn values(texts: &[&str]) -> Vec<Text> {
        texts
            .iter()
            .map(|text| match *text {
                "<" => Text::Min,
                ">" => Text::Max,
                text => Text::Value(text.to_owned()),
            })
            .collect()
    }

    #[rstest]
    #[case("FROM ('2024-01-01') TO ('2024-02-01')", &["2024-01-01"], &["2024-02-01"])]
    #[case("FROM ('2023-12-31 23:00:00+00') TO ('infinity')", &["2023-12-31 23:00:00+00"], &["infinity"])]
    #[case("FROM (1, 'it''s, (x)') TO (10, MINVALUE)", &["1", "it's, (x)"], &["10", "<"])]
    #[case("FROM (MINVALUE, MINVALUE) TO (10, MAXVALUE)", &["<", "<"], &["10", ">"])]
    #[case("FROM ('-10.50') TO (-3)", &["-10.50"], &["-3"])]
    #[case("FROM ('MAXVALUE') TO ('a\\b''c')", &["MAXVALUE"], &["a\\b'c"])]
    fn ranges(#[case] text: &str, #[case] from: &[&str], #[case] to: &[&str]) {
        let bound = parse(&format!("FOR VALUES {text}"));
        assert_eq!(bound, Some(Bound::Range(values(from), values(to))));
    }

    #[test]
    fn lists_hashes_and_the_default() {
        let text = |text: &str| Some(text.to_owned());
        let list = parse("FOR VALUES IN ('a', 'b''c', NULL, 'NULL', true, -3)");
        let expected = vec![text("a"), text("b'c"), None, text("NULL"), text("true"), text("-3")];
        assert_eq!(list, Some(Bound::List(expected)));
        let hash = Bound::Hash {
            modulus: 4,
            remainder: 3,
        };
        assert_eq!(parse("FOR VALUES WITH (modulus 4, remainder 3)"), Some(hash));
        assert_eq!(parse("DEFAULT"), Some(Bound::Default));
    }

    #[rstest]
    #[case("")]
    #[case("DEFAULT x")]
    #[case("FOR VALUES")]
    #[case("FOR VALUES FROM (1)")]
    #[case("FOR VALUES FROM (1) TO (1, 2)")]
    #[case("FOR VALUES FROM (1) TO ('x")]
    #[case("FOR VALUES FROM (1 2) TO (3)")]
    #[case("FOR VALUES FROM () TO ()")]
    #[case("FOR VALUES IN ('a'")]
    #[case("FOR VALUES WITH (modulus 4, remainder x)")]
    #[case("FOR VALUES WITH (modulus 4)")]
    #[case("CHECK (a > 1)")]
    fn what_is_no_bound(#[case] text: &str) {
        assert_eq!(parse(text), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(FOR VALUES (FROM|IN|WITH) )?[(),'E\\\\A-Z0-9 \\PC]*") {
            let _ = parse(&text);
        }

        #[test]
        fn values_come_back_as_they_were(texts in prop::collection::vec(".*", 1..5)) {
            let quote = |text: &String| format!("'{}'", text.replace('\'', "''"));
            let all = texts.iter().map(quote).collect::<Vec<_>>().join(", ");
            let list = texts.iter().cloned().map(Some).collect();
            prop_assert_eq!(parse(&format!("FOR VALUES IN ({all})")), Some(Bound::List(list)));
            let edges: Vec<Text> = texts.iter().cloned().map(Text::Value).collect();
            let range = parse(&format!("FOR VALUES FROM ({all}) TO ({all})"));
            prop_assert_eq!(range, Some(Bound::Range(edges.clone(), edges)));
        }
    }
}
