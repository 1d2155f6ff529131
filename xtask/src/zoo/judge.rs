//! Judging recordings again, and the table of the result.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::baselines::statistics::quantile;
use super::baselines::{self, Evidence};
use super::case::{Family, Told};
use super::run;
use super::score::{Marks, Said, mark, mark_resource, wilson};

/// One run of a case, as it was kept.
pub(crate) struct Kept {
    /// Name of the case.
    pub(crate) name: String,
    /// Its family.
    pub(crate) family: Family,
    /// Intensity and seed.
    pub(crate) level: (u64, u64),
    /// The victim.
    pub(crate) pid: u32,
    /// Whether it counts.
    pub(crate) counts: bool,
    /// The truth.
    pub(crate) truth: Told,
    /// Seconds from the breach to the live answer.
    pub(crate) seconds: f64,
    /// The 99th percentile before, and while we looked at the unharmed victim; seconds.
    pub(crate) looked_at: Option<(f64, f64)>,
    /// Its files, without their ends.
    pub(crate) files: PathBuf,
    /// Where and when: date, kernel and number of CPUs.
    pub(crate) place: Option<(String, String, u64)>,
}

/// All runs below a directory, in the order of their names.
pub(crate) fn load(directory: &Path) -> Result<Vec<Kept>> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(directory)
        .with_context(|| directory.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".truth.json"))
        .collect();
    names.sort();
    names.iter().map(|path| read(path).with_context(|| path.display().to_string())).collect()
}

fn read(path: &Path) -> Result<Kept> {
    let json = |path: &Path| -> Result<Value> { Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?) };
    let text = json(path)?;
    let files = path.with_extension("").with_extension("");
    let answer = json(&files.with_extension("answer.json")).ok();
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let p99 = |phase: &str| text["sli"][phase]["p99_s"].as_f64();
    Ok(Kept {
        name: word(&text["case"]).context("case")?,
        family: text["family"].as_str().and_then(Family::parse).context("family")?,
        level: (text["intensity"].as_u64().context("intensity")?, text["seed"].as_u64().context("seed")?),
        pid: u32::try_from(text["pid"].as_u64().context("pid")?)?,
        counts: text["counts"].as_bool().context("counts")?,
        truth: Told::parse(&text["truth"]),
        seconds: text["seconds"].as_f64().unwrap_or(0.0),
        looked_at: p99("before").zip(p99("watched")),
        files,
        place: answer.and_then(|answer| {
            Some((word(&answer["started"])?, word(&answer["host"]["kernel"])?, answer["host"]["cpus"].as_u64()?))
        }),
    })
}

/// What `perfuse` and each of the baselines say of one run.
pub(crate) struct Judged {
    /// The run.
    pub(crate) kept: Kept,
    /// The first answer of `perfuse`.
    pub(crate) said: Option<Said>,
    /// Whether it says that it cannot tell.
    pub(crate) unsure: bool,
    /// How right it is.
    pub(crate) marks: Marks,
    /// How right each baseline is, in their order.
    pub(crate) baselines: Vec<Marks>,
}

/// Asks all of them about a recording.
pub(crate) fn judge(kept: Kept, perfuse: &Path) -> Result<Judged> {
    let report = run::replay(perfuse, kept.pid, &kept.files)?;
    let (said, unsure) = (Said::all(&report), report["healthy"].is_null());
    let evidence = Evidence::read(&kept.files)?;
    let baselines = baselines::ALL.iter().map(|one| mark_resource(&(one.answer)(&evidence), &kept.truth)).collect();
    Ok(Judged { marks: mark(&said, &kept.truth), said: said.into_iter().next(), unsure, baselines, kept })
}

/// A share with its interval: `19/20 = 95 % (76-99)`.
fn share(right: usize, all: usize) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    let (low, high) = wilson(right, all);
    let percent = |share: f64| (share * 100.0).round();
    format!("{right}/{all} = {} % ({}-{})", percent(right as f64 / all as f64), percent(low), percent(high))
}

fn count(judged: &[&Judged], of: impl Fn(&Judged) -> bool) -> String {
    share(judged.iter().filter(|one| of(one)).count(), judged.len())
}

/// The result in words and tables, as Markdown.
pub(crate) fn markdown(judged: &[Judged]) -> Result<String> {
    let mut text = String::new();
    head(&mut text, judged)?;
    families(&mut text, judged)?;
    others(&mut text, judged)?;
    cases(&mut text, judged)?;
    Ok(text)
}

fn head(text: &mut String, judged: &[Judged]) -> Result<()> {
    let place = judged.iter().find_map(|one| one.kept.place.clone());
    let (date, kernel, cpus) = place.unwrap_or_default();
    let counted: Vec<&Judged> = judged.iter().filter(|one| one.kept.counts).collect();
    let date = date.split('T').next().unwrap_or_default().to_owned();
    writeln!(text, "Measured {date} on Linux {kernel}, {cpus} CPUs: {} runs, of which {} count.\n", judged.len(), {
        counted.len()
    })?;
    let mut seconds: Vec<f64> =
        counted.iter().filter(|one| one.kept.family != Family::Healthy).map(|one| one.kept.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    if let (Some(middle), Some(most)) = (seconds.get(seconds.len() / 2), seconds.last()) {
        writeln!(
            text,
            "From the moment that the victim fared worse to the answer: {middle:.1} s, {most:.1} s at most."
        )?;
    }
    let ratios: Vec<f64> =
        judged.iter().filter_map(|one| one.kept.looked_at).map(|(before, watched)| watched / before).collect();
    let at = |percent| quantile(&ratios, percent);
    writeln!(
        text,
        "The 99th percentile of the unharmed victims while they are looked at, against the three seconds before: \
         {:.2} times (a tenth of the runs below {:.2}, a tenth above {:.2}).",
        at(50),
        at(10),
        at(90),
    )?;
    writeln!(text)?;
    Ok(())
}

fn families(text: &mut String, judged: &[Judged]) -> Result<()> {
    writeln!(text, "## By family\n")?;
    writeln!(text, "Shares with their 95 % Wilson intervals. Of the healthy, right is to say nothing.\n")?;
    writeln!(text, "| family | first answer | with its culprit | among the first three | chain grounded |")?;
    writeln!(text, "|---|---|---|---|---|")?;
    let mut row = |name: &str, of: &[&Judged]| {
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} |",
            count(of, |one| one.marks.first),
            count(of, |one| one.marks.culprit),
            count(of, |one| one.marks.third),
            count(of, |one| one.marks.grounded),
        )
    };
    for family in Family::ALL {
        row(family.id(), &of_family(judged, family))?;
    }
    let all: Vec<&Judged> = judged.iter().filter(|one| one.kept.counts).collect();
    let faults: Vec<&Judged> = all.iter().copied().filter(|one| one.kept.family != Family::Healthy).collect();
    row("**all faults**", &faults)?;
    writeln!(text)?;
    Ok(())
}

fn of_family(judged: &[Judged], family: Family) -> Vec<&Judged> {
    judged.iter().filter(|one| one.kept.counts && one.kept.family == family).collect()
}

fn others(text: &mut String, judged: &[Judged]) -> Result<()> {
    writeln!(text, "## Others over the same recordings\n")?;
    writeln!(
        text,
        "Per cent of first answers that are right, and behind the stroke those with the right culprit too. Of the \
         others only the resource has to be right, not the kind and not the limit: most of them know neither.\n"
    )?;
    let names: Vec<&str> = Family::ALL.iter().map(|family| family.id()).collect();
    writeln!(text, "| | {} | all faults |", names.join(" | "))?;
    writeln!(text, "|---|{}---|", "---|".repeat(names.len()))?;
    let mut row = |name: &str, marks: &dyn Fn(&Judged) -> Marks| -> Result<()> {
        let cell = |of: &[&Judged]| {
            let percent = |right: usize| (100.0 * right as f64 / of.len().max(1) as f64).round();
            let first = percent(of.iter().filter(|one| marks(one).first).count());
            let culprit = percent(of.iter().filter(|one| marks(one).culprit).count());
            if of.is_empty() { "-".to_owned() } else { format!("{first} / {culprit}") }
        };
        let families: Vec<String> = Family::ALL.iter().map(|family| cell(&of_family(judged, *family))).collect();
        let faults: Vec<&Judged> =
            judged.iter().filter(|one| one.kept.counts && one.kept.family != Family::Healthy).collect();
        writeln!(text, "| {name} | {} | {} |", families.join(" | "), cell(&faults))?;
        Ok(())
    };
    row("**perfuse why**", &|one| one.marks)?;
    for (index, baseline) in baselines::ALL.iter().enumerate() {
        row(baseline.name, &|one| one.baselines.get(index).copied().unwrap_or_default())?;
    }
    writeln!(text)?;
    for baseline in baselines::ALL {
        writeln!(text, "- {}: {}", baseline.name, baseline.from)?;
    }
    writeln!(text)?;
    Ok(())
}

fn cases(text: &mut String, judged: &[Judged]) -> Result<()> {
    writeln!(text, "## By run\n")?;
    writeln!(text, "| case | intensity/seed | what is true | what is said | |")?;
    writeln!(text, "|---|---|---|---|---|")?;
    for one in judged {
        let verdict = match (one.kept.counts, one.marks.first, one.marks.culprit) {
            (false, ..) => "does not count",
            (true, true, true) => "right",
            (true, true, false) => "wrong culprit",
            (true, false, _) => "wrong",
        };
        let truth = if one.kept.truth.accepted.is_empty() {
            "healthy".to_owned()
        } else {
            one.kept.truth.accepted.join(" or ")
        };
        let nothing = if one.unsure { "cannot tell" } else { "healthy" };
        let said = one.said.as_ref().map_or_else(|| nothing.to_owned(), Said::short);
        let (intensity, seed) = one.kept.level;
        writeln!(text, "| {} | {intensity}/{seed} | {truth} | {said} | {verdict} |", one.kept.name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(family: Family, right: bool, counts: bool) -> Judged {
        let marks = Marks { first: right, culprit: right, third: true, grounded: right };
        let kept = Kept {
            name: "a".to_owned(),
            family,
            level: (2, 1),
            pid: 1,
            counts,
            truth: Told::default(),
            seconds: 7.0,
            looked_at: Some((0.001, 0.0011)),
            files: PathBuf::new(),
            place: Some(("2026-01-02T03:04:05Z".to_owned(), "6.18".to_owned(), 2)),
        };
        Judged { kept, said: None, unsure: false, marks, baselines: vec![Marks::default(); baselines::ALL.len()] }
    }

    #[test]
    fn the_table_counts_only_what_counts() {
        let all = [
            judged(Family::Cpu, true, true),
            judged(Family::Cpu, false, true),
            judged(Family::Cpu, false, false),
            judged(Family::Healthy, true, true),
        ];
        let text = markdown(&all).unwrap();
        assert!(text.contains("Measured 2026-01-02 on Linux 6.18, 2 CPUs: 4 runs, of which 3 count."), "{text}");
        assert!(text.contains("| cpu | 1/2 = 50 % (9-91) | 1/2 = 50 % (9-91) | 2/2 = 100 % (34-100) |"), "{text}");
        assert!(text.contains("| healthy | 1/1 = 100 %"), "{text}");
        assert!(text.contains("| **all faults** | 1/2 = 50 %"), "controls are no faults: {text}");
        assert!(text.contains("| does not count |"), "{text}");
    }
}
