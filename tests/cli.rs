//! The command line as people see it: transcripts of everything that needs no server.
//! `TRYCMD=overwrite cargo test --test cli` writes them anew.

/// A home without any file, so that the machine's own configuration and passwords do not count.
const NO_HOME: &str = "/nonexistent";

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .env("HOME", NO_HOME)
        .env("XDG_CONFIG_HOME", NO_HOME)
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .expect("a variable's name")
        .case("tests/cli/*.trycmd");
}
