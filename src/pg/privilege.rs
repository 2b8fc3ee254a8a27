//! Can this role write? A monitoring role should not be able to: what a program cannot do it cannot do by mistake.

/// An identifier as SQL wants it: quoted unless it is plain.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// What lets a role see everything and change nothing.
#[must_use]
pub fn grant_monitor(role: &str) -> String {
    format!("GRANT pg_monitor TO {}", quote_ident(role))
}
