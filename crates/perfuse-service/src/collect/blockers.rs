//! Who waits for whom: from the pairs that a database tells to those at the roots, who wait for nobody.

use std::collections::{BTreeMap, BTreeSet};

/// A session that waits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiter {
    /// Its number.
    pub(super) id: u64,
    /// Those that it waits for.
    pub(super) by: Vec<u64>,
    /// Seconds for which it waits.
    pub(super) seconds: f64,
}

/// A session that others wait for, and that does not wait itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Root {
    /// Its number; 0 for what is no session, such as a prepared transaction.
    pub(super) id: u64,
    /// Those that wait for it, directly or behind others.
    pub(super) waiting: u64,
    /// Seconds that the longest of them waits.
    pub(super) longest: f64,
    /// The one that waits longest for it directly, or else behind others.
    pub(super) first: u64,
    /// Some of those that wait, the longest wait first.
    pub(super) who: Vec<u64>,
}

/// Those that wait who are named, at most.
const NAMED: usize = 3;

/// The roots, those with the most waiters first. Those that wait for each other in a circle have the lowest of them as root.
pub(super) fn roots(waiters: &[Waiter]) -> Vec<Root> {
    let by: BTreeMap<u64, &Waiter> = waiters.iter().map(|waiter| (waiter.id, waiter)).collect();
    let mut roots: BTreeMap<u64, (Root, (bool, f64))> = BTreeMap::new();
    let mut waiters: Vec<&Waiter> = waiters.iter().collect();
    waiters.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then(a.id.cmp(&b.id)));
    for waiter in waiters.into_iter().filter(|waiter| !waiter.by.is_empty()) {
        for id in above(waiter, &by) {
            let (root, best) = roots.entry(id).or_insert_with(|| {
                let root = Root { id, waiting: 0, longest: 0.0, first: waiter.id, who: Vec::new() };
                (root, (false, f64::NEG_INFINITY))
            });
            if id != waiter.id {
                root.waiting += 1;
                if root.who.len() < NAMED {
                    root.who.push(waiter.id);
                }
            }
            root.longest = root.longest.max(waiter.seconds);
            let rank = (waiter.by.contains(&id), waiter.seconds);
            if rank.0 && !best.0 || rank.0 == best.0 && rank.1 > best.1 {
                (root.first, *best) = (waiter.id, rank);
            }
        }
    }
    let mut roots: Vec<Root> = roots.into_values().map(|(root, _)| root).filter(|root| root.waiting > 0).collect();
    roots.sort_by(|a, b| b.waiting.cmp(&a.waiting).then(b.longest.total_cmp(&a.longest)).then(a.id.cmp(&b.id)));
    roots
}

/// The roots above one waiter.
fn above(waiter: &Waiter, by: &BTreeMap<u64, &Waiter>) -> BTreeSet<u64> {
    let (mut seen, mut found) = (BTreeSet::from([waiter.id]), BTreeSet::new());
    let mut open: Vec<u64> = waiter.by.clone();
    while let Some(id) = open.pop() {
        match by.get(&id).filter(|other| !other.by.is_empty()) {
            Some(other) if seen.insert(id) => open.extend(&other.by),
            Some(_) => {}
            None => {
                found.insert(id);
            }
        }
    }
    if found.is_empty() {
        // Everybody above waits, too: a circle.
        found.extend(seen.first());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(id: u64, by: &[u64], seconds: f64) -> Waiter {
        Waiter { id, by: by.to_vec(), seconds }
    }

    #[test]
    fn chains_lead_to_the_one_that_does_not_wait() {
        // 4 → 3 → 2 → 1, 5 → 1, and 7 → 6.
        let waiters = [
            waiter(2, &[1], 9.0),
            waiter(3, &[2], 8.0),
            waiter(4, &[3, 2], 30.0),
            waiter(5, &[1, 1], 5.0),
            waiter(7, &[6], 100.0),
            waiter(8, &[], 1.0),
        ];
        let wanted = [
            Root { id: 1, waiting: 4, longest: 30.0, first: 2, who: vec![4, 2, 3] },
            Root { id: 6, waiting: 1, longest: 100.0, first: 7, who: vec![7] },
        ];
        assert_eq!(roots(&waiters), wanted);
    }

    #[test]
    fn circles_end() {
        let found = roots(&[waiter(3, &[2], 1.0), waiter(2, &[3], 2.0), waiter(4, &[3], 5.0)]);
        assert_eq!(found.iter().map(|root| (root.id, root.waiting)).collect::<Vec<_>>(), [(2, 2)]);
        assert_eq!(roots(&[]), []);
        assert_eq!(roots(&[waiter(1, &[1], 1.0)]), []);
    }

    #[test]
    fn prepared_transactions_are_roots_without_a_session() {
        assert_eq!(roots(&[waiter(2, &[0], 1.0)])[0].id, 0);
    }
}
