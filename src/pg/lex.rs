//! Where a piece of an SQL text ends, for everybody who reads one.

/// Behind the block comment that begins at `at`, which may hold others; the end of the text if it has none.
#[must_use]
pub fn block_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth = depth.saturating_sub(1),
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/**/x", 4)]
    #[case("/* a /* b */ c */ d", 17)]
    #[case("/* a /* b */ c", 14)]
    #[case("/*/ */", 6)]
    #[case("/*", 2)]
    fn ends_where_the_server_ends_it(#[case] text: &str, #[case] end: usize) {
        assert_eq!(block_comment(text.as_bytes(), 0), end);
    }
}
