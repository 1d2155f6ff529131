//! Rules about the sources.

use std::collections::BTreeSet;

use crate::{files, read, root};

/// A file longer than this is several rooms in one.
const MAX_LINES: usize = 800;

#[test]
fn unsafe_code_is_forbidden_outside_collect() {
    let mut roots = files(&root().join("crates"), "src/lib.rs");
    roots.extend(files(&root().join("crates"), ".rs"));
    roots.extend(files(&root().join("xtask/src"), ".rs"));
    roots.push(root().join("fuzz/src/lib.rs"));
    let is_root = |path: &std::path::Path| path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    let mut seen = 0;
    for path in roots.iter().filter(|path| is_root(path) && !path.to_string_lossy().contains("perfuse-collect")) {
        assert!(read(path).contains("#![forbid(unsafe_code)]"), "{} does not forbid unsafe code", path.display());
        seen += 1;
    }
    assert!(seen >= 7, "only {seen} crate roots were found");
}

#[test]
fn every_unsafe_block_says_why_it_holds() {
    for path in files(&root().join("crates/perfuse-collect"), ".rs") {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.contains("unsafe {") && !code.contains("unsafe impl") {
                continue;
            }
            // The reason stands above the statement, which may have begun some lines before the block.
            let near = &lines[index.saturating_sub(8)..=index];
            let said = near.iter().any(|line| line.contains("SAFETY:"));
            assert!(said, "{}:{}: no SAFETY comment", path.display(), index + 1);
        }
    }
}

#[test]
fn no_file_is_too_long() {
    for directory in ["crates", "xtask", "fuzz"] {
        for path in files(&root().join(directory), ".rs") {
            let lines = read(&path).lines().count();
            assert!(lines <= MAX_LINES, "{}: {lines} lines, {MAX_LINES} at most", path.display());
        }
    }
}

#[test]
fn every_crate_has_lints_and_what_it_must_not_call() {
    for manifest in files(&root().join("crates"), "Cargo.toml") {
        let text = read(&manifest);
        assert!(text.contains("[lints]\nworkspace = true"), "{} does not take the lints", manifest.display());
        let clippy = manifest.with_file_name("clippy.toml");
        if manifest.parent().is_some_and(|directory| directory.ends_with("perfuse-testkit")) {
            continue;
        }
        let rules = read(&clippy);
        let entries = rules.lines().filter(|line| line.contains("path = ")).count();
        let reasons = rules.lines().filter(|line| line.contains("reason = ")).count();
        assert!(entries > 0 && entries == reasons, "{}: every entry has a reason", clippy.display());
    }
}

#[test]
fn lints_are_expected_and_not_allowed() {
    for path in files(&root().join("crates"), ".rs") {
        for (number, line) in read(&path).lines().enumerate() {
            let allows = line.trim_start().starts_with("#[allow(") || line.trim_start().starts_with("#![allow(");
            assert!(!allows, "{}:{}: use #[expect(.., reason = ..)]", path.display(), number + 1);
        }
    }
}

/// The type names of `impl TRAIT for TYPE` in the sources of the format crate, outside tests.
fn implementors(of: &str) -> BTreeSet<String> {
    let marker = format!("{of} for ");
    let mut names = BTreeSet::new();
    for path in files(&root().join("crates/perfuse-format/src"), ".rs") {
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| line.starts_with("impl")) {
            if let Some((before, after)) = line.split_once(&marker)
                && before.ends_with([' ', ':'])
            {
                names.insert(after.split([' ', '<', '{']).next().unwrap_or_default().to_owned());
            }
        }
    }
    names
}

#[test]
fn every_parser_is_fuzzed() {
    let listed: BTreeSet<&str> =
        perfuse_format::all::PARSERS.iter().filter_map(|(name, _)| name.split("::").last()).collect();
    for name in implementors("FromBytes").into_iter().chain(implementors("Table")) {
        assert!(listed.contains(name.as_str()), "perfuse_format::all::PARSERS lacks {name}");
    }
}

#[test]
fn every_group_of_parsers_has_a_fuzz_target_and_every_seed_a_parser() {
    let manifest = read(&root().join("fuzz/Cargo.toml"));
    for (name, _) in perfuse_format::all::PARSERS {
        let group = name.split("::").next().unwrap_or_default();
        assert!(root().join(format!("fuzz/fuzz_targets/{group}.rs")).is_file(), "no fuzz target {group} for {name}");
        assert!(manifest.contains(&format!("name = \"{group}\"\n")), "fuzz/Cargo.toml lacks {group}");
    }
    for seed in files(&root().join("fuzz/seeds"), "") {
        let name = seed.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let parser = name.split('-').next().unwrap_or_default().replace('.', "::");
        let known = perfuse_format::all::PARSERS.iter().any(|(known, _)| *known == parser);
        let is_target = root().join(format!("fuzz/fuzz_targets/{parser}.rs")).is_file();
        assert!(known || is_target, "{}: no parser and no fuzz target {parser}", seed.display());
    }
}

#[test]
fn every_program_that_a_live_test_needs_is_installed_by_xtask() {
    let packages = read(&root().join("xtask/src/packages.rs"));
    // Part of every Debian system.
    let essential = ["sh", "mount", "dd", "true", "sleep"];
    for path in files(&root().join("crates"), ".rs") {
        if path.to_string_lossy().contains("perfuse-testkit") {
            continue;
        }
        for call in read(&path).split("gate::command(\"").skip(1) {
            let program = call.split('"').next().unwrap_or_default();
            let known = essential.contains(&program) || packages.contains(&format!("\"{program}\""));
            assert!(known, "{}: {program} is not in the table of packages", path.display());
        }
    }
}
