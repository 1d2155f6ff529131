//! What `perf annotate` is asked for.

use std::collections::BTreeSet;

use perfuse_analyze::Msg;
use perfuse_analyze::annotate::PercentType;
use perfuse_render::perf::annotate::AnnotateOptions;
use perfuse_symbol::disasm::Syntax;

use crate::console::Console;
use crate::perf::Command;
use crate::perf::options::{Opt, Parsed, UsageError, long_optional, long_switch, long_value, switch, value};

/// `perf annotate`.
pub(crate) const COMMAND: Command =
    Command { name: "annotate", usage: &["[<options>] [<symbol>]"], options: OPTIONS, runs: false, run: super::run };

const OPTIONS: &[Opt] = &[
    value('C', "cpu", "cpu"),
    value('d', "dsos", "dso[,dso...]"),
    switch('D', "dump-raw-trace"),
    switch('f', "force"),
    value('i', "input", "file"),
    value('k', "vmlinux", "file"),
    switch('l', "print-line"),
    value('M', "disassembler-style", "style"),
    switch('m', "modules"),
    switch('n', "show-nr-samples"),
    switch('P', "full-paths"),
    switch('q', "quiet"),
    value('s', "symbol", "symbol"),
    switch('v', "verbose"),
    long_switch("asm-raw"),
    long_switch("demangle"),
    long_switch("demangle-kernel"),
    long_switch("group"),
    long_switch("ignore-vmlinux"),
    long_optional("itrace", "opts"),
    long_value("objdump", "path"),
    long_value("percent-limit", "percent"),
    long_value("percent-type", "local-period"),
    long_value("prefix", "prefix"),
    long_value("prefix-strip", "n"),
    long_switch("show-total-period"),
    long_switch("skip-missing"),
    long_switch("source"),
    long_switch("stdio"),
    long_switch("stdio2"),
    long_value("stdio-color", "mode"),
    long_value("symfs", "directory"),
    long_switch("tui"),
];

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Stdio,
    Stdio2,
    Tui,
}

/// The command line, understood.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one switch of the command line each")]
pub(super) struct Options {
    pub input: Option<String>,
    pub symbol: Option<String>,
    pub dsos: Option<BTreeSet<String>>,
    pub cpus: Option<BTreeSet<u32>>,
    /// `None`: the terminal decides.
    pub style: Option<Style>,
    pub listing: Listing,
    pub percent: PercentType,
    pub samples: bool,
    pub period: bool,
    pub full_paths: bool,
    pub lines: bool,
    pub group: Option<bool>,
    pub percent_limit: f64,
    pub skip_missing: bool,
    pub quiet: bool,
    pub color: Option<String>,
    pub dump: bool,
}

/// `--percent-type`, which `report` takes as well.
pub(crate) fn percent_type(parsed: &Parsed) -> Result<PercentType, UsageError> {
    let Some(text) = parsed.text("percent-type") else { return Ok(PercentType::DEFAULT) };
    let wrong = || UsageError::value("percent-type", &text, Msg::new("perf-annotate-percent-type"));
    PercentType::parse(&text).ok_or_else(wrong)
}

/// How a function is listed.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) source: bool,
    pub(crate) raw: bool,
    pub(crate) syntax: Syntax,
    /// `--prefix`, and how many parts of a path it takes the place of.
    pub(crate) prefix: Option<(String, usize)>,
}

impl Listing {
    /// What perf shows unless it is told otherwise, with the options that `report` and `top` share.
    pub(crate) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        let syntax = match parsed.text("disassembler-style").as_deref() {
            None | Some("att" | "att-mnemonic") => Syntax::Att,
            Some("intel" | "intel-mnemonic") => Syntax::Intel,
            Some(other) => {
                return Err(UsageError::value("disassembler-style", other, Msg::new("perf-annotate-style")));
            }
        };
        let strip: Option<usize> = parsed.number("prefix-strip")?;
        let prefix = parsed.text("prefix");
        if let (Some(strip), None) = (strip, &prefix) {
            return Err(UsageError::value("prefix-strip", &strip.to_string(), Msg::new("perf-annotate-prefix-strip")));
        }
        Ok(Self {
            source: parsed.last("source").is_none_or(|given| !given.negated),
            raw: parsed.on("asm-raw"),
            syntax,
            prefix: prefix.map(|prefix| (prefix, strip.unwrap_or(0))),
        })
    }

    /// Where a source file is: with `--prefix`, that in place of the first parts of an absolute path.
    pub(crate) fn path(&self, file: &str) -> String {
        let Some((prefix, strip)) = self.prefix.as_ref().filter(|_| file.starts_with('/')) else {
            return file.to_owned();
        };
        let parts = file[1..].split('/').skip(*strip).collect::<Vec<_>>().join("/");
        format!("{}/{parts}", prefix.trim_end_matches('/'))
    }
}

impl Options {
    /// The options of a command line.
    pub(super) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        if let Some(given) = parsed.last("itrace").filter(|given| !given.negated) {
            let text = given.value.as_ref().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
            return Err(UsageError::value("itrace", &text, Msg::new("perf-annotate-itrace")));
        }
        let mut rest = parsed.rest.iter().map(|word| word.to_string_lossy().into_owned());
        let named = rest.next();
        if let Some(surplus) = rest.next() {
            return Err(UsageError(Msg::new("usage-surplus-word").with("word", surplus)));
        }
        let percent = percent_type(parsed)?;
        let limit = parsed.text("percent-limit");
        let percent_limit = match &limit {
            None => 0.0,
            Some(text) => text
                .trim()
                .parse()
                .map_err(|_| UsageError::value("percent-limit", text, Msg::new("usage-perf-number")))?,
        };
        Ok(Self {
            input: parsed.text("input"),
            symbol: named.or_else(|| parsed.text("symbol")),
            dsos: parsed.words("dsos"),
            cpus: parsed.cpus("cpu")?,
            style: match (parsed.on("stdio"), parsed.on("stdio2"), parsed.on("tui")) {
                (true, ..) => Some(Style::Stdio),
                (_, true, _) => Some(Style::Stdio2),
                (.., true) => Some(Style::Tui),
                _ => None,
            },
            listing: Listing::of(parsed)?,
            percent,
            samples: parsed.on("show-nr-samples"),
            period: parsed.on("show-total-period"),
            full_paths: parsed.on("full-paths"),
            lines: parsed.on("print-line"),
            group: parsed.last("group").map(|given| !given.negated),
            percent_limit,
            skip_missing: parsed.on("skip-missing"),
            quiet: parsed.on("quiet"),
            color: parsed.text("stdio-color"),
            dump: parsed.on("dump-raw-trace"),
        })
    }

    /// What the layout takes.
    pub(super) fn layout(&self, console: &Console, style: Style) -> AnnotateOptions {
        let color = match self.color.as_deref() {
            Some("always") => true,
            Some("never") => false,
            _ => console.color,
        };
        AnnotateOptions {
            percent: self.percent,
            samples: self.samples,
            period: self.period,
            full_paths: self.full_paths,
            lines: self.lines,
            color: color && style == Style::Stdio,
        }
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
    fn a_line_is_understood() {
        let all = options("-d libc.so.6 -lPn --no-source --percent-type hits-global --stdio2 main").unwrap();
        assert_eq!((all.symbol.as_deref(), all.style), (Some("main"), Some(Style::Stdio2)));
        assert!(all.lines && all.full_paths && all.samples && !all.listing.source);
        assert_eq!(all.percent.words(), "global hits");
        assert_eq!(options("-s one").unwrap().symbol.as_deref(), Some("one"));
    }

    #[test]
    fn wrong_values_are_refused() {
        for line in
            ["--percent-type x", "-M masm", "--percent-limit x", "a b", "--prefix-strip 1", "--itrace=i", "-C x"]
        {
            assert!(options(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_prefix_takes_the_place_of_the_first_parts() {
        let listing = options("--prefix /src/ --prefix-strip 2").unwrap().listing;
        assert_eq!(listing.path("/build/tree/a/b.c"), "/src/a/b.c");
        assert_eq!(listing.path("./a.c"), "./a.c");
        assert_eq!(options("").unwrap().listing.path("/a.c"), "/a.c");
    }
}
