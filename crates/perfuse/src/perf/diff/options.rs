//! What `perf diff` is asked for.

use std::collections::BTreeSet;

use perfuse_analyze::Msg;
use perfuse_analyze::hist::{Compute, Histograms, Key};

use crate::perf::Command;
use crate::perf::options::{Opt, Parsed, UsageError, long_switch, long_value, switch, value};

/// `perf diff`.
pub(crate) const COMMAND: Command = Command {
    name: "diff",
    usage: &["[<options>] [old_file] [new_file]"],
    options: OPTIONS,
    runs: false,
    run: super::run,
};

const OPTIONS: &[Opt] = &[
    switch('b', "baseline-only"),
    value('C', "comms", "comm[,comm...]"),
    value('c', "compute", "delta,delta-abs,ratio,wdiff:w1,w2"),
    value('d', "dsos", "dso[,dso...]"),
    switch('D', "dump-raw-trace"),
    switch('f', "force"),
    switch('F', "formula"),
    switch('m', "modules"),
    value('o', "order", "n"),
    switch('p', "period"),
    switch('q', "quiet"),
    value('s', "sort", "key[,key2...]"),
    value('S', "symbols", "symbol[,symbol...]"),
    value('t', "field-separator", "separator"),
    switch('v', "verbose"),
    long_value("cpu", "cpu"),
    long_switch("cycles-hist"),
    long_value("kallsyms", "file"),
    long_value("percentage", "relative|absolute"),
    long_value("pid", "pid[,pid...]"),
    long_switch("stream"),
    long_value("symfs", "directory"),
    long_value("tid", "tid[,tid...]"),
    long_value("time", "str"),
];

/// Recordings that one command compares at most.
pub(super) const MOST_FILES: usize = 64;
/// What lines differ in unless something else is said.
const SORT: &str = "dso,sym";
/// The recordings that are compared where none is named.
const DEFAULTS: [&str; 2] = ["perf.data.old", "perf.data"];

/// The command line, understood.
#[expect(clippy::struct_excessive_bools, reason = "one switch of the command line each")]
pub(super) struct Options {
    /// The recordings, the baseline first.
    pub(super) files: Vec<String>,
    pub(super) compute: Compute,
    pub(super) sort_by: usize,
    pub(super) baseline_only: bool,
    pub(super) formula: bool,
    pub(super) period: bool,
    pub(super) dump: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) relative: bool,
    pub(super) sort: String,
    pub(super) separator: Option<String>,
    pub(super) comms: Option<BTreeSet<String>>,
    pub(super) dsos: Option<BTreeSet<String>>,
    pub(super) symbols: Option<BTreeSet<String>>,
    pub(super) pids: Option<BTreeSet<i32>>,
    pub(super) tids: Option<BTreeSet<i32>>,
    pub(super) cpus: Option<BTreeSet<u32>>,
    time: Option<String>,
}

impl Options {
    /// The options of a command line.
    pub(super) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        for (id, why) in [("cycles-hist", "diff-no-cycles"), ("stream", "diff-no-stream")] {
            if parsed.on(id) {
                return Err(UsageError(Msg::new(why)));
            }
        }
        let named: Vec<String> = parsed.rest.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let files = match named.as_slice() {
            [] => DEFAULTS.map(str::to_owned).to_vec(),
            [new] => vec![DEFAULTS[0].to_owned(), new.clone()],
            _ => named,
        };
        if files.len() > MOST_FILES {
            let message = Msg::new("diff-files").with("most", MOST_FILES as u64).with("files", files.len() as u64);
            return Err(UsageError(message));
        }
        Ok(Self {
            files,
            compute: compute(parsed.text("compute").as_deref())?,
            sort_by: parsed.number("order")?.unwrap_or(1),
            baseline_only: parsed.on("baseline-only"),
            formula: parsed.on("formula"),
            period: parsed.on("period"),
            dump: parsed.on("dump-raw-trace"),
            quiet: parsed.on("quiet"),
            verbose: parsed.on("verbose"),
            relative: relative(parsed.text("percentage").as_deref())?,
            sort: sort(parsed.text("sort")),
            separator: parsed.text("field-separator").map(|text| if text == "\\t" { "\t".to_owned() } else { text }),
            comms: parsed.words("comms"),
            dsos: parsed.words("dsos"),
            symbols: parsed.words("symbols"),
            pids: parsed.numbers("pid")?,
            tids: parsed.numbers("tid")?,
            cpus: parsed.cpus("cpu")?,
            time: parsed.text("time"),
        })
    }

    /// The times of a recording that are looked at: shares go for all of them; of absolute times each has its own, and
    /// those behind the last are looked at as a whole.
    pub(super) fn time_of(&self, file: usize) -> Option<&str> {
        let text = self.time.as_deref()?;
        if text.contains('%') { Some(text) } else { text.split(':').nth(file) }
    }

    /// Columns of which a filter leaves one value only, unless nothing else would be left.
    pub(super) fn elided(&self, hists: &Histograms) -> Vec<(Key, String)> {
        let lists = [(Key::Comm, &self.comms), (Key::Dso, &self.dsos), (Key::Symbol, &self.symbols)];
        let one = |key: Key| {
            let (_, list) = lists.iter().find(|(other, _)| *other == key)?;
            list.as_ref().filter(|list| list.len() == 1)?;
            Some((key, String::new()))
        };
        let keys: Vec<Key> = hists.settings.columns.keys().collect();
        let elided: Vec<(Key, String)> = keys.iter().copied().filter_map(one).collect();
        if elided.len() == keys.len() { Vec::new() } else { elided }
    }
}

/// The keys in their order; with a leading `+` on top of the default.
fn sort(text: Option<String>) -> String {
    match text {
        None => SORT.to_owned(),
        Some(text) => match text.strip_prefix('+') {
            Some(more) => format!("{SORT},{more}"),
            None => text,
        },
    }
}

fn relative(text: Option<&str>) -> Result<bool, UsageError> {
    match text {
        None | Some("absolute") => Ok(false),
        Some("relative") => Ok(true),
        Some(text) => Err(UsageError::value("percentage", text, Msg::new("diff-percentage"))),
    }
}

/// `delta`, or `wdiff:1,2`.
fn compute(text: Option<&str>) -> Result<Compute, UsageError> {
    let Some(text) = text else { return Ok(Compute::DeltaAbs) };
    let (name, weights) = text.split_once(':').map_or((text, None), |(name, weights)| (name, Some(weights)));
    let wrong = |id: &str| UsageError::value("compute", text, Msg::new(id));
    match (name, weights) {
        ("delta", None) => Ok(Compute::Delta),
        ("delta-abs", None) => Ok(Compute::DeltaAbs),
        ("ratio", None) => Ok(Compute::Ratio),
        ("wdiff", weights) => {
            let (first, second) = weights.and_then(|weights| weights.split_once(',')).unwrap_or_default();
            let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number != 0);
            let (Some(first), Some(second)) = (number(first), number(second)) else {
                return Err(wrong("diff-weights"));
            };
            Ok(Compute::Weighted(first, second))
        }
        ("cycles", None) => Err(UsageError(Msg::new("diff-no-cycles"))),
        _ => Err(wrong("diff-compute")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computations_have_names_and_weights() {
        assert_eq!(compute(None), Ok(Compute::DeltaAbs));
        assert_eq!(compute(Some("delta")), Ok(Compute::Delta));
        assert_eq!(compute(Some("wdiff:1,-2")), Ok(Compute::Weighted(1, -2)));
        for wrong in ["wdiff", "wdiff:1", "wdiff:0,1", "wdiff:1,x", "delta:1,2", "cycles", "x"] {
            assert!(compute(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_may_come_on_top() {
        assert_eq!(
            (sort(None), sort(Some("+comm".into())), sort(Some("comm".into()))),
            ("dso,sym".into(), "dso,sym,comm".into(), "comm".into())
        );
    }
}
