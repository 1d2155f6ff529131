//! `cargo xtask bpf`: the BPF programs from their C sources. The objects are committed, so that nobody who only
//! uses or builds the tool needs clang.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// The compiler whose output is committed: another version makes other bytes.
const CLANG: &str = "clang-14";

/// `cargo xtask bpf [--check]`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => build(),
        [flag] if flag == "--check" => check(),
        _ => bail!("takes nothing or --check"),
    }
}

/// Compiles every source into the object beside it.
fn build() -> Result<()> {
    for source in sources()? {
        let object = object_of(&source);
        compile(&source, &object)?;
        println!("{}", shown(&object));
    }
    Ok(())
}

/// Compiles every source and compares it with the committed object.
pub(crate) fn check() -> Result<()> {
    let scratch = tools::target().join("bpf-check");
    std::fs::create_dir_all(&scratch)?;
    let sources = sources()?;
    let mut stale = Vec::new();
    for source in &sources {
        let object = object_of(source);
        let fresh = scratch.join(object.file_name().context("an object has a name")?);
        compile(source, &fresh)?;
        if std::fs::read(&object).ok() != Some(std::fs::read(&fresh)?) {
            stale.push(shown(&object));
        }
    }
    for object in committed()? {
        if !sources.iter().any(|source| object_of(source) == object) {
            stale.push(format!("{} (has no source)", shown(&object)));
        }
    }
    if stale.is_empty() {
        println!("{} BPF objects are what {CLANG} makes of their sources", sources.len());
        return Ok(());
    }
    bail!("not current, run `cargo xtask bpf`: {}", stale.join(", "))
}

fn directory() -> PathBuf {
    tools::root().join("crates/perfuse-collect/bpf")
}

fn sources() -> Result<Vec<PathBuf>> {
    files(".bpf.c")
}

fn committed() -> Result<Vec<PathBuf>> {
    files(".bpf.o")
}

fn files(suffix: &str) -> Result<Vec<PathBuf>> {
    let directory = directory();
    let entries = std::fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.to_string_lossy().ends_with(suffix));
    files.sort();
    Ok(files)
}

fn object_of(source: &Path) -> PathBuf {
    source.with_extension("o")
}

/// One source into one object. The flags stand in `cflags.txt`, beside the sources that rely on them; `$PWD` in
/// them is the directory of the sources, so that no path of the machine ends up in the object.
fn compile(source: &Path, object: &Path) -> Result<()> {
    let directory = directory();
    let flags = std::fs::read_to_string(directory.join("cflags.txt")).context("cannot read cflags.txt")?;
    let flags = flags.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    let here = directory.to_string_lossy().into_owned();
    let mut clang = Command::new(tools::find(CLANG).with_context(|| format!("{CLANG} is not installed"))?);
    clang
        .current_dir(&directory)
        .args(flags.map(|flag| flag.replace("$PWD", &here)))
        .arg("-c")
        .arg(source.file_name().context("a source has a name")?)
        .arg("-o")
        .arg(object);
    tools::output(&mut clang).map(drop)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(tools::root()).unwrap_or(path).display().to_string()
}
