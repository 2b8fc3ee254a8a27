//! The blocking graph as numbers: who is blocked by whom, reduced to a forest. Knows nothing of sessions.
//!
//! `pg_blocking_pids` names everybody ahead in a queue, so `n` waiters for one thing have about n²/2 edges. A
//! blocker that is itself blocked by another blocker of the same waiter adds nothing: what is left are the
//! parents. Rings (deadlocks that PostgreSQL has not looked for yet) stay visible.
//!
//! Nodes are indices below the number of edge lists. [`tidy`] drops all others first, so indexing cannot fail.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};

/// Edges: `edges[v]` are the nodes in the way of `v`, sorted, each once, `v` itself not among them.
pub type Edges = Vec<Vec<usize>>;

/// Sorts edges, drops repetitions, self loops and what is no node.
pub fn tidy(edges: &mut Edges) {
    let count = edges.len();
    for (node, blockers) in edges.iter_mut().enumerate() {
        blockers.retain(|&blocker| blocker != node && blocker < count);
        blockers.sort_unstable();
        blockers.dedup();
    }
}

/// The parents: blockers that are not blocked by another blocker of the same node; all of them if they block
/// each other in a ring. Needs [`tidy`] edges.
#[must_use]
pub fn reduce(edges: &Edges) -> Edges {
    let sets = Sets::of(edges);
    (edges.iter().enumerate())
        .map(|(node, blockers)| {
            // In one queue the same holder blocks all others, so the last witness almost always answers at once.
            let mut witness = None;
            let parents: Vec<usize> = (blockers.iter().copied())
                .filter(|&blocker| {
                    if !witness.is_some_and(|known| sets.has(blocker, known)) {
                        let found = sets.common(node, blocker);
                        if found.is_none() {
                            return true;
                        }
                        witness = found;
                    }
                    false
                })
                .collect();
            if parents.is_empty() { blockers.clone() } else { parents }
        })
        .collect()
}

/// One bit per edge.
struct Sets {
    words: usize,
    bits: Vec<u64>,
}

impl Sets {
    fn of(edges: &Edges) -> Self {
        let words = edges.len().div_ceil(64);
        let mut bits = vec![0; words * edges.len()];
        for (row, blockers) in bits.chunks_mut(words.max(1)).zip(edges) {
            for &blocker in blockers {
                if let Some(word) = row.get_mut(blocker / 64) {
                    *word |= 1 << (blocker % 64);
                }
            }
        }
        Self { words, bits }
    }

    fn row(&self, node: usize) -> &[u64] {
        self.bits
            .get(node * self.words..(node + 1) * self.words)
            .unwrap_or_default()
    }

    fn has(&self, node: usize, blocker: usize) -> bool {
        self.row(node)
            .get(blocker / 64)
            .is_some_and(|word| word >> (blocker % 64) & 1 == 1)
    }

    /// A node in the way of both.
    fn common(&self, one: usize, other: usize) -> Option<usize> {
        let mut pairs = self.row(one).iter().zip(self.row(other)).enumerate();
        pairs.find_map(|(index, (a, b))| {
            let both = a & b;
            (both != 0).then(|| index * 64 + both.trailing_zeros() as usize)
        })
    }
}

/// Strongly connected components, those in the way first; a component of more than one node is a ring.
#[must_use]
pub fn components(edges: &Edges) -> Vec<Vec<usize>> {
    Tarjan::run(edges)
}

/// Tarjan's algorithm with its own stack: a queue of thousands must not overflow the thread's.
struct Tarjan<'a> {
    edges: &'a Edges,
    order: Vec<Option<usize>>,
    low: Vec<usize>,
    waiting: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    found: Vec<Vec<usize>>,
}

impl<'a> Tarjan<'a> {
    fn run(edges: &'a Edges) -> Vec<Vec<usize>> {
        let count = edges.len();
        let mut this = Self {
            edges,
            order: vec![None; count],
            low: vec![0; count],
            waiting: vec![false; count],
            stack: Vec::new(),
            next: 0,
            found: Vec::new(),
        };
        for node in 0..count {
            if this.order[node].is_none() {
                this.visit(node);
            }
        }
        this.found
    }

    fn enter(&mut self, node: usize) {
        self.order[node] = Some(self.next);
        self.low[node] = self.next;
        self.waiting[node] = true;
        self.next += 1;
        self.stack.push(node);
    }

    fn visit(&mut self, start: usize) {
        let edges = self.edges;
        self.enter(start);
        let mut path = vec![(start, edges[start].iter())];
        while let Some((node, rest)) = path.last_mut() {
            let node = *node;
            if let Some(&blocker) = rest.next() {
                match self.order[blocker] {
                    None => {
                        self.enter(blocker);
                        path.push((blocker, edges[blocker].iter()));
                    }
                    Some(order) if self.waiting[blocker] => self.low[node] = self.low[node].min(order),
                    Some(_) => {}
                }
            } else {
                path.pop();
                if let Some((above, _)) = path.last() {
                    self.low[*above] = self.low[*above].min(self.low[node]);
                }
                if Some(self.low[node]) == self.order[node] {
                    self.close(node);
                }
            }
        }
    }

    fn close(&mut self, head: usize) {
        let mut component = Vec::new();
        while let Some(node) = self.stack.pop() {
            self.waiting[node] = false;
            component.push(node);
            if node == head {
                break;
            }
        }
        component.sort_unstable();
        self.found.push(component);
    }
}

/// The forest over tidy parents: the one parent each node is shown under. `rank` is a total order of the nodes: of
/// several parents, and of the members of a ring, the lowest comes first.
#[must_use]
pub fn tree(parents: &Edges, rank: &[usize]) -> Vec<Option<usize>> {
    let mut builder = Builder {
        parents,
        rank,
        parent: vec![None; parents.len()],
    };
    for component in &components(parents) {
        if let [node] = component.as_slice() {
            builder.parent[*node] = best(rank, parents[*node].iter().copied());
        } else {
            builder.place_ring(component);
        }
    }
    builder.parent
}

fn best(rank: &[usize], nodes: impl Iterator<Item = usize>) -> Option<usize> {
    nodes.min_by_key(|&node| (rank.get(node).copied().unwrap_or(usize::MAX), node))
}

struct Builder<'a> {
    parents: &'a Edges,
    rank: &'a [usize],
    parent: Vec<Option<usize>>,
}

impl Builder<'_> {
    /// A ring hangs where its members wait for somebody outside; if nowhere, its best member is a root.
    fn place_ring(&mut self, ring: &[usize]) {
        let outside = |node: usize| {
            let foreign = |parent: &usize| ring.binary_search(parent).is_err();
            best(self.rank, self.parents[node].iter().copied().filter(foreign))
        };
        let mut entries: Vec<(usize, Option<usize>)> = (ring.iter().map(|&node| (node, outside(node))))
            .filter(|(_, parent)| parent.is_some())
            .collect();
        if entries.is_empty() {
            entries.extend(best(self.rank, ring.iter().copied()).map(|head| (head, None)));
        }
        entries.sort_by_key(|&(node, _)| (self.rank.get(node).copied(), node));
        let mut left: BTreeSet<usize> = ring.iter().copied().collect();
        let mut queue = VecDeque::new();
        for (node, parent) in entries {
            self.parent[node] = parent;
            left.remove(&node);
            queue.push_back(node);
        }
        while let Some(blocker) = queue.pop_front() {
            let (next, rest) = (left.iter()).partition(|&&node| self.parents[node].binary_search(&blocker).is_ok());
            left = rest;
            let next: BTreeSet<usize> = next;
            for node in next {
                self.parent[node] = Some(blocker);
                queue.push_back(node);
            }
        }
    }
}

/// How many others wait only because of each node, directly or through others. `edges` are all of them: a blocker
/// that [`reduce`] drops may wait for somebody else besides. `rank` is the one of [`tree`].
///
/// A ring waits for itself, whatever it waits for besides, so nobody outside frees it or who waits behind it; its
/// best member frees the others.
#[must_use]
pub fn frees(edges: &Edges, rank: &[usize]) -> Vec<usize> {
    let components = components(edges);
    let mut keys = Keys::new(edges.len());
    for component in &components {
        if let [node] = component.as_slice() {
            keys.place(*node, &edges[*node]);
        } else {
            let head = best(rank, component.iter().copied());
            for &node in component {
                keys.set(node, head.filter(|&head| head != node));
            }
        }
    }
    keys.below(&components)
}

/// The nearest node without which a node would not wait (in terms of graphs: its immediate dominator).
struct Keys {
    key: Vec<Option<usize>>,
    depth: Vec<usize>,
}

impl Keys {
    fn new(count: usize) -> Self {
        Self {
            key: vec![None; count],
            depth: vec![0; count],
        }
    }

    fn place(&mut self, node: usize, causes: &[usize]) {
        let mut rest = causes.iter().copied();
        let first = rest.next();
        let key = first.and_then(|first| rest.try_fold(first, |key, cause| self.common(key, cause)));
        self.set(node, key);
    }

    fn set(&mut self, node: usize, key: Option<usize>) {
        self.key[node] = key;
        // The head of a ring has depth 0, whether it is set before the others or after them.
        self.depth[node] = key.map_or(0, |key| self.depth[key] + 1);
    }

    /// The nearest node that both hang on.
    fn common(&self, mut one: usize, mut other: usize) -> Option<usize> {
        while one != other {
            if self.depth[one] >= self.depth[other] {
                one = self.key[one]?;
            } else {
                other = self.key[other]?;
            }
        }
        Some(one)
    }

    /// How many hang on each node. Components come with those in the way first, so backwards every node is complete
    /// before its key; in a ring the head is the key of the others and has to come last.
    fn below(&self, components: &[Vec<usize>]) -> Vec<usize> {
        let mut below = vec![0; self.key.len()];
        for component in components.iter().rev() {
            let mut nodes = component.clone();
            nodes.sort_by_key(|&node| Reverse(self.depth[node]));
            for node in nodes {
                if let Some(key) = self.key[node] {
                    below[key] += below[node] + 1;
                }
            }
        }
        below
    }
}

/// How many have each node among their edges.
#[must_use]
pub fn direct(edges: &Edges) -> Vec<usize> {
    let mut direct = vec![0; edges.len()];
    for &blocker in edges.iter().flatten() {
        direct[blocker] += 1;
    }
    direct
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Tree {
        parent: Vec<Option<usize>>,
        frees: Vec<usize>,
        direct: Vec<usize>,
    }

    fn solve(mut edges: Edges) -> (Edges, Tree) {
        tidy(&mut edges);
        let rank: Vec<usize> = (0..edges.len()).collect();
        let parents = reduce(&edges);
        let tree = Tree {
            parent: tree(&parents, &rank),
            frees: frees(&edges, &rank),
            direct: direct(&parents),
        };
        (parents, tree)
    }

    fn queue(count: usize) -> Edges {
        (0..count).map(|node| (0..node).collect()).collect()
    }

    #[test]
    fn one_queue_becomes_one_level() {
        let (parents, tree) = solve(queue(50));
        assert_eq!(parents[1], [0]);
        assert_eq!(parents[49], [0]);
        assert_eq!(tree.frees[0], 49);
        assert!(tree.parent.iter().skip(1).all(|parent| *parent == Some(0)));
    }

    #[test]
    fn readers_behind_a_queued_exclusive_lock_hang_under_it() {
        // 0 holds, 1 waits to exclude it, 2 and 3 wait behind 1 and do not conflict with 0.
        let (_, tree) = solve(vec![vec![], vec![0], vec![1], vec![1]]);
        assert_eq!(tree.parent, [None, Some(0), Some(1), Some(1)]);
        assert_eq!(tree.frees, [3, 2, 0, 0]);
    }

    #[test]
    fn who_waits_for_two_is_shown_once_and_freed_by_neither() {
        let (_, tree) = solve(vec![vec![], vec![], vec![0, 1], vec![2]]);
        assert_eq!(tree.parent, [None, None, Some(0), Some(2)]);
        assert_eq!(tree.frees, [0, 0, 1, 0]);
        assert_eq!(tree.direct, [1, 1, 1, 0]);
    }

    #[test]
    fn two_ways_to_the_same_root_are_freed_by_it() {
        let (_, tree) = solve(vec![vec![], vec![0], vec![0], vec![1, 2]]);
        assert_eq!(tree.frees[0], 3);
        assert_eq!(tree.frees[1], 0);
    }

    #[test]
    fn a_ring_has_a_head_and_is_not_freed_from_outside() {
        let (_, tree) = solve(vec![vec![1], vec![2], vec![0], vec![0]]);
        assert_eq!(tree.parent, [None, Some(2), Some(0), Some(0)]);
        assert_eq!(tree.frees[0], 3);
        // 3 blocks 0, which is in a ring with 1.
        let (_, tree) = solve(vec![vec![1, 3], vec![0], vec![], vec![]]);
        assert_eq!(tree.parent[0], Some(3));
        assert_eq!(tree.frees[3], 0);
    }

    #[test]
    fn a_ring_that_the_reduction_hides_is_not_freed_either() {
        // 0 blocks both members of the ring 1, 2, so that their edges to each other are dropped; 3 waits for 1.
        let (parents, tree) = solve(vec![vec![], vec![0, 2], vec![0, 1], vec![1]]);
        assert_eq!(parents[1..3], [vec![0], vec![0]]);
        // Nor is who waits for the ring and for 0.
        assert_eq!(tree.frees, [0, 2, 0, 0]);
    }

    #[test]
    fn a_dropped_blocker_that_waits_for_another_root_counts() {
        // 3 waits for 0 and 2; 2 waits for 0 and 1, so 3 hangs under 0 and is freed by neither root.
        let (parents, tree) = solve(vec![vec![], vec![], vec![0, 1], vec![0, 2]]);
        assert_eq!(parents[3], [0]);
        assert_eq!(tree.frees, [0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn any_graph_gives_a_forest(edges in prop::collection::vec(prop::collection::vec(0usize..24, 0..8), 0..24)) {
            let mut tidied = edges.clone();
            tidy(&mut tidied);
            let (parents, tree) = solve(edges.clone());
            prop_assert_eq!(&(parents.clone(), tree.clone()), &solve(edges));
            let waiters = tidied.iter().filter(|blockers| !blockers.is_empty()).count();
            for node in 0..tidied.len() {
                // Parents are blockers, and whoever is blocked has at least one.
                prop_assert!(parents[node].iter().all(|parent| tidied[node].contains(parent)));
                prop_assert_eq!(parents[node].is_empty(), tidied[node].is_empty());
                prop_assert!(tree.frees[node] <= waiters);
                // Upwards it ends at a root, and only who is in a ring may be a root with blockers.
                let mut above = tree.parent[node];
                let mut steps = 0;
                while let Some(parent) = above {
                    prop_assert!(steps < tidied.len());
                    steps += 1;
                    above = tree.parent[parent];
                }
                if let Some(parent) = tree.parent[node] {
                    prop_assert!(tidied[node].contains(&parent));
                } else if !tidied[node].is_empty() {
                    prop_assert!(components(&tidied).iter().any(|ring| ring.len() > 1 && ring.contains(&node)));
                }
            }
        }

        #[test]
        fn without_rings_frees_is_who_becomes_unblocked(
            edges in prop::collection::vec(prop::collection::vec(0usize..16, 0..4), 0..16)
        ) {
            let mut edges: Edges = edges.into_iter().enumerate()
                .map(|(node, blockers)| blockers.into_iter().filter(|blocker| *blocker < node).collect())
                .collect();
            tidy(&mut edges);
            let rank: Vec<usize> = (0..edges.len()).collect();
            let frees = frees(&edges, &rank);
            let roots: Vec<usize> = (0..edges.len()).filter(|node| edges[*node].is_empty()).collect();
            for &root in &roots {
                // Independent truth: who cannot be reached from any other root.
                let reached = |from: &[usize]| {
                    let mut seen = vec![false; edges.len()];
                    for node in 0..edges.len() {
                        seen[node] = from.contains(&node) || edges[node].iter().any(|blocker| seen[*blocker]);
                    }
                    seen
                };
                let others: Vec<usize> = roots.iter().copied().filter(|other| *other != root).collect();
                let (mine, theirs) = (reached(&[root]), reached(&others));
                let expected = (0..edges.len()).filter(|n| *n != root && mine[*n] && !theirs[*n]).count();
                prop_assert_eq!(frees[root], expected);
            }
        }
    }
}
