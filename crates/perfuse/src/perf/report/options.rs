//! What `perf report` is asked for.

use std::collections::BTreeSet;

use perfuse_analyze::Msg;
use perfuse_analyze::hist::{ChainKey, ChainOptions, ChainValue, Style};
use regex::Regex;

use crate::perf::Command;
use crate::perf::annotate::percent_type;
use crate::perf::options::{Opt, Parsed, Takes, UsageError, long_optional, long_switch, long_value, switch, value};
use crate::perf::recorded::Header;

/// `perf report`.
pub(crate) const COMMAND: Command =
    Command { name: "report", usage: &["[<options>]"], options: OPTIONS, runs: false, run: super::run };

const OPTIONS: &[Opt] = &[
    switch('b', "branch-stack"),
    value('c', "comms", "comm[,comm...]"),
    value('C', "cpu", "cpu"),
    value('d', "dsos", "dso[,dso...]"),
    value('F', "fields", "key[,keys...]"),
    switch('D', "dump-raw-trace"),
    switch('f', "force"),
    Opt {
        short: Some('g'),
        long: Some("call-graph"),
        takes: Takes::UnlessLast("type,threshold,limit,order,key,value"),
    },
    switch('G', "inverted"),
    value('i', "input", "file"),
    switch('I', "show-info"),
    value('k', "vmlinux", "file"),
    value('M', "disassembler-style", "style"),
    switch('m', "modules"),
    switch('n', "show-nr-samples"),
    value('p', "parent", "regex"),
    switch('q', "quiet"),
    value('s', "sort", "key[,key2...]"),
    value('S', "symbols", "symbol[,symbol...]"),
    value('t', "field-separator", "separator"),
    switch('T', "threads"),
    switch('U', "hide-unresolved"),
    switch('v', "verbose"),
    value('w', "column-widths", "width[,width...]"),
    switch('x', "exclude-other"),
    long_switch("asm-raw"),
    long_switch("branch-history"),
    long_switch("children"),
    long_switch("demangle"),
    long_switch("demangle-kernel"),
    long_switch("disable-order"),
    long_switch("full-source-path"),
    long_switch("group"),
    long_value("group-sort-idx", "n"),
    long_switch("header"),
    long_switch("header-only"),
    long_value("ignore-callees", "regex"),
    long_switch("ignore-vmlinux"),
    long_switch("hierarchy"),
    long_switch("inline"),
    long_optional("itrace", "opts"),
    long_value("kallsyms", "file"),
    long_value("max-stack", "n"),
    long_switch("mem-mode"),
    long_switch("mmaps"),
    long_switch("ns"),
    long_value("objdump", "path"),
    long_value("percent-limit", "percent"),
    long_value("percent-type", "local|global-period|hits"),
    long_value("percentage", "relative|absolute"),
    long_value("pid", "pid[,pid...]"),
    long_value("prefix", "prefix"),
    long_value("prefix-strip", "n"),
    long_value("pretty", "normal|raw"),
    long_switch("raw-trace"),
    long_value("samples", "n"),
    long_switch("show-cpu-utilization"),
    long_switch("show-on-off-events"),
    long_switch("show-ref-call-graph"),
    long_switch("show-total-period"),
    long_switch("skip-empty"),
    long_value("socket-filter", "n"),
    long_switch("source"),
    long_switch("stats"),
    long_switch("stdio"),
    long_value("stdio-color", "mode"),
    long_switch("stitch-lbr"),
    long_value("switch-off", "event"),
    long_value("switch-on", "event"),
    long_value("symbol-filter", "filter"),
    long_value("symfs", "directory"),
    long_switch("tasks"),
    long_value("tid", "tid[,tid...]"),
    long_value("time", "str"),
    long_value("time-quantum", "time"),
    long_switch("total-cycles"),
    long_switch("tui"),
];

/// perf's own expression for functions that are parents.
const DEFAULT_PARENT: &str = "^sys_|^do_page_fault";

/// The command line, understood.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one switch of the command line each")]
pub(super) struct Options {
    pub input: Option<String>,
    pub header: Header,
    pub info: bool,
    /// `--stats`: counts of records instead of tables.
    pub stats: bool,
    /// `--tasks`, `--mmaps`: who made whom, and what they mapped.
    pub tasks: bool,
    pub mmaps: bool,
    /// `-D`.
    pub dump: bool,
    /// `--group-sort-idx`.
    pub group_sort: usize,
    /// `--switch-on`, `--switch-off`, `--show-on-off-events`.
    pub switch_on: Option<String>,
    pub switch_off: Option<String>,
    pub show_switches: bool,
    /// `--disable-order` with `-D`: records in the order of the file. Without, it changes nothing, as in perf.
    pub unordered: bool,
    /// `--hierarchy`.
    pub hierarchy: bool,
    /// `--raw-trace`.
    pub raw_trace: bool,
    /// `-T`: counts of threads behind the report, and whether a line is of one count only.
    pub threads: bool,
    pub raw_threads: bool,
    pub sort: Option<String>,
    pub fields: Option<String>,
    pub chain: ChainOptions,
    /// Whether `-g` or `-G` was given.
    pub chain_asked: bool,
    /// Whether chains begin with the outermost caller; `None` unless it was said.
    pub caller_first: Option<bool>,
    pub children: bool,
    /// Whether that was switched off by name.
    pub no_children: bool,
    /// `-b`, `--no-branch-stack`; else what the file has decides.
    pub branches: Option<bool>,
    pub memory: bool,
    pub samples: bool,
    pub period: bool,
    pub cpu_utilization: bool,
    pub separator: Option<String>,
    pub widths: Vec<usize>,
    pub verbose: bool,
    pub quiet: bool,
    pub min_percent: f64,
    pub relative: bool,
    pub hide_unresolved: bool,
    pub comms: Option<BTreeSet<String>>,
    pub dsos: Option<BTreeSet<String>>,
    pub symbols: Option<BTreeSet<String>>,
    pub symbol_filter: Option<String>,
    pub pids: Option<BTreeSet<i32>>,
    pub tids: Option<BTreeSet<i32>>,
    pub cpus: Option<BTreeSet<u32>>,
    pub socket: Option<i32>,
    pub parent: Regex,
    /// Whether `-p` was given: then lines are of parents too.
    pub parent_asked: bool,
    pub exclude_other: bool,
    pub ignore_callees: Option<Regex>,
    pub time: Option<String>,
    pub time_quantum: u64,
    pub nanoseconds: bool,
    pub max_stack: usize,
    pub inlines: bool,
    pub skip_empty: bool,
    pub full_source_path: bool,
    /// `--group`, `--no-group`.
    pub group: Option<bool>,
    /// `--stdio`, `--tui`; else the terminal decides.
    pub stdio: Option<bool>,
    pub color: Option<String>,
}

fn expression(id: &str, text: &str) -> Result<Regex, UsageError> {
    Regex::new(text).map_err(|_| UsageError::value(id, text, Msg::new("perf-report-regex")))
}

/// A number at the start of a text, as `strtod` reads it.
fn leading_number(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+')).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn prefix_of<T: Copy>(word: &str, names: &[(&str, T)]) -> Option<T> {
    names.iter().find(|(name, _)| name.starts_with(word)).map(|(_, value)| *value)
}

impl Options {
    /// The options of a command line.
    pub(super) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        let mut options = Self::plain(parsed)?;
        refuse(parsed)?;
        if options.hierarchy
            && let Some(fields) = &options.fields
        {
            return Err(UsageError::value("fields", fields, Msg::new("perf-report-hierarchy-fields")));
        }
        for given in &parsed.given {
            match given.id.as_str() {
                "call-graph" if given.negated => options.chain.style = Style::None,
                "call-graph" => {
                    options.chain_asked = true;
                    let list = given.value.as_ref().map(|value| value.to_string_lossy().into_owned());
                    options.chains(&list.unwrap_or_default())?;
                }
                // The limit of lines is that of call chains too.
                "percent-limit" => options.chain.min_percent = options.min_percent,
                "inverted" => {
                    options.chain_asked = true;
                    options.caller_first = Some(true);
                }
                _ => {}
            }
        }
        Ok(options)
    }

    fn plain(parsed: &Parsed) -> Result<Self, UsageError> {
        let on_unless_negated = |id: &str| parsed.last(id).is_none_or(|given| !given.negated);
        let parent = parsed.text("parent");
        Ok(Self {
            input: parsed.text("input").or_else(|| parsed.rest.first().map(|name| name.to_string_lossy().into_owned())),
            header: match (parsed.on("header-only"), parsed.on("header") || parsed.on("show-info")) {
                (true, _) => Header::Only,
                (false, true) => Header::Before,
                (false, false) => Header::No,
            },
            info: parsed.on("show-info"),
            stats: parsed.on("stats"),
            tasks: parsed.on("tasks"),
            mmaps: parsed.on("mmaps"),
            dump: parsed.on("dump-raw-trace"),
            group_sort: parsed.number::<i64>("group-sort-idx")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
            switch_on: parsed.text("switch-on"),
            switch_off: parsed.text("switch-off"),
            show_switches: parsed.on("show-on-off-events"),
            unordered: parsed.on("disable-order") && parsed.on("dump-raw-trace"),
            hierarchy: parsed.on("hierarchy"),
            raw_trace: parsed.on("raw-trace"),
            threads: parsed.on("threads"),
            raw_threads: parsed.text("pretty").as_deref() == Some("raw"),
            sort: parsed.text("sort"),
            fields: parsed.text("fields"),
            chain: ChainOptions::default(),
            chain_asked: false,
            caller_first: None,
            no_children: !on_unless_negated("children"),
            // A tree of keys has no room for what callers call.
            children: on_unless_negated("children") && !parsed.on("hierarchy"),
            branches: parsed.last("branch-stack").map(|given| !given.negated),
            memory: parsed.on("mem-mode"),
            samples: parsed.on("show-nr-samples"),
            period: parsed.on("show-total-period"),
            cpu_utilization: parsed.on("show-cpu-utilization"),
            separator: separator(parsed)?,
            widths: widths(parsed)?,
            verbose: parsed.on("verbose"),
            quiet: parsed.on("quiet"),
            min_percent: percent_limit(parsed)?,
            relative: relative(parsed)?,
            hide_unresolved: parsed.on("hide-unresolved"),
            comms: parsed.words("comms"),
            dsos: parsed.words("dsos"),
            symbols: parsed.words("symbols"),
            symbol_filter: parsed.text("symbol-filter"),
            pids: parsed.numbers("pid")?,
            tids: parsed.numbers("tid")?,
            cpus: parsed.cpus("cpu")?,
            socket: parsed.number("socket-filter")?,
            parent_asked: parent.is_some(),
            parent: expression("parent", parent.as_deref().unwrap_or(DEFAULT_PARENT))?,
            exclude_other: parsed.on("exclude-other"),
            ignore_callees: match parsed.text("ignore-callees") {
                Some(text) => Some(expression("ignore-callees", &text)?),
                None => None,
            },
            time: parsed.text("time"),
            time_quantum: quantum(parsed)?,
            nanoseconds: parsed.on("ns"),
            max_stack: parsed.number("max-stack")?.unwrap_or(perfuse_analyze::resolve::Options::default().max_stack),
            inlines: on_unless_negated("inline"),
            skip_empty: on_unless_negated("skip-empty"),
            full_source_path: parsed.on("full-source-path"),
            group: parsed.last("group").map(|given| !given.negated),
            stdio: match (parsed.on("tui"), parsed.on("stdio")) {
                (true, false) => Some(false),
                (_, true) => Some(true),
                (false, false) => None,
            },
            color: parsed.text("stdio-color"),
        })
    }

    /// `-g graph,0.5,caller`: words in any order, a number is the threshold, another one the limit.
    fn chains(&mut self, list: &str) -> Result<(), UsageError> {
        const STYLES: &[(&str, Style)] = &[
            ("none", Style::None),
            ("graph", Style::Graph),
            ("flat", Style::Flat),
            ("fractal", Style::Fractal),
            ("folded", Style::Folded),
        ];
        const KEYS: &[(&str, ChainKey)] =
            &[("function", ChainKey::Function), ("address", ChainKey::Address), ("srcline", ChainKey::SrcLine)];
        const VALUES: &[(&str, ChainValue)] =
            &[("percent", ChainValue::Percent), ("period", ChainValue::Period), ("count", ChainValue::Count)];
        let mut has_threshold = false;
        for word in list.split(',').filter(|word| !word.is_empty()) {
            if let Some(style) = prefix_of(word, STYLES) {
                self.chain.style = style;
            } else if let Some(caller) = prefix_of(word, &[("caller", true), ("callee", false)]) {
                self.caller_first = Some(caller);
            } else if let Some(key) = prefix_of(word, KEYS) {
                self.chain.key = key;
            } else if let Some(value) = prefix_of(word, VALUES) {
                self.chain.value = value;
            } else {
                let wrong = || UsageError::value("call-graph", word, Msg::new("perf-report-call-graph"));
                let number = leading_number(word).ok_or_else(wrong)?;
                if has_threshold {
                    // perf reads a limit as a whole number.
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
                    let limit = number as u32;
                    self.chain.limit = limit;
                } else {
                    self.chain.min_percent = number;
                    has_threshold = true;
                }
            }
            if self.chain.style == Style::None {
                break;
            }
        }
        Ok(())
    }
}

/// What is not there, and values that mean nothing.
fn refuse(parsed: &Parsed) -> Result<(), UsageError> {
    for (id, why) in [
        ("branch-history", "perf-report-no-branch-history"),
        ("total-cycles", "perf-report-no-total-cycles"),
        ("show-ref-call-graph", "perf-report-no-reference"),
        ("stitch-lbr", "perf-report-no-stitching"),
    ] {
        if parsed.on(id) {
            return Err(UsageError(Msg::new(why)));
        }
    }
    if let Some(text) = parsed.text("pretty").filter(|text| !matches!(text.as_str(), "normal" | "raw")) {
        return Err(UsageError::value("pretty", &text, Msg::new("perf-report-pretty")));
    }
    if let Some(text) = parsed.text("prefix-strip").filter(|_| parsed.text("prefix").is_none()) {
        return Err(UsageError::value("prefix-strip", &text, Msg::new("perf-report-prefix")));
    }
    percent_type(parsed)?;
    parsed.number::<u32>("prefix-strip")?;
    parsed.number::<u32>("samples")?;
    Ok(())
}

fn separator(parsed: &Parsed) -> Result<Option<String>, UsageError> {
    match parsed.text("field-separator") {
        // perf writes dots for separators inside of values.
        Some(text) if text == "." => {
            Err(UsageError::value("field-separator", &text, Msg::new("perf-report-separator")))
        }
        Some(text) if text == "\\t" => Ok(Some("\t".to_owned())),
        other => Ok(other),
    }
}

fn widths(parsed: &Parsed) -> Result<Vec<usize>, UsageError> {
    let Some(text) = parsed.text("column-widths") else { return Ok(Vec::new()) };
    let wrong = |_| UsageError::value("column-widths", &text, Msg::new("usage-perf-number"));
    text.split(',').map(|word| word.trim().parse().map(|width: u16| width.into()).map_err(wrong)).collect()
}

fn percent_limit(parsed: &Parsed) -> Result<f64, UsageError> {
    let Some(text) = parsed.text("percent-limit") else { return Ok(0.0) };
    leading_number(&text).ok_or_else(|| UsageError::value("percent-limit", &text, Msg::new("perf-report-percent")))
}

fn relative(parsed: &Parsed) -> Result<bool, UsageError> {
    match parsed.text("percentage").as_deref() {
        None => Ok(false),
        Some(word) if "absolute".starts_with(word) => Ok(false),
        Some(word) if "relative".starts_with(word) => Ok(true),
        Some(word) => Err(UsageError::value("percentage", word, Msg::new("perf-report-percentage"))),
    }
}

/// `100ms` in nanoseconds.
fn quantum(parsed: &Parsed) -> Result<u64, UsageError> {
    let Some(text) = parsed.text("time-quantum") else { return Ok(100_000_000) };
    let wrong = || UsageError::value("time-quantum", &text, Msg::new("perf-report-quantum"));
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..split].parse().map_err(|_| wrong())?;
    let unit = match &text[split..] {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|&quantum| quantum > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::options::{Grammar, parse_line};

    fn options(line: &str) -> Result<Options, UsageError> {
        Options::of(&parse_line(Grammar { options: OPTIONS, runs: false }, line)?)
    }

    #[test]
    fn call_graphs_are_asked_for_in_any_order() {
        let folded = options("--stdio -n -g folded").unwrap();
        assert_eq!((folded.chain.style, folded.samples, folded.stdio), (Style::Folded, true, Some(true)));
        let graph = options("-g caller,0.7,fractal,3,address,count -G").unwrap();
        assert_eq!((graph.chain.style, graph.caller_first), (Style::Fractal, Some(true)));
        assert_eq!((graph.chain.limit, graph.chain.key, graph.chain.value), (3, ChainKey::Address, ChainValue::Count));
        assert!((graph.chain.min_percent - 0.7).abs() < 1e-9);
        assert_eq!(options("-g none").unwrap().chain.style, Style::None);
        assert!(options("-n -g").unwrap().chain_asked && options("-g -n").unwrap().samples);
        assert!(options("-g nosuch").is_err());
    }

    #[test]
    fn what_does_not_do_is_refused() {
        for line in ["-t .", "--percentage x", "-w a", "--cpu 3-1", "-p (", "--time-quantum 5", "--pid x"] {
            assert!(options(line).is_err(), "{line}");
        }
        assert_eq!(options("--time-quantum 5ms").unwrap().time_quantum, 5_000_000);
        assert_eq!(options("-C 0-2,5").unwrap().cpus.unwrap().len(), 4);
    }
}
