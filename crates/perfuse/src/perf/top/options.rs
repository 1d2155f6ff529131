//! What `perf top` is asked for, as command lines of `record` and of `report`.

use std::ffi::OsString;

use perfuse_analyze::Msg;
use perfuse_render::perf::top::Hidden;

use crate::perf::Command;
use crate::perf::options::{
    Given, Opt, Parsed, Takes, UsageError, long_switch, long_value, short_switch, switch, value,
};

/// `perf top`.
pub(crate) const COMMAND: Command =
    Command { name: "top", usage: &["[<options>]"], options: OPTIONS, runs: false, run: super::run };

const OPTIONS: &[Opt] = &[
    switch('a', "all-cpus"),
    switch('b', "branch-any"),
    value('c', "count", "n"),
    value('C', "cpu", "cpu"),
    value('d', "delay", "n"),
    value('E', "entries", "n"),
    value('e', "event", "event"),
    value('f', "count-filter", "n"),
    value('F', "freq", "freq or 'max'"),
    short_switch('g'),
    value('G', "cgroup", "name"),
    switch('i', "no-inherit"),
    value('j', "branch-filter", "branch filter mask"),
    switch('K', "hide_kernel_symbols"),
    value('k', "vmlinux", "file"),
    value('m', "mmap-pages", "pages"),
    switch('n', "show-nr-samples"),
    value('p', "pid", "pid"),
    value('r', "realtime", "n"),
    value('s', "sort", "key[,key2...]"),
    value('t', "tid", "tid"),
    switch('U', "hide_user_symbols"),
    value('u', "uid", "user"),
    switch('v', "verbose"),
    value('w', "column-widths", "width[,width...]"),
    switch('z', "zero"),
    long_switch("all-cgroups"),
    Opt { short: None, long: Some("call-graph"), takes: Takes::Value("mode,type,threshold,limit,order,key") },
    long_switch("children"),
    long_value("comms", "comm[,comm...]"),
    long_switch("demangle-kernel"),
    long_value("dsos", "dso[,dso...]"),
    long_value("fields", "key[,keys...]"),
    long_switch("force"),
    long_switch("group"),
    long_value("ignore-callees", "regex"),
    long_switch("ignore-vmlinux"),
    long_value("kallsyms", "file"),
    long_value("max-stack", "n"),
    long_switch("namespaces"),
    long_switch("no-bpf-event"),
    long_value("num-thread-synthesize", "n"),
    long_value("percent-limit", "percent"),
    long_value("percentage", "relative|absolute"),
    long_value("proc-map-timeout", "n"),
    long_switch("raw-trace"),
    long_switch("show-total-period"),
    long_switch("stdio"),
    long_value("symbols", "symbol[,symbol...]"),
    long_switch("tui"),
];

/// Options that mean the same to `record`.
const OF_RECORD: &[&str] = &[
    "all-cpus",
    "branch-any",
    "count",
    "cpu",
    "event",
    "freq",
    "g",
    "cgroup",
    "no-inherit",
    "branch-filter",
    "mmap-pages",
    "pid",
    "realtime",
    "tid",
    "uid",
    "verbose",
    "all-cgroups",
    "group",
    "namespaces",
    "no-bpf-event",
    "num-thread-synthesize",
    "proc-map-timeout",
];

/// Options that mean the same to `report`.
const OF_REPORT: &[&str] = &[
    "vmlinux",
    "show-nr-samples",
    "sort",
    "column-widths",
    "children",
    "comms",
    "demangle-kernel",
    "dsos",
    "fields",
    "ignore-callees",
    "ignore-vmlinux",
    "kallsyms",
    "max-stack",
    "percent-limit",
    "percentage",
    "raw-trace",
    "show-total-period",
    "symbols",
    "branch-any",
];

/// perf's sort of `top`, `dso,symbol`: the whole word would bring columns of `report` with it.
const SORT: &str = "dso,sym";
/// Lines of a screen of text.
const LINES: usize = 20;

/// The command line, understood.
pub(super) struct Options {
    /// As `record` would be called.
    pub(super) record: Parsed,
    /// As `report` would be called.
    pub(super) report: Parsed,
    /// Seconds between refreshes.
    pub(super) delay: u64,
    /// Lines of a screen of text.
    pub(super) entries: usize,
    pub(super) zero: bool,
    pub(super) hidden: Hidden,
    /// `None`: the terminal decides.
    pub(super) stdio: Option<bool>,
    /// What is watched, in perf's words: `(all`, `(target_pid: 7`.
    pub(super) target: String,
}

fn given(id: &str, value: &str) -> Given {
    Given { id: id.to_owned(), value: Some(OsString::from(value)), negated: false }
}

impl Options {
    /// The options of a command line.
    pub(super) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        if let Some(word) = parsed.rest.first() {
            return Err(UsageError(Msg::new("usage-surplus-word").with("word", word.to_string_lossy().into_owned())));
        }
        let of = |ids: &[&str]| {
            let wanted = parsed.given.iter().filter(|given| ids.contains(&given.id.as_str()));
            Parsed { given: wanted.cloned().collect(), rest: Vec::new() }
        };
        let (mut record, mut report) = (of(OF_RECORD), of(OF_REPORT));
        let chain = parsed.text("call-graph");
        if let Some(text) = &chain {
            let (mode, rest) = call_graph(text);
            record.given.push(given("call-graph", &mode));
            report.given.push(given("call-graph", &rest));
        }
        if report.last("sort").is_none() && report.last("fields").is_none() {
            report.given.push(given("sort", SORT));
        }
        for given in report.given.iter_mut().filter(|given| given.id == "sort") {
            let keys = given.value.as_ref().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
            let keys: Vec<&str> = keys.split(',').map(|key| if key == "symbol" { "sym" } else { key }).collect();
            given.value = Some(OsString::from(keys.join(",")));
        }
        let positive = |id: &str, usual: u64| match parsed.number::<u64>(id)? {
            None => Ok(usual),
            Some(number) if number > 0 && number < 1 << 32 => Ok(number),
            Some(number) => Err(UsageError::value(id, &number.to_string(), Msg::new("usage-perf-number"))),
        };
        let target = match () {
            () if parsed.last("pid").is_some() => format!("(target_pid: {}", parsed.text("pid").unwrap_or_default()),
            () if parsed.last("tid").is_some() => format!("(target_tid: {}", parsed.text("tid").unwrap_or_default()),
            () if parsed.last("uid").is_some() => format!("(uid: {}", parsed.text("uid").unwrap_or_default()),
            () => "(all".to_owned(),
        };
        let target = match parsed.text("cpu") {
            Some(list) => {
                let several = if list.contains([',', '-']) { "s" } else { "" };
                format!("{target}, CPU{several}: {list})")
            }
            None if parsed.last("tid").is_some() => format!("{target})"),
            None => {
                let count = perfuse_collect::perf::cpus::online(&perfuse_collect::Root::default()).len();
                format!("{target}, {count} CPU{})", if count == 1 { "" } else { "s" })
            }
        };
        Ok(Self {
            record,
            report,
            delay: positive("delay", 2)?,
            entries: usize::try_from(positive("entries", LINES as u64)?).unwrap_or(LINES),
            zero: parsed.on("zero"),
            hidden: Hidden {
                kernel: parsed.on("hide_kernel_symbols"),
                user: parsed.on("hide_user_symbols"),
                fewer: parsed.number("count-filter")?.unwrap_or(0),
            },
            stdio: match (parsed.on("tui"), parsed.on("stdio")) {
                (true, false) => Some(false),
                (_, true) => Some(true),
                (false, false) => None,
            },
            target,
        })
    }
}

/// `--call-graph` as `record` and as `report` take it: `dwarf,4096,graph,0.5,caller`.
fn call_graph(text: &str) -> (String, String) {
    let words: Vec<&str> = text.split(',').collect();
    let (mode, rest) = match words[..] {
        [mode @ ("fp" | "dwarf" | "lbr" | "unwind"), ref rest @ ..] => (mode, rest),
        ref rest => ("fp", rest),
    };
    match rest.split_first() {
        Some((size, rest)) if matches!(mode, "dwarf" | "unwind") && size.parse::<u32>().is_ok() => {
            (format!("{mode},{size}"), rest.join(","))
        }
        _ => (mode.to_owned(), rest.join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::options::{Grammar, parse_line};

    fn options(line: &str) -> Result<Options, UsageError> {
        Options::of(&parse_line(Grammar { options: OPTIONS, runs: false }, line)?)
    }

    #[test]
    fn a_line_is_one_of_record_and_one_of_report() {
        let all = options("-F 49 -ns comm,dso -e cs -p 7 --call-graph dwarf,4096,caller -K -z -d 5").unwrap();
        assert_eq!(all.record.text("freq").as_deref(), Some("49"));
        assert_eq!(all.record.text("call-graph").as_deref(), Some("dwarf,4096"));
        assert_eq!(all.record.text("event").as_deref(), Some("cs"));
        assert_eq!(all.report.text("sort").as_deref(), Some("comm,dso"));
        assert_eq!(all.report.text("call-graph").as_deref(), Some("caller"));
        assert!(all.report.on("show-nr-samples") && all.record.last("no-samples").is_none());
        assert!(all.hidden.kernel && all.zero && all.delay == 5);
        assert!(all.target.starts_with("(target_pid: 7, "), "{}", all.target);
        assert_eq!(options("").unwrap().report.text("sort").as_deref(), Some(SORT));
        assert_eq!(options("-s comm,symbol").unwrap().report.text("sort").as_deref(), Some("comm,sym"));
    }

    #[test]
    fn wrong_values_are_refused() {
        for line in ["-d 0", "-d x", "-E 0", "ls", "-f x"] {
            assert!(options(line).is_err(), "{line}");
        }
        assert_eq!(call_graph("fp,graph,0.5"), ("fp".to_owned(), "graph,0.5".to_owned()));
        assert_eq!(call_graph("graph"), ("fp".to_owned(), "graph".to_owned()));
    }
}
