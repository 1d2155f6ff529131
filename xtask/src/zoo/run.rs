//! One case: stage, watch, inject, ask, and take all of it away.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::case::{Case, Knob, Told};
use super::score::{self, Marks, Said};
use super::sli::Sli;
use super::world::{World, sleep, stopped};

/// How long the victim is watched before the fault.
const BEFORE: Duration = Duration::from_secs(3);
/// How long the fault may take to show.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a look takes; it is what the recording holds.
const LOOK: &str = "6s";

/// What is to be run, and where things go.
pub(crate) struct Setting {
    /// The program.
    pub(crate) perfuse: PathBuf,
    /// Where the recordings are kept.
    pub(crate) keep: PathBuf,
}

/// What came of one run of a case.
pub(crate) struct Outcome {
    /// The case.
    pub(crate) case: &'static Case,
    /// Its intensity and seed.
    pub(crate) level: (u32, u64),
    /// How the victim fared before, while we looked at it unharmed, and under the fault.
    pub(crate) sli: (Sli, Sli, Sli),
    /// Whether the victim fared as the case wants it: worse, or no worse for a healthy one.
    pub(crate) counts: bool,
    /// The truth.
    pub(crate) truth: Told,
    /// What was said.
    pub(crate) said: Vec<Said>,
    /// How right that is.
    pub(crate) marks: Marks,
    /// Seconds from the moment that the victim fared worse to the answer.
    pub(crate) seconds: f64,
    /// Where the recordings are, without their ends.
    pub(crate) files: PathBuf,
}

/// Only stages a case and injects its fault, to see that both work: how the victim fared before and after.
pub(crate) fn rehearse(case: &'static Case, intensity: u32, seed: u64) -> Result<String> {
    let mut world = World::new()?;
    let staged = (case.stage)(&mut world, &mut Knob::new(seed, intensity))?;
    let said_wrong = || std::fs::read_to_string(world.scratch.join("stderr")).unwrap_or_default();
    staged.victim.ready(Duration::from_secs(20)).with_context(said_wrong)?;
    let before = staged.victim.watch(Duration::from_secs(1))?;
    let truth = (staged.inject)(&mut world)?;
    sleep(Duration::from_secs(4))?;
    let after = staged.victim.watch(Duration::from_secs(2))?;
    let counts = after.worse_than(&before) != truth.accepted.is_empty();
    let verdict = if counts { "counts" } else { "DOES NOT COUNT" };
    Ok(format!("{verdict:<16} {} -> {}", before.text(), after.text()))
}

fn files(case: &Case, intensity: u32, seed: u64, setting: &Setting) -> PathBuf {
    setting.keep.join(format!("{}-{intensity}-{seed}", case.name))
}

/// Whether a run was recorded as a whole: the answer is what is written last.
pub(crate) fn is_kept(case: &Case, intensity: u32, seed: u64, setting: &Setting) -> bool {
    files(case, intensity, seed, setting).with_extension("answer.json").exists()
}

/// Runs a case once.
pub(crate) fn run(case: &'static Case, intensity: u32, seed: u64, setting: &Setting) -> Result<Outcome> {
    let files = files(case, intensity, seed, setting);
    let mut world = World::new()?;
    let mut knob = Knob::new(seed, intensity);
    let staged = (case.stage)(&mut world, &mut knob)?;
    let victim = staged.victim;
    let said_wrong = || std::fs::read_to_string(world.scratch.join("stderr")).unwrap_or_default();
    victim.ready(Duration::from_secs(20)).with_context(said_wrong)?;
    // Whatever a start costs is over.
    sleep(Duration::from_millis(750))?;
    let before = victim.watch(BEFORE)?;
    victim.forget();
    let start = Instant::now();
    record_before(setting, &files)?;
    let watched = victim.since(start);

    let truth = (staged.inject)(&mut world)?;
    let breach = breach(&victim, &before, truth.accepted.is_empty())?;
    victim.forget();
    let start = Instant::now();
    let report = why(setting, victim.pid, &files)?;
    let seconds = breach.elapsed().as_secs_f64();
    let under = victim.since(start);
    drop(world);

    let truth = truth.told();
    let said = Said::all(&report);
    let marks = score::mark(&said, &truth);
    let worse = under.worse_than(&before);
    let outcome = Outcome {
        case,
        level: (intensity, seed),
        sli: (before, watched, under),
        counts: worse != truth.accepted.is_empty(),
        truth,
        said,
        marks,
        seconds,
        files,
    };
    outcome.write(victim.pid, &report)?;
    Ok(outcome)
}

/// The moment from which the victim fares worse; for a healthy case, a moment after the injection.
fn breach(victim: &super::world::Victim, before: &Sli, healthy: bool) -> Result<Instant> {
    let start = Instant::now();
    if healthy {
        sleep(Duration::from_secs(1))?;
        return Ok(start);
    }
    let mut since = None;
    while start.elapsed() < PATIENCE {
        let asked = Instant::now();
        let now = victim.watch(Duration::from_millis(500))?;
        match (now.worse_than(before), since) {
            // Twice in a row: one window may be chance.
            (true, Some(since)) => return Ok(since),
            (true, None) => since = Some(asked),
            (false, _) => since = None,
        }
    }
    // It does not count then; what is said all the same is of interest.
    Ok(Instant::now())
}

/// A recording of the host while all is well, for those who judge by the difference.
fn record_before(setting: &Setting, files: &Path) -> Result<()> {
    let file = files.with_extension("before");
    let mut command = Command::new(&setting.perfuse);
    command.args(["use", "--quiet", "--json", "--duration", "4s", "--record"]).arg(&file);
    // Exit status 1 is an answer too.
    answer(&mut command).map(drop)
}

fn why(setting: &Setting, pid: u32, files: &Path) -> Result<Value> {
    let mut command = Command::new(&setting.perfuse);
    command.args(["why", "--quiet", "--json", "--lang", "en", "--duration", LOOK, "--pid", &pid.to_string()]);
    answer(command.arg("--record").arg(files.with_extension("fault")))
}

/// The same from the recording.
pub(crate) fn replay(perfuse: &Path, pid: u32, files: &Path) -> Result<Value> {
    let mut command = Command::new(perfuse);
    command.args(["why", "--quiet", "--json", "--lang", "en", "--pid", &pid.to_string()]);
    answer(command.arg("--replay").arg(files.with_extension("fault")))
}

fn answer(command: &mut Command) -> Result<Value> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
    if stopped() {
        bail!("stopped");
    }
    let wrong = || format!("{:?} {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    serde_json::from_slice(&output.stdout).with_context(wrong)
}

impl Outcome {
    /// Writes what is known beside the recordings.
    fn write(&self, pid: u32, report: &Value) -> Result<()> {
        let sli = |sli: &Sli| json!({ "rate": sli.rate, "errors": sli.errors, "p99_s": sli.p99 });
        let text = json!({
            "case": self.case.name, "family": self.case.family.id(), "intensity": self.level.0, "seed": self.level.1,
            "pid": pid, "counts": self.counts, "truth": self.truth.to_json(), "seconds": self.seconds,
            "sli": { "before": sli(&self.sli.0), "watched": sli(&self.sli.1), "under": sli(&self.sli.2) },
        });
        std::fs::write(self.files.with_extension("truth.json"), serde_json::to_string_pretty(&text)? + "\n")?;
        std::fs::write(self.files.with_extension("answer.json"), serde_json::to_string_pretty(report)? + "\n")?;
        Ok(())
    }

    /// One line for the terminal.
    pub(crate) fn line(&self) -> String {
        let verdict = match (self.counts, self.marks.first, self.marks.culprit) {
            (false, ..) => "DOES NOT COUNT",
            (true, true, true) => "right",
            (true, true, false) => "right, WRONG CULPRIT",
            (true, false, _) => "WRONG",
        };
        let said = self.said.first().map_or_else(|| "healthy".to_owned(), Said::text);
        format!(
            "{:<18} {}/{} {verdict:<20} {said}\n{:<24}expected {:?} by {:?}; {} -> {} (watched: {}); {:.1} s",
            self.case.name,
            self.level.0,
            self.level.1,
            "",
            self.truth.accepted,
            self.truth.culprits,
            self.sli.0.text(),
            self.sli.2.text(),
            self.sli.1.text(),
            self.seconds,
        )
    }
}
