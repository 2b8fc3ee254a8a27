//! `--print-sql`: every statement this program can send, with its file and its reason, for a security review.

use std::fmt::Write;

use crate::config::Settings;
use crate::pg::{INTRODUCTION, session};
use crate::probe::{PROBES, Spec};

/// All statements: those of the introduction of a connection, those of the probes, and what a session sends besides.
#[must_use]
pub fn text(settings: &Settings) -> String {
    let mut text = String::new();
    let specs = INTRODUCTION
        .iter()
        .copied()
        .chain(PROBES.iter().map(|entry| entry.spec));
    for spec in specs {
        describe(&mut text, spec);
    }
    for (what, sql) in session::besides(settings) {
        // Writing to a String cannot fail.
        let _ = write!(text, "-- {what}\n{sql};\n\n");
    }
    text
}

fn describe(text: &mut String, spec: &Spec) {
    for variant in spec.variants {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "-- {}: {}\n-- {} (version {}, {})\n-- {}\n{};\n\n",
            spec.id,
            spec.title,
            variant.file,
            variant.serves(),
            spec.tier.name(),
            spec.why,
            variant.sql.trim_end()
        );
    }
}
