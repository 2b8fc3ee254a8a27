//! "Did you mean": the known word that looks most like a mistyped one.

/// The nearest of the known words, if one is near enough to be meant: a third of its letters may differ.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance * 3 <= candidate.chars().count().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters inserted, removed, replaced or swapped with their neighbour to make one word of the other (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, letter) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&row, j) + usize::from(letter != *other);
            let swapped = match j.checked_sub(1) {
                Some(before) if b.get(before) == Some(&letter) && previous == Some(*other) => at(&above, before) + 1,
                _ => usize::MAX,
            };
            let least = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1).min(swapped);
            next.push(least);
        }
        above = std::mem::replace(&mut row, next);
        previous = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sslmod", Some("sslmode"))]
    #[case("SSLMODE", None)]
    #[case("usr", Some("user"))]
    #[case("pasword", Some("password"))]
    #[case("database", None)]
    #[case("", None)]
    fn finds_what_was_meant(#[case] word: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(word, ["sslmode", "user", "password", "dbname"]), meant);
    }

    #[rstest]
    #[case("kitten", "sitting", 3)]
    #[case("", "abc", 3)]
    #[case("äb", "ab", 1)]
    #[case("hots", "host", 1)]
    #[case("abcd", "badc", 2)]
    fn counts_letters(#[case] a: &str, #[case] b: &str, #[case] expected: usize) {
        assert_eq!(distance(a, b), expected);
    }

    proptest! {
        #[test]
        fn is_symmetric_and_zero_for_the_same_word_only(a in "[a-c]{0,6}", b in "[a-c]{0,6}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
            prop_assert!(distance(&a, &b) <= a.len().max(b.len()));
        }
    }
}
