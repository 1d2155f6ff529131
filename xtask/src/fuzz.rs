//! `cargo xtask fuzz`: libFuzzer on the stable compiler. The instrumentation is what `cargo fuzz` asks of LLVM; the
//! sanitizers, which need a nightly compiler, are left out: the parsers have no unsafe code.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use perfuse_format::all::PARSERS;

use crate::tools;

const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// `cargo xtask fuzz [--seconds N] [TARGET]...`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (seconds, names) = crate::options(arguments, "--seconds")?;
    let seconds = seconds.map_or(Ok(60), |text| text.parse()).context("--seconds takes a whole number")?;
    let known = targets()?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("no fuzz target {unknown}; there are {}", known.join(", "));
    }
    fuzz(if names.is_empty() { &known } else { &names }, seconds, None)
}

/// Every target for `seconds`, each from the same seed as ever: what is judged is the change, not the luck of the day.
/// New seeds are for `cargo xtask fuzz`.
pub(crate) fn all(seconds: u32) -> Result<()> {
    fuzz(&targets()?, seconds, Some(1))
}

/// Without a seed libFuzzer chooses one.
fn fuzz(names: &[String], seconds: u32, seed: Option<u32>) -> Result<()> {
    let host = host()?;
    build(&host)?;
    let mut failed = Vec::new();
    for name in names {
        let corpus = corpus(name)?;
        let artifacts = directory().join("artifacts").join(name);
        std::fs::create_dir_all(&artifacts)?;
        let mut fuzzer = Command::new(target().join(&host).join("release").join(name));
        fuzzer
            .arg(&corpus)
            .arg(format!("-max_total_time={seconds}"))
            .args(seed.map(|seed| format!("-seed={seed}")))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            // A parser that needs a second or a gigabyte for a small file is as wrong as one that panics.
            .args([
                "-timeout=5",
                "-rss_limit_mb=1024",
                "-max_len=65536",
                "-print_final_stats=1",
                "-print_funcs=0",
                "-verbosity=0",
            ]);
        if tools::run(&mut fuzzer).is_err() {
            failed.push(format!("{name} (input in {})", artifacts.display()));
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join(", ")) }
}

fn build(host: &str) -> Result<()> {
    let mut cargo = tools::cargo(["build", "--release", "--quiet", "--manifest-path", "fuzz/Cargo.toml"]);
    // With an explicit target the flags do not reach build scripts and procedural macros.
    cargo.args(["--target", host]).arg("--target-dir").arg(target()).env("RUSTFLAGS", FLAGS.join(" "));
    tools::run(&mut cargo)
}

/// The corpus of a target: what earlier runs found, and the seeds that are committed. A seed `NAME` or `NAME-anything`
/// of `seeds/` is one captured file of the parser `NAME`, with colons as dots; the target picks the parser by the first
/// byte, so that is put before it. A seed that is named after the target itself is taken as it is.
fn corpus(target: &str) -> Result<PathBuf> {
    let corpus = directory().join("corpus").join(target);
    std::fs::create_dir_all(&corpus)?;
    for entry in std::fs::read_dir(directory().join("seeds"))? {
        let seed = entry?.path();
        let name = seed.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let parser = name.split('-').next().unwrap_or_default().replace('.', "::");
        if parser == target {
            std::fs::copy(&seed, corpus.join(format!("seed-{name}")))?;
        }
        let Some(index) = group(target).iter().position(|(known, _)| *known == parser) else {
            continue;
        };
        let mut bytes = vec![u8::try_from(index).context("more parsers than a byte can tell apart")?];
        bytes.extend(std::fs::read(&seed)?);
        std::fs::write(corpus.join(format!("seed-{name}")), bytes)?;
    }
    Ok(corpus)
}

/// The parsers of one target, as the target itself numbers them.
fn group(target: &str) -> Vec<&'static (&'static str, perfuse_format::all::Parser)> {
    PARSERS.iter().filter(|(name, _)| name.split("::").next() == Some(target)).collect()
}

/// The names of the files in `fuzz_targets/`.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory().join("fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// The compiler's own target triple.
fn host() -> Result<String> {
    let text = tools::output(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV does not tell its host")
}

fn directory() -> PathBuf {
    tools::root().join("fuzz")
}

fn target() -> PathBuf {
    Path::new(&tools::target()).join("fuzz")
}

#[cfg(test)]
mod tests {
    /// A path dependency is no member of the workspace of the fuzz targets: its checks must be asked for by name.
    #[test]
    fn every_crate_of_ours_is_fuzzed_with_its_checks() {
        let manifest = std::fs::read_to_string(super::directory().join("Cargo.toml")).unwrap();
        let ours: Vec<&str> = manifest
            .lines()
            .filter(|line| line.contains("path = \"../crates/"))
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert!(ours.len() > 3, "{ours:?}");
        for name in ours {
            let wanted = format!("[profile.release.package.{name}]\ndebug-assertions = true\noverflow-checks = true\n");
            assert!(manifest.contains(&wanted), "{name} has no profile of its own");
        }
    }
}
