//! The blocking graph as numbers: who is blocked by whom, reduced to a forest. Knows nothing of sessions.
//!
//! `pg_blocking_pids` names everybody ahead in a queue, so `n` waiters for one thing have about n²/2 edges. A
//! blocker that is itself blocked by another blocker of the same waiter adds nothing: what is left are the
//! parents. Rings (deadlocks that PostgreSQL has not looked for yet) stay visible.
//!
//! Nodes are indices below the number of edge lists. [`tidy`] drops all others first, so indexing cannot fail.

use std::collections::VecDeque;

/// Edges: `edges[v]` are the nodes in the way of `v`, sorted, each once, `v` itself not among them.
pub type Edges = Vec<Vec<usize>>;

/// A forest over the nodes: every node once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The one parent a node is shown under; `None` for a root.
    pub parent: Vec<Option<usize>>,
    /// How many others wait only because of this one, directly or through others.
    pub frees: Vec<usize>,
    /// How many have it among their edges.
    pub direct: Vec<usize>,
}

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

/// The forest over tidy parents. `rank` is a total order of the nodes: of several parents, and of the members of
/// a ring, the lowest comes first.
#[must_use]
pub fn tree(parents: &Edges, rank: &[usize]) -> Tree {
    let mut builder = Builder::new(parents, rank);
    let components = components(parents);
    for component in &components {
        if let [node] = component.as_slice() {
            builder.place(*node);
        } else {
            builder.place_ring(component);
        }
    }
    builder.finish(&components)
}

struct Builder<'a> {
    parents: &'a Edges,
    rank: &'a [usize],
    parent: Vec<Option<usize>>,
    /// The nearest node without which this one would not wait.
    key: Vec<Option<usize>>,
    depth: Vec<usize>,
}

impl<'a> Builder<'a> {
    fn new(parents: &'a Edges, rank: &'a [usize]) -> Self {
        let count = parents.len();
        Self {
            parents,
            rank,
            parent: vec![None; count],
            key: vec![None; count],
            depth: vec![0; count],
        }
    }

    fn best(&self, nodes: impl Iterator<Item = usize>) -> Option<usize> {
        nodes.min_by_key(|&node| (self.rank.get(node).copied().unwrap_or(usize::MAX), node))
    }

    fn place(&mut self, node: usize) {
        let parents = &self.parents[node];
        self.parent[node] = self.best(parents.iter().copied());
        let mut rest = parents.iter().copied();
        let key = rest
            .next()
            .and_then(|first| rest.try_fold(first, |key, parent| self.common_key(key, parent)));
        self.set_key(node, key);
    }

    /// A ring waits for itself, whatever it waits for besides: nobody outside can free it.
    fn place_ring(&mut self, ring: &[usize]) {
        let outside = |node: usize| {
            let own = move |parent: &usize| ring.binary_search(parent).is_err();
            self.parents[node].iter().copied().filter(move |parent| own(parent))
        };
        let mut entries: Vec<(usize, Option<usize>)> = (ring.iter())
            .map(|&node| (node, self.best(outside(node))))
            .filter(|(_, parent)| parent.is_some())
            .collect();
        if entries.is_empty() {
            entries.extend(self.best(ring.iter().copied()).map(|head| (head, None)));
        }
        entries.sort_by_key(|&(node, _)| (self.rank.get(node).copied(), node));
        let head = entries.first().map(|&(node, _)| node);
        let mut seen: Vec<bool> = vec![false; ring.len()];
        let at = |node: usize| ring.binary_search(&node).unwrap_or_default();
        let mut queue: VecDeque<usize> = VecDeque::new();
        for (node, parent) in entries {
            seen[at(node)] = true;
            self.parent[node] = parent;
            queue.push_back(node);
        }
        while let Some(blocker) = queue.pop_front() {
            for &node in ring {
                if !seen[at(node)] && self.parents[node].binary_search(&blocker).is_ok() {
                    seen[at(node)] = true;
                    self.parent[node] = Some(blocker);
                    queue.push_back(node);
                }
            }
        }
        for &node in ring {
            self.set_key(node, head.filter(|&head| head != node));
        }
        if let Some(head) = head {
            self.set_key(head, None);
        }
        for &node in ring {
            self.depth[node] = usize::from(Some(node) != head);
        }
    }

    fn set_key(&mut self, node: usize, key: Option<usize>) {
        self.key[node] = key;
        self.depth[node] = key.map_or(0, |key| self.depth[key] + 1);
    }

    /// The nearest node that both hang on.
    fn common_key(&self, mut one: usize, mut other: usize) -> Option<usize> {
        while one != other {
            if self.depth[one] >= self.depth[other] {
                one = self.key[one]?;
            } else {
                other = self.key[other]?;
            }
        }
        Some(one)
    }

    fn finish(self, components: &[Vec<usize>]) -> Tree {
        let count = self.parents.len();
        let mut frees = vec![0; count];
        // Components come with those in the way first, so backwards every node is complete before its key; in a
        // ring the head is the key of the others and has to come last.
        for component in components.iter().rev() {
            let mut nodes = component.clone();
            nodes.sort_by_key(|&node| std::cmp::Reverse(self.depth[node]));
            for node in nodes {
                if let Some(key) = self.key[node] {
                    frees[key] += frees[node] + 1;
                }
            }
        }
        let mut direct = vec![0; count];
        for &parent in self.parents.iter().flatten() {
            direct[parent] += 1;
        }
        Tree {
            parent: self.parent,
            frees,
            direct,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn solve(mut edges: Edges) -> (Edges, Tree) {
        tidy(&mut edges);
        let rank: Vec<usize> = (0..edges.len()).collect();
        let parents = reduce(&edges);
        let tree = tree(&parents, &rank);
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
            let tree = tree(&edges, &rank);
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
                prop_assert_eq!(tree.frees[root], expected);
            }
        }
    }
}
