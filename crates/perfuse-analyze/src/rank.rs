//! The order of the findings, and which of them explains which.

use std::collections::BTreeSet;

use crate::cell::{Finding, Severity};

/// Removes what a deeper finding explains, and sorts: what costs its victims most stands first.
///
/// Finding A explains B when A's rule lists B's and both concern an entity in common, or one of them concerns the
/// host as a whole. Where B is about somebody who is slow, A must hold up that very one. Of a cycle (A lists B, B lists A) the one with the higher score stays.
pub fn rank(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        score(b)
            .total_cmp(&score(a))
            .then(b.severity.cmp(&a.severity))
            .then(a.id.cmp(b.id))
            .then(a.culprit.key().cmp(&b.culprit.key()))
    });
    let keys: Vec<_> = findings.iter().map(Finding::keys).collect();
    let mut keep = vec![true; findings.len()];
    for a in 0..findings.len() {
        for b in 0..findings.len() {
            let lists = a != b && findings[a].explains.contains(&findings[b].id);
            let mutual = findings[b].explains.contains(&findings[a].id) && b < a;
            let host = |keys: &BTreeSet<String>| keys.contains("host:host");
            let same = match &findings[b].slow {
                Some(slow) => host(&keys[a]) || !findings[a].held_up().is_disjoint(slow),
                None => host(&keys[a]) || host(&keys[b]) || !keys[a].is_disjoint(&keys[b]),
            };
            if lists && !mutual && keep[a] && same {
                keep[b] = false;
            }
        }
    }
    let mut keep = keep.into_iter();
    findings.retain(|_| keep.next().unwrap_or(true));
    findings
}

/// Seconds of wait that the finding explains, weighed by confidence; a hard error weighs as much as one thread that
/// waits all the time, so that it stands before waits of a similar size.
pub fn score(finding: &Finding) -> f64 {
    let base = match finding.severity {
        Severity::Error => 1.0,
        Severity::Bottleneck => 0.05,
        Severity::Watch => 0.0,
    };
    (base + finding.wait_s_per_s.unwrap_or(0.0)) * finding.confidence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Entity;
    use crate::{Kind, Resource};

    fn finding(id: &'static str, pid: u32, wait: f64, explains: &'static [&'static str]) -> Finding {
        let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
        Finding {
            wait_s_per_s: Some(wait),
            explains,
            ..Finding::new(id, Severity::Bottleneck, spec, Entity::process(pid, "p"))
        }
    }

    fn ids(findings: Vec<Finding>) -> Vec<&'static str> {
        rank(findings).iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn a_cause_hides_its_symptom_only_for_the_same_victim() {
        let symptom = || finding("cpu.run-queue", 1, 3.0, &[]);
        assert_eq!(ids(vec![symptom(), finding("cpu.quota", 1, 1.0, &["cpu.run-queue"])]), ["cpu.quota"]);
        assert_eq!(
            ids(vec![symptom(), finding("cpu.quota", 2, 1.0, &["cpu.run-queue"])]),
            ["cpu.run-queue", "cpu.quota"]
        );
    }

    #[test]
    fn who_waits_for_a_slow_one_is_explained_by_what_holds_that_one_up() {
        // Process 1 does not read, and 2 waits for it.
        let slow = || Finding {
            slow: Some(BTreeSet::from(["pid:1".to_owned()])),
            victims: vec![Entity::process(2, "sender")],
            ..finding("network.slow-reader", 1, 0.9, &[])
        };
        let queue = |culprit, victim| Finding {
            victims: vec![Entity::process(victim, "v")],
            ..finding("cpu.run-queue", culprit, 0.4, &["network.slow-reader"])
        };
        assert_eq!(ids(vec![slow(), queue(9, 1)]), ["cpu.run-queue"], "the reader gets no CPU");
        for (culprit, victim, why) in
            [(9, 2, "the sender gets no CPU"), (1, 9, "the reader takes it from others"), (8, 9, "others")]
        {
            assert_eq!(ids(vec![slow(), queue(culprit, victim)]), ["network.slow-reader", "cpu.run-queue"], "{why}");
        }
    }

    #[test]
    fn of_a_cycle_the_larger_stays() {
        let a = finding("a", 1, 3.0, &["b"]);
        let b = finding("b", 1, 1.0, &["a"]);
        assert_eq!(ids(vec![b.clone(), a.clone()]), ["a"]);
        assert_eq!(ids(vec![a, b]), ["a"]);
    }
}
