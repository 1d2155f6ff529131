//! Which crate may stand on which: the picture in ARCHITECTURE.md, as a table.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// A crate, the crates of this workspace that it may use, and libraries that it must not use itself.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("perfuse-format", &[], &["libc", "rustix", "clap", "jiff"]),
    ("perfuse-symbol", &["perfuse-format"], &["clap"]),
    ("perfuse-analyze", &["perfuse-format", "perfuse-symbol"], &["libc", "rustix", "clap", "jiff", "serde_json"]),
    ("perfuse-collect", &["perfuse-format", "perfuse-symbol"], &["clap", "serde_json", "fluent-bundle"]),
    ("perfuse-render", &["perfuse-format", "perfuse-analyze"], &["libc", "rustix", "clap"]),
    (
        "perfuse-service",
        &["perfuse-format", "perfuse-symbol", "perfuse-analyze", "perfuse-collect", "perfuse-render"],
        &["libc", "clap"],
    ),
    (
        "perfuse",
        &[
            "perfuse-format",
            "perfuse-symbol",
            "perfuse-analyze",
            "perfuse-collect",
            "perfuse-render",
            "perfuse-service",
        ],
        &["libc"],
    ),
    ("perfuse-testkit", &[], &[]),
    ("xtask", &["perfuse-format"], &[]),
];

/// The dependencies of every member, without those that only tests use.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(crate::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let members = metadata["packages"].as_array().expect("packages");
    members
        .iter()
        .map(|member| {
            let all = member["dependencies"].as_array().into_iter().flatten();
            let used = all.filter(|dependency| dependency["kind"] != "dev").map(|dependency| text(&dependency["name"]));
            (text(&member["name"]), used.collect())
        })
        .collect()
}

#[test]
fn crates_stand_only_on_what_is_below_them() {
    let dependencies = dependencies();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, ..)| *name).collect();
    let members: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(members, known, "the table has every crate of the workspace, and no other");
    for (name, allowed, forbidden) in ARROWS {
        for used in &dependencies[*name] {
            assert!(!known.contains(used.as_str()) || allowed.contains(&used.as_str()), "{name} must not use {used}");
            assert!(!forbidden.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn there_is_no_circle() {
    for (name, allowed, _) in ARROWS {
        for below in *allowed {
            let back =
                ARROWS.iter().find(|(other, ..)| other == below).is_some_and(|(_, theirs, _)| theirs.contains(name));
            assert!(!back, "{name} and {below} may use each other");
        }
    }
}
