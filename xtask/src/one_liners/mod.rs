//! `cargo xtask one-liners`: every one-liner of the sheet through a link named `perf`, beside what real perf does with it;
//! here, and in an emulated guest whose kernel has kprobes.

mod bench;
mod page;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::packages::{self, For};
use crate::{guest, tools};
use bench::Pace;
use verdict::Outcome;

/// The sheet: id, cost, English, Korean, command.
const SHEET: &str = "crates/perfuse-render/handbook/one-liners.tsv";
/// Where the result goes.
const PAGE: &str = "docs/one-liners.md";
/// The files of tracefs that hold the probes of all.
const PROBES: [&str; 2] = ["/sys/kernel/tracing/kprobe_events", "/sys/kernel/tracing/uprobe_events"];
/// The two that are compared, by the names of their directories.
const PROGRAMS: [&str; 2] = ["perf", "ours"];

struct OneLiner {
    id: String,
    command: String,
}

/// What both programs did at one place, in the order of [`PROGRAMS`].
struct Place {
    /// `here` or `guest`.
    name: &'static str,
    /// The kernel there.
    kernel: String,
    outcomes: [Vec<Outcome>; 2],
}

/// Runs all, at the places that are named (both if none is), and writes the page. What is known of a place that is not
/// named is shown as it was.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (perfuse, places) = crate::options(arguments, "--perfuse")?;
    if let Some(word) = places.iter().find(|word| !["here", "guest", "page"].contains(&word.as_str())) {
        bail!("no place {word}; there are here and guest, and page, which runs nothing");
    }
    let wanted = |place: &str| places.is_empty() || places.iter().any(|word| word == place);
    let sheet = read_sheet()?;
    let directory = tools::target().join("one-liners");
    if wanted("here") || wanted("guest") {
        let ours = if let Some(path) = perfuse {
            PathBuf::from(path).canonicalize().context("--perfuse")?
        } else {
            tools::run(&mut tools::cargo(["build", "--release", "-p", "perfuse"]))?;
            tools::target().join("release/perfuse")
        };
        let theirs = tools::find("perf").context("real perf is not here: install linux-perf")?;
        if wanted("here") {
            run_here(&sheet, &directory.join("here"), [&theirs, &ours])?;
        }
        if wanted("guest") {
            run_in_guest(&sheet, &directory.join("guest"), [&theirs, &ours])?;
        }
    }
    let mut known = Vec::new();
    for name in ["here", "guest"] {
        known.extend(read_place(&sheet, &directory.join(name), name)?);
    }
    let page = tools::root().join(PAGE);
    fs::write(&page, page::written(&sheet, &known)?).with_context(|| format!("cannot write {}", page.display()))?;
    println!("{} is written", page.display());
    Ok(())
}

fn read_sheet() -> Result<Vec<OneLiner>> {
    let text = fs::read_to_string(tools::root().join(SHEET)).context(SHEET)?;
    let one = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            [id, _, _, _, command, ..] => Ok(OneLiner { id: (*id).to_owned(), command: (*command).to_owned() }),
            _ => bail!("{SHEET}: five fields are expected in {line:?}"),
        }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(one).collect()
}

/// A directory that is there and empty.
fn fresh(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))
}

fn run_here(sheet: &[OneLiner], directory: &Path, programs: [&Path; 2]) -> Result<()> {
    for file in PROBES {
        let there = fs::read_to_string(file).unwrap_or_default();
        ensure!(there.is_empty(), "{file} has probes already, which would be removed at the end: remove them first");
    }
    fresh(directory)?;
    for (name, program) in PROGRAMS.into_iter().zip(programs) {
        let place = directory.join(name);
        bench::furnish(&place, program, sheet)?;
        println!("== {name} here");
        bench::run(&place, Pace::HERE)?;
    }
    fs::write(directory.join("kernel"), fs::read_to_string("/proc/sys/kernel/osrelease")?)?;
    Ok(())
}

/// The same in an emulated machine: its root has the programs of this host that the one-liners need, with their libraries.
fn run_in_guest(sheet: &[OneLiner], directory: &Path, programs: [&Path; 2]) -> Result<()> {
    packages::ensure(For::Guest)?;
    let furnish = |root: &Path| -> Result<()> {
        for tool in ["dash", "timeout", "script", "stdbuf", "objdump"] {
            let found = tools::find(tool).with_context(|| format!("there is no {tool}"))?;
            bench::with_libraries(&found, &found, root)?;
        }
        for file in ["/usr/libexec/coreutils/libstdbuf.so", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"] {
            bench::with_libraries(Path::new(file), Path::new(file), root)?;
        }
        for (name, program) in PROGRAMS.into_iter().zip(programs) {
            let inside = PathBuf::from("/one-liners").join(name);
            let place = root.join("one-liners").join(name);
            bench::furnish(&place, &inside.join("program"), sheet)?;
            bench::with_libraries(program, &inside.join("program"), root)?;
        }
        Ok(())
    };
    fresh(directory)?;
    let left = guest::one_liners(PROGRAMS, &furnish, &Pace::GUEST.words())?;
    for (name, left) in PROGRAMS.into_iter().zip(&left) {
        let (from, to) = (left.join("one-liners/out"), directory.join(name));
        fs::create_dir_all(&to)?;
        fs::rename(&from, to.join("out")).with_context(|| format!("{} is not there", from.display()))?;
        fs::copy(left.join("one-liners/kernel"), directory.join("kernel"))?;
    }
    Ok(())
}

/// What the runs at a place left; nothing if there were none.
fn read_place(sheet: &[OneLiner], directory: &Path, name: &'static str) -> Result<Option<Place>> {
    let Ok(kernel) = fs::read_to_string(directory.join("kernel")) else { return Ok(None) };
    let read = |program: &str| -> Result<Vec<Outcome>> {
        sheet.iter().map(|one| Outcome::read(&directory.join(program).join("out"), &one.id)).collect()
    };
    let outcomes = [read(PROGRAMS[0])?, read(PROGRAMS[1])?];
    Ok(Some(Place { name, kernel: kernel.trim().to_owned(), outcomes }))
}
