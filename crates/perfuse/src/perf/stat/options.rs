//! The options of `perf stat`, and what they resolve to.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::stat::Aggregation;
use perfuse_render::perf::stat::Format;

use super::metrics::Sharing;
use crate::perf::options::{
    Grammar, Opt, Parsed, UsageError, long_optional, long_switch, long_value, parse, switch, value,
};

/// The table.
pub(super) const OPTIONS: &[Opt] = &[
    switch('a', "all-cpus"),
    switch('A', "no-aggr"),
    switch('B', "big-num"),
    value('C', "cpu", "cpu"),
    value('D', "delay", "ms"),
    switch('d', "detailed"),
    value('e', "event", "event"),
    value('G', "cgroup", "name"),
    switch('g', "group"),
    value('I', "interval-print", "ms"),
    switch('i', "no-inherit"),
    switch('j', "json-output"),
    value('M', "metrics", "metric/metric group list"),
    switch('n', "null"),
    value('o', "output", "file"),
    value('p', "pid", "pid"),
    value('r', "repeat", "n"),
    switch('S', "sync"),
    value('t', "tid", "tid"),
    switch('T', "transaction"),
    switch('v', "verbose"),
    value('x', "field-separator", "separator"),
    long_switch("all-kernel"),
    long_switch("all-user"),
    long_switch("append"),
    long_value("control", "fd:ctl-fd[,ack-fd] or fifo:ctl-fifo[,ack-fifo]"),
    long_value("cputype", "hybrid cpu type"),
    long_value("filter", "filter"),
    long_value("for-each-cgroup", "name"),
    long_switch("hybrid-merge"),
    long_switch("interval-clear"),
    long_value("interval-count", "n"),
    long_value("log-fd", "n"),
    long_switch("metric-no-group"),
    long_switch("metric-no-merge"),
    long_switch("metric-only"),
    long_switch("no-csv-summary"),
    long_switch("no-merge"),
    long_switch("per-core"),
    long_switch("per-die"),
    long_switch("per-node"),
    long_switch("per-socket"),
    long_switch("per-thread"),
    long_switch("percore-show-thread"),
    long_value("post", "command"),
    long_value("pre", "command"),
    long_switch("quiet"),
    long_switch("scale"),
    long_switch("smi-cost"),
    long_switch("summary"),
    long_switch("table"),
    long_value("td-level", "n"),
    long_value("timeout", "ms"),
    long_switch("topdown"),
    long_optional("iostat", "default"),
];

/// Those of `perf stat report`.
pub(super) const REPORT_OPTIONS: &[Opt] = &[
    switch('A', "no-aggr"),
    value('i', "input", "file"),
    long_switch("per-core"),
    long_switch("per-die"),
    long_switch("per-node"),
    long_switch("per-socket"),
    long_switch("per-thread"),
];

/// Events, and filters of the events before them, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `-e`.
    Events(String),
    /// `--filter`.
    Filter(String),
    /// `-G`: a cgroup for each of the events so far.
    Cgroups(String),
}

/// Where the result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sink {
    /// Standard error, where perf writes it.
    Stderr,
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// Whether what is in it stays.
        append: bool,
    },
    /// An open descriptor.
    Descriptor(u32),
}

/// When counting begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delay {
    /// With the command.
    None,
    /// So long after the command started.
    After(Duration),
    /// Never by itself.
    Never,
}

/// The resolved options.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of perf's command line")]
pub(super) struct Plan {
    pub(super) wanted: Vec<Wanted>,
    pub(super) for_each_cgroup: Option<String>,
    pub(super) detailed: usize,
    pub(super) system_wide: bool,
    pub(super) cpus: Option<String>,
    pub(super) pids: Option<String>,
    pub(super) tids: Option<String>,
    pub(super) aggregation: Aggregation,
    pub(super) group: bool,
    pub(super) inherit: bool,
    pub(super) all_user: bool,
    pub(super) all_kernel: bool,
    pub(super) null: bool,
    pub(super) unscaled: bool,
    pub(super) merge: bool,
    pub(super) repeat: Option<u64>,
    pub(super) table: bool,
    pub(super) delay: Delay,
    pub(super) interval: Option<Duration>,
    pub(super) interval_count: Option<u64>,
    pub(super) interval_clear: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) summary: bool,
    pub(super) csv_summary: bool,
    pub(super) sync: bool,
    pub(super) pre: Option<String>,
    pub(super) post: Option<String>,
    pub(super) format: Format,
    pub(super) big_numbers: bool,
    pub(super) metric_only: bool,
    pub(super) metrics: Option<String>,
    pub(super) sharing: Sharing,
    pub(super) topdown: bool,
    pub(super) topdown_level: u64,
    pub(super) transaction: bool,
    pub(super) percore_threads: bool,
    /// Events of the same name on the kinds of cores of a hybrid CPU are one row.
    pub(super) hybrid_merge: bool,
    pub(super) control: Option<String>,
    pub(super) sink: Sink,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) command: Vec<OsString>,
    /// The file of `perf stat record`.
    pub(super) record: Option<PathBuf>,
}

fn refuse(id: &str) -> UsageError {
    UsageError(Msg::new(id))
}

fn milliseconds(parsed: &Parsed, id: &str) -> Result<Option<Duration>, UsageError> {
    Ok(parsed.number::<u64>(id)?.filter(|number| *number > 0).map(Duration::from_millis))
}

impl Plan {
    /// The plan of `perf stat record`: `-o` names the file of the counts, and the table goes where it goes without.
    pub(super) fn recording(outer: &Parsed) -> Result<Self, UsageError> {
        let words = outer.rest.get(1..).unwrap_or_default();
        let inner = parse(Grammar { options: OPTIONS, runs: true }, words)?;
        let mut all = Parsed { given: outer.given.clone(), rest: inner.rest };
        all.given.extend(inner.given);
        let path = all.text("output").unwrap_or_else(|| "perf.data".to_owned());
        all.given.retain(|given| given.id != "output");
        let mut plan = Self::new(&all)?;
        plan.record = Some(path.into());
        Ok(plan)
    }

    pub(super) fn new(parsed: &Parsed) -> Result<Self, UsageError> {
        let format = format(parsed)?;
        let interval = milliseconds(parsed, "interval-print")?;
        let timeout = milliseconds(parsed, "timeout")?;
        let interval_count = parsed.number::<u64>("interval-count")?.filter(|count| *count > 0);
        if parsed.on("table") && parsed.last("repeat").is_none() {
            return Err(refuse("usage-stat-table"));
        }
        if interval_count.is_some() && interval.is_none() {
            return Err(refuse("usage-stat-interval-count"));
        }
        if timeout.is_some_and(|timeout| timeout < Duration::from_millis(10)) {
            return Err(refuse("usage-stat-timeout"));
        }
        if timeout.is_some() && interval.is_some() {
            return Err(refuse("usage-stat-timeout-interval"));
        }
        let delay = match parsed.number::<i64>("delay")?.unwrap_or(0) {
            0 => Delay::None,
            ..0 => Delay::Never,
            delay => Delay::After(Duration::from_millis(delay.unsigned_abs())),
        };
        let repeat = match parsed.number::<u64>("repeat")? {
            None => Some(1),
            Some(0) => None,
            Some(runs) => Some(runs),
        };
        let plan = Self {
            wanted: wanted(parsed),
            for_each_cgroup: parsed.text("for-each-cgroup"),
            detailed: parsed.count("detailed"),
            system_wide: parsed.on("all-cpus"),
            cpus: parsed.text("cpu"),
            pids: parsed.text("pid"),
            tids: parsed.text("tid"),
            aggregation: aggregation(parsed),
            group: parsed.on("group"),
            inherit: !parsed.on("no-inherit"),
            all_user: parsed.on("all-user"),
            all_kernel: parsed.on("all-kernel"),
            null: parsed.on("null"),
            unscaled: parsed.last("scale").is_some_and(|given| given.negated),
            merge: !parsed.on("no-merge"),
            repeat,
            table: parsed.on("table"),
            delay,
            interval,
            interval_count,
            interval_clear: parsed.on("interval-clear"),
            timeout,
            summary: parsed.on("summary"),
            csv_summary: !parsed.on("no-csv-summary"),
            sync: parsed.on("sync"),
            pre: parsed.text("pre"),
            post: parsed.text("post"),
            format,
            big_numbers: parsed.last("big-num").is_none_or(|given| !given.negated),
            metric_only: parsed.on("metric-only"),
            metrics: parsed.text("metrics"),
            sharing: Sharing { group: !parsed.on("metric-no-group"), merge: !parsed.on("metric-no-merge") },
            topdown: parsed.on("topdown"),
            topdown_level: parsed.number::<u64>("td-level")?.unwrap_or(0),
            transaction: parsed.on("transaction"),
            percore_threads: parsed.on("percore-show-thread"),
            hybrid_merge: parsed.on("hybrid-merge"),
            control: parsed.text("control"),
            sink: sink(parsed)?,
            quiet: parsed.on("quiet"),
            verbose: parsed.on("verbose"),
            command: parsed.rest.clone(),
            record: None,
        };
        plan.checked()
    }

    /// Whether a task is watched wherever it runs.
    pub(super) fn watches_tasks(&self) -> bool {
        self.pids.is_some() || self.tids.is_some()
    }

    /// Whether CPUs are watched, whoever runs on them.
    pub(super) fn watches_cpus(&self) -> bool {
        self.system_wide || self.cpus.is_some()
    }

    /// Fills in what follows from other options, and refuses what does not go together.
    fn checked(mut self) -> Result<Self, UsageError> {
        let per_thread = self.aggregation == Aggregation::Thread;
        if !self.watches_tasks() && !self.watches_cpus() && self.command.is_empty() {
            // Without a command everything is measured, until a signal comes.
            self.system_wide = true;
        }
        if per_thread && !self.watches_tasks() && !self.system_wide {
            return Err(refuse("usage-stat-per-thread"));
        }
        let cgroups = self.for_each_cgroup.is_some() || self.wanted.iter().any(|one| matches!(one, Wanted::Cgroups(_)));
        let by_cpu = !matches!(self.aggregation, Aggregation::Global | Aggregation::Thread);
        if (cgroups || by_cpu) && (self.watches_tasks() || !self.watches_cpus()) {
            return Err(refuse("usage-stat-system-wide"));
        }
        // As perf: tasks win over CPUs.
        if self.watches_tasks() {
            self.system_wide = false;
            self.cpus = None;
        }
        if self.summary && self.interval.is_none() {
            self.summary = false;
        }
        Ok(self)
    }
}

fn format(parsed: &Parsed) -> Result<Format, UsageError> {
    let big_numbers = parsed.on("big-num");
    if let Some(separator) = parsed.text("field-separator") {
        if big_numbers {
            return Err(refuse("usage-stat-big-num"));
        }
        return Ok(Format::Fields(if separator == "\\t" { "\t".to_owned() } else { separator }));
    }
    if parsed.on("json-output") {
        return if big_numbers { Err(refuse("usage-stat-big-num")) } else { Ok(Format::Json) };
    }
    Ok(Format::Text)
}

fn sink(parsed: &Parsed) -> Result<Sink, UsageError> {
    let file = parsed.last("output").and_then(|given| given.value.clone());
    let descriptor = parsed.number::<i64>("log-fd")?;
    match (file, descriptor) {
        (Some(_), Some(_)) => Err(refuse("usage-stat-two-outputs")),
        // As perf, which takes it for "no file".
        (Some(path), None) if path == "-" => Ok(Sink::Stderr),
        (Some(path), None) => Ok(Sink::File { path: path.into(), append: parsed.on("append") }),
        (None, Some(number)) => match u32::try_from(number) {
            Ok(number) => Ok(Sink::Descriptor(number)),
            Err(_) => Err(refuse("usage-stat-log-fd")),
        },
        (None, None) if parsed.on("append") => Err(refuse("usage-stat-append")),
        (None, None) => Ok(Sink::Stderr),
    }
}

/// Options that say what a row is.
const AGGREGATIONS: [(&str, Aggregation); 6] = [
    ("no-aggr", Aggregation::Cpu),
    ("per-core", Aggregation::Core),
    ("per-die", Aggregation::Die),
    ("per-socket", Aggregation::Socket),
    ("per-node", Aggregation::Node),
    ("per-thread", Aggregation::Thread),
];

/// The last one that was given.
pub(super) fn aggregation(parsed: &Parsed) -> Aggregation {
    let given = parsed.given.iter().rev().filter(|given| !given.negated);
    let known = given.filter_map(|given| AGGREGATIONS.iter().find(|(id, _)| *id == given.id));
    known.map(|(_, aggregation)| *aggregation).next().unwrap_or_default()
}

/// Whether one was given.
pub(super) fn chosen(parsed: &Parsed) -> bool {
    AGGREGATIONS.iter().any(|(id, _)| parsed.on(id))
}

fn wanted(parsed: &Parsed) -> Vec<Wanted> {
    let one = |given: &crate::perf::options::Given| {
        let text = given.value.as_ref()?.to_string_lossy().into_owned();
        match given.id.as_str() {
            "event" => Some(Wanted::Events(text)),
            "filter" => Some(Wanted::Filter(text)),
            "cgroup" => Some(Wanted::Cgroups(text)),
            _ => None,
        }
    };
    parsed.given.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &str) -> Result<Plan, String> {
        let words: Vec<OsString> = line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect();
        let parsed = parse(Grammar { options: OPTIONS, runs: true }, &words).map_err(|error| error.0.id)?;
        Plan::new(&parsed).map_err(|error| error.0.id)
    }

    #[test]
    fn lines_are_resolved() {
        let all = plan("-e cs --filter x -e faults -I1000 -a").unwrap();
        let wanted = [Wanted::Events("cs".into()), Wanted::Filter("x".into()), Wanted::Events("faults".into())];
        assert_eq!(all.wanted, wanted);
        assert_eq!((all.interval, all.system_wide), (Some(Duration::from_secs(1)), true));
        let command = plan("-ddd -r3 --table -x \\t ./w -a").unwrap();
        assert_eq!((command.detailed, command.repeat, command.table, command.system_wide), (3, Some(3), true, false));
        assert_eq!(command.format, Format::Fields("\t".to_owned()));
        assert_eq!(command.command, ["./w", "-a"]);
        assert_eq!(plan("-r 0 ls").unwrap().repeat, None);
        assert_eq!(plan("-D -1 ls").unwrap().delay, Delay::Never);
        assert!(plan("--no-big-num ls").is_ok_and(|plan| !plan.big_numbers));
        assert!(plan("--no-scale ls").is_ok_and(|plan| plan.unscaled));
        assert_eq!(plan("-a --per-core --per-socket").unwrap().aggregation, Aggregation::Socket);
    }

    #[test]
    fn without_a_command_everything_is_measured() {
        assert!(plan("-e cs").unwrap().system_wide);
        assert!(!plan("-p 1").unwrap().system_wide);
        let both = plan("-a -p 1 sleep 1").unwrap();
        assert!(!both.system_wide && both.watches_tasks());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (line, id) in [
            ("--interval-count 2 ls", "usage-stat-interval-count"),
            ("--timeout 5 ls", "usage-stat-timeout"),
            ("--table ls", "usage-stat-table"),
            ("-x, -B ls", "usage-stat-big-num"),
            ("-j -B ls", "usage-stat-big-num"),
            ("--per-core ls", "usage-stat-system-wide"),
            ("-e cs -G a ls", "usage-stat-system-wide"),
            ("--per-thread ls", "usage-stat-per-thread"),
            ("--append ls", "usage-stat-append"),
            ("-o f --log-fd 3 ls", "usage-stat-two-outputs"),
            ("--log-fd -3 ls", "usage-stat-log-fd"),
            ("-I x ls", "usage-perf-value"),
            ("-I 100 --timeout 100 ls", "usage-stat-timeout-interval"),
        ] {
            assert_eq!(plan(line).unwrap_err(), id, "{line}");
        }
    }
}
