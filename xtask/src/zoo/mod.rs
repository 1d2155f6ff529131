//! `cargo xtask zoo`: faults injected on purpose, and how often the ranker names the right one.
//!
//! Every case is a victim that measures itself, a real mechanism, and the truth. A case counts only if the victim fared
//! worse, a healthy one only if it did not. Everything that a case makes is taken away again, whatever happens.

mod actors;
mod baselines;
mod case;
mod cases;
mod judge;
mod run;
mod score;
pub(crate) mod sli;
mod store;
mod undo;
pub(crate) mod world;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

pub(crate) use actors::run as actor;
use case::{Case, Family};
use run::Setting;

use crate::packages::{self, For};
use crate::tools;

const USAGE: &str = "\
usage: cargo xtask zoo [OPTION]... [CASE|FAMILY]...

  --list               the cases, and what each injects
  --rehearse           stage and inject only, and say how the victims fare
  --seeds N            how often, each time with other numbers (default 1)
  --seed N             only with these numbers
  --intensities 1,2,3  how hard, in this order (default all three)
  --minutes N          start no more runs after so long, and judge what there is
  --again              repeat what is in the directory of --keep already; otherwise it is gone on with
  --perfuse PATH       the program; otherwise it is built in release
  --keep DIR           where the recordings go (default target/zoo)
  --replay DIR         judge the recordings of DIR instead of running anything
  --write              write the result into docs/zoo.md
  --store DIR          put a small recording of a right answer to each case into DIR
";

/// What is to be done.
enum What {
    Help,
    List,
    Rehearse,
    Run,
}

/// What the command line asks for.
struct Options {
    what: What,
    seeds: std::ops::RangeInclusive<u64>,
    minutes: Option<u64>,
    again: bool,
    intensities: Vec<u32>,
    keep: Option<PathBuf>,
    replay: Option<PathBuf>,
    write: bool,
    store: Option<PathBuf>,
    perfuse: Option<PathBuf>,
    names: Vec<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            what: What::Run,
            seeds: 1..=1,
            minutes: None,
            again: false,
            intensities: vec![1, 2, 3],
            keep: None,
            replay: None,
            write: false,
            store: None,
            perfuse: None,
            names: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => options.what = What::Help,
                "--list" => options.what = What::List,
                "--seeds" => options.seeds = 1..=value()?.parse().context("--seeds")?,
                "--seed" => {
                    let seed = value()?.parse().context("--seed")?;
                    options.seeds = seed..=seed;
                }
                "--minutes" => options.minutes = Some(value()?.parse().context("--minutes")?),
                "--again" => options.again = true,
                "--intensities" => {
                    let numbers = value()?.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>();
                    options.intensities = numbers.context("--intensities")?;
                }
                "--rehearse" => options.what = What::Rehearse,
                "--write" => options.write = true,
                "--store" => options.store = Some(PathBuf::from(value()?)),
                "--replay" => options.replay = Some(PathBuf::from(value()?)),
                "--keep" => options.keep = Some(PathBuf::from(value()?)),
                "--perfuse" => options.perfuse = Some(PathBuf::from(value()?)),
                other if other.starts_with('-') => bail!("no option {other}"),
                name => options.names.push(name.to_owned()),
            }
        }
        let known = |name: &String| Family::parse(name).is_some() || cases::all().any(|case| case.name == *name);
        if let Some(unknown) = options.names.iter().find(|name| !known(name)) {
            bail!("no case and no family {unknown:?}; `cargo xtask zoo --list` shows them");
        }
        Ok(options)
    }

    fn wants(&self, case: &Case) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == case.name || name == case.family.id())
    }
}

/// Runs all cases, or the named ones and those of the named families.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    match options.what {
        What::Help => {
            print!("{USAGE}");
            return Ok(());
        }
        What::List => {
            for case in cases::all() {
                println!("{:<10} {:<20} {}", case.family.id(), case.name, case.what);
            }
            return Ok(());
        }
        What::Rehearse => return rehearse(&options),
        What::Run => {}
    }
    let perfuse = if let Some(path) = &options.perfuse {
        std::path::absolute(path)?
    } else {
        tools::run(&mut tools::cargo(["build", "--release", "--package", "perfuse"]))?;
        tools::target().join("release/perfuse")
    };
    if let Some(directory) = &options.replay {
        return result(directory, &perfuse, &options);
    }
    ready()?;
    let keep = std::path::absolute(options.keep.clone().unwrap_or_else(|| tools::target().join("zoo")))?;
    std::fs::create_dir_all(&keep)?;
    live(&options, &Setting { perfuse: perfuse.clone(), keep: keep.clone() })?;
    result(&keep, &perfuse, &options)
}

/// Whether this host and this user can do it.
fn ready() -> Result<()> {
    if !tools::is_root() {
        bail!("the zoo makes cgroups, mounts, network namespaces and swap: run as root");
    }
    packages::ensure(For::Zoo)?;
    world::watch_signals()
}

/// Stages the cases and injects their faults, and asks nobody.
fn rehearse(options: &Options) -> Result<()> {
    ready()?;
    for case in cases::all().filter(|case| options.wants(case)) {
        for intensity in &options.intensities {
            let told = run::rehearse(case, *intensity, 1);
            if world::stopped() {
                bail!("stopped");
            }
            println!("{:<20} {intensity} {}", case.name, told.unwrap_or_else(|error| format!("NOT STAGED: {error:#}")));
        }
    }
    Ok(())
}

/// Runs the cases for real: all of them at the first level, then all at the next one, so that time that runs out costs
/// depth and no case.
fn live(options: &Options, setting: &Setting) -> Result<()> {
    let start = std::time::Instant::now();
    let mut plan: Vec<(&'static Case, u32, u64)> = Vec::new();
    for seed in options.seeds.clone() {
        for intensity in &options.intensities {
            plan.extend(cases::all().filter(|case| options.wants(case)).map(|case| (case, *intensity, seed)));
        }
    }
    let all = plan.len();
    plan.retain(|(case, intensity, seed)| options.again || !run::is_kept(case, *intensity, *seed, setting));
    if plan.len() < all {
        println!("{} of {all} runs are there already; --again repeats them", all - plan.len());
    }
    for (done, (case, intensity, seed)) in plan.iter().enumerate() {
        let elapsed = start.elapsed().as_secs_f64();
        if options.minutes.is_some_and(|minutes| elapsed >= minutes as f64 * 60.0) {
            println!("the time is over: {} runs are left out", plan.len() - done);
            break;
        }
        let left = elapsed / done.max(1) as f64 * (plan.len() - done) as f64 / 60.0;
        let left = if done > 0 { format!(", {left:.0} min left") } else { String::new() };
        println!("[{}/{}{left}]", done + 1, plan.len());
        match run::run(case, *intensity, *seed, setting) {
            Ok(outcome) => println!("{}", outcome.line()),
            Err(error) if world::stopped() => return Err(error.context("the same command goes on from here")),
            Err(error) => println!("{:<18} {intensity}/{seed} NOT STAGED: {error:#}", case.name),
        }
    }
    Ok(())
}

/// Judges the recordings of a directory, and prints the result or writes it into the documentation.
fn result(directory: &Path, perfuse: &Path, options: &Options) -> Result<()> {
    let mut judged = Vec::new();
    for kept in judge::load(directory)? {
        let wanted = cases::all().find(|case| case.name == kept.name).is_none_or(|case| options.wants(case));
        if wanted {
            let name = kept.name.clone();
            let files = kept.files.clone();
            match judge::judge(kept, perfuse) {
                Ok(one) => judged.push(one),
                // One recording that cannot be read is no reason to lose the others.
                Err(error) => eprintln!("{name}: NOT JUDGED: {}: {error:#}", files.display()),
            }
        }
    }
    if let Some(directory) = &options.store {
        store::store(&judged, perfuse, directory)?;
    }
    let text = judge::markdown(&judged)?;
    if !options.write {
        println!("{text}");
        return Ok(());
    }
    let path = tools::root().join("docs/zoo.md");
    let whole = std::fs::read_to_string(&path).unwrap_or_default();
    // What stands before the mark is written by hand.
    let words = whole.split(MARK).next().unwrap_or_default();
    std::fs::write(&path, format!("{words}{MARK}\n\n{text}"))?;
    println!("{} runs: {}", judged.len(), path.display());
    Ok(())
}

/// What follows it in the documentation is the result of the last run that was written.
const MARK: &str = "<!-- written by cargo xtask zoo --write -->";
