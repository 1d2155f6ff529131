//! The recordings of the fault zoo (`cargo xtask zoo`): what was named rightly once is named rightly on any machine.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{json, perfuse};

/// Where `cargo xtask zoo --store` puts them.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zoo")
}

/// What is wrong with the first answer to one recording, if anything is.
fn wrong(truth: &Path) -> Option<String> {
    let text = std::fs::read_to_string(truth).expect("the truth is there");
    let kept: Value = serde_json::from_str(&text).expect("the truth is JSON");
    let recording = truth.with_extension("").with_extension("fault");
    let pid = kept["pid"].to_string();
    let output = perfuse(["why", "--json", "--lang", "en", "--pid", &pid, "--replay"]).arg(&recording).output();
    let report = json(&output.expect("the binary runs"));
    let findings = report["findings"].as_array().expect("findings");
    let first = findings.iter().find(|finding| finding["severity"] != "watch");
    let list = |name: &str| kept["truth"][name].as_array().cloned().unwrap_or_default();
    let (accepted, culprits) = (list("accepted"), list("culprits"));
    let Some(first) = first else {
        return (!accepted.is_empty()).then(|| format!("nothing is found, and {accepted:?} is true"));
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cell = format!("{}.{}", word(&first["resource"]), word(&first["kind"]));
    let right = accepted.iter().any(|one| *one == Value::String(cell.clone()) || *one == first["control"]);
    let blamed = &first["culprit"];
    let named = culprits.iter().filter_map(|one| one.as_object()?.values().next()).any(|one| match one {
        Value::Number(_) => *one == blamed["pid"],
        other => word(&blamed["name"]).contains(&word(other)) || blamed["path"] == *other,
    });
    (!right || !named).then(|| {
        format!(
            "{} ({cell}, {}) of {blamed} is named; {accepted:?} of {culprits:?} is true",
            first["id"], first["control"]
        )
    })
}

#[test]
fn the_causes_in_the_recordings_of_the_zoo_are_named() {
    let entries = std::fs::read_dir(directory()).expect("the recordings are there");
    let mut truths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    truths.retain(|path| path.to_string_lossy().ends_with(".truth.json"));
    truths.sort();
    assert!(truths.len() >= 30, "only {} recordings", truths.len());
    let wrong: Vec<String> = truths
        .iter()
        .filter_map(|truth| Some(format!("{}: {}", truth.file_stem()?.to_string_lossy(), wrong(truth)?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
