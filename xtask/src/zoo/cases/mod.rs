//! All cases, by family.

mod cpu;
mod disk;
mod healthy;
mod limits;
mod locks;
mod memory;
mod network;
mod services;
mod unseen;

use super::case::Case;

/// All of them, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [
        cpu::CASES,
        memory::CASES,
        disk::CASES,
        network::CASES,
        limits::CASES,
        locks::CASES,
        services::CASES,
        healthy::CASES,
        unseen::CASES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::zoo::case::Family;

    #[test]
    fn names_are_unique_and_every_family_has_cases() {
        let names: BTreeSet<&str> = all().map(|case| case.name).collect();
        assert_eq!(names.len(), all().count());
        let families: BTreeSet<Family> = all().map(|case| case.family).collect();
        assert_eq!(families.len(), Family::ALL.len());
        assert!(names.iter().all(|name| Family::parse(name).is_none()), "a case is not named like a family");
    }
}
