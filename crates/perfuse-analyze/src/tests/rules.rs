//! The rules as a set, read from the sources: none goes untested, and none is named that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Calls that make a finding with the id that stands as their first argument, by the end of the path of their file.
/// Each is a function that passes the id on to `Finding::new`.
const MAKERS: [(&str, &str); 4] = [
    ("", "Finding::new("),
    ("disk/saturation/finding.rs", ".begin("),
    ("network/findings/limits.rs", " refused("),
    ("cpu/kernel_lock.rs", " new("),
];

/// A source file: what runs, and what tests it.
struct Source {
    path: String,
    code: String,
    tests: String,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// All sources but those whose `Finding` is another one, and those that rank made-up findings.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    let mut sources = Vec::new();
    for file in found {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        if path.starts_with("sixty") || path.starts_with("tests/") || path == "rank.rs" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let only_tests = path.contains("/tests/") || path.ends_with("tests.rs") || path.ends_with("testing.rs");
        let starts = ["tests", "testing"].map(|name| text.find(&format!("#[cfg(test)]\nmod {name} {{")));
        let inline = starts.into_iter().flatten().min().unwrap_or(text.len());
        let split = if only_tests { 0 } else { inline };
        let (code, tests) = text.split_at(split);
        sources.push(Source { path, code: code.to_owned(), tests: tests.to_owned() });
    }
    sources
}

/// The string behind `text`'s first quote, where it begins with one.
fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split('"').next()
}

/// The text constants of a file by name.
fn constants(code: &str) -> BTreeMap<&str, &str> {
    let named = |rest: &'_ str| -> Option<(usize, usize)> {
        let name = rest.find(": &str = ")?;
        Some((name, name + ": &str = ".len()))
    };
    code.lines()
        .filter_map(|line| {
            let rest = line.trim_start().trim_start_matches("pub(super) ").strip_prefix("const ")?;
            let (name, value) = named(rest)?;
            Some((&rest[..name], literal(&rest[value..])?))
        })
        .collect()
}

/// The ids of all rules.
fn rules(sources: &[Source]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for source in sources {
        let constants = constants(&source.code);
        for (_, maker) in MAKERS.iter().filter(|(file, _)| source.path.ends_with(file)) {
            for (at, _) in source.code.match_indices(maker) {
                let argument = source.code[at + maker.len()..].trim_start();
                let word = argument.split([',', ')', ':']).next().unwrap_or_default().trim();
                match (literal(argument), constants.get(word)) {
                    (Some(id), _) => ids.insert(id.to_owned()),
                    (None, Some(id)) => ids.insert((*id).to_owned()),
                    (None, None) => {
                        let known = MAKERS.iter().any(|(file, _)| !file.is_empty() && source.path.ends_with(file));
                        assert!(
                            known && ["id", "&self", "self"].contains(&word),
                            "{}: whose id is `{word}`?",
                            source.path
                        );
                        false
                    }
                };
            }
        }
    }
    ids
}

/// Whether a test says that a rule with this id fires: its id stands in a line that does not say that it does not.
fn is_asserted(sources: &[Source], id: &str) -> bool {
    let quoted = format!("\"{id}\"");
    let denies = |line: &str| line.contains("is_none()") || line.contains("assert!(!");
    let says = |source: &Source| source.tests.lines().any(|line| line.contains(&quoted) && !denies(line));
    sources.iter().any(says)
}

#[test]
fn every_rule_is_asserted_in_a_test() {
    let sources = sources();
    let rules = rules(&sources);
    for known in ["network.shaper-queue", "disk.saturated", "network.socket-memory", "kernel-lock.lockup", "cpu.steal"]
    {
        assert!(rules.contains(known), "the sources are not read right: {known} is missing in {rules:?}");
    }
    let untested: Vec<_> = rules.iter().filter(|id| !is_asserted(&sources, id)).collect();
    assert!(untested.is_empty(), "no test asserts that these fire: {untested:?}");
}

#[test]
fn whatever_is_explained_exists() {
    let sources = sources();
    let rules = rules(&sources);
    let mut named = 0;
    for source in &sources {
        // Assignments, and the lists that are kept in constants.
        for (at, _) in source.code.match_indices("explains =").chain(source.code.match_indices("EXPLAINS")) {
            let statement = source.code[at..].split(';').next().unwrap_or_default();
            for id in statement.split('"').skip(1).step_by(2).filter(|text| text.contains('.')) {
                assert!(rules.contains(id), "{}: there is no rule `{id}`", source.path);
                named += 1;
            }
        }
    }
    assert!(named >= 30, "the lists are not read right: {named}");
}
