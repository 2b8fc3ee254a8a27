//! Which rows are shown, in which order.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Column, Key, Order, Record};
use crate::ui::filter::Filter;

/// Indices of the rows that pass the filter, in the order shown. The sort is stable; rows without a value come
/// last in either direction; rows with a depth stay below the row they belong to.
pub(super) fn shown<R: Record>(rows: &[R], sort: Option<(&Column<R>, Order)>, filter: &Filter) -> Vec<usize> {
    let kept = kept(rows, filter);
    let indices = (0..rows.len())
        .zip(kept)
        .filter_map(|(index, keep)| keep.then_some(index));
    let Some((column, order)) = sort else {
        return indices.collect();
    };
    let mut groups: Vec<(Key<'_>, Vec<usize>)> = Vec::new();
    for (index, row) in indices.filter_map(|index| Some((index, rows.get(index)?))) {
        match groups.last_mut() {
            Some((_, members)) if row.depth() > 0 => members.push(index),
            _ => groups.push(((column.key)(row), vec![index])),
        }
    }
    groups.sort_by(|(a, _), (b, _)| compare(a, b, order));
    groups.into_iter().flat_map(|(_, members)| members).collect()
}

/// For each row whether it is shown: it passes the filter, or something below it does, or it is a line of such a row.
fn kept<R: Record>(rows: &[R], filter: &Filter) -> Vec<bool> {
    if filter.is_empty() {
        return vec![true; rows.len()];
    }
    let mut kept = vec![false; rows.len()];
    let mut above: Vec<(u16, usize)> = Vec::new();
    let mut owner = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        if !row.selectable() {
            owner.push(owner.last().copied().unwrap_or(index));
            continue;
        }
        owner.push(index);
        while above.last().is_some_and(|(depth, _)| *depth >= row.depth()) {
            above.pop();
        }
        above.push((row.depth(), index));
        if passes(row, filter) {
            for (_, index) in &above {
                keep(&mut kept, *index);
            }
        }
    }
    owner
        .into_iter()
        .map(|owner| kept.get(owner).copied().unwrap_or(false))
        .collect()
}

fn keep(kept: &mut [bool], index: usize) {
    if let Some(kept) = kept.get_mut(index) {
        *kept = true;
    }
}

fn passes<R: Record>(row: &R, filter: &Filter) -> bool {
    filter.matches(|index| match row.whole() {
        Some(whole) if index == R::prefix_column() => whole.text,
        Some(_) => Cow::Borrowed(""),
        None => R::columns()
            .get(index)
            .map_or(Cow::Borrowed(""), |column| (column.cell)(row).text),
    })
}

fn compare(a: &Key<'_>, b: &Key<'_>, order: Order) -> Ordering {
    let directed = |ordering: Ordering| match order {
        Order::Ascending => ordering,
        Order::Descending => ordering.reverse(),
    };
    match (a, b) {
        _ if is_none(a) || is_none(b) => is_none(a).cmp(&is_none(b)),
        (Key::Number(a), Key::Number(b)) => directed(a.total_cmp(b)),
        (Key::Text(a), Key::Text(b)) => directed(a.cmp(b)),
        (Key::Number(_), _) => directed(Ordering::Less),
        _ => directed(Ordering::Greater),
    }
}

/// No value; what is no number is none either.
fn is_none(key: &Key<'_>) -> bool {
    match key {
        Key::None => true,
        Key::Number(number) => number.is_nan(),
        Key::Text(_) => false,
    }
}
