//! A remedy is run as a person would run it.

use pgmon_lab::Client;

/// Runs the statements of a line one after the other, as psql does.
pub async fn paste(client: &Client, text: &str) {
    let code = text.split_once("; -- ").map_or(text, |(code, _)| code);
    for statement in code.split("; ") {
        client
            .simple(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}
