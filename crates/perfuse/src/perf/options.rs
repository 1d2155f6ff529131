//! The option grammar of perf (`tools/lib/subcmd/parse-options.c`), driven by a table.
//!
//! It is not clap's: short options are bundled with the value of the last one attached (`-ag`, `-F99`, `-ns comm,dso`),
//! long ones may be cut to a unique prefix, every switch has its `--no-` form, some values are optional and then only
//! taken when attached (`-z3`, `--call-graph=dwarf`), the order of options is kept (a filter belongs to the event before
//! it), and the first word that is no option begins the command to be measured.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use perfuse_analyze::Msg;

use crate::cli::nearest;

/// What stands behind an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing: a switch, which `--no-NAME` switches off.
    Nothing,
    /// A value, attached or as the next word.
    Value(&'static str),
    /// A value that counts only if it is attached.
    Optional(&'static str),
    /// A value, attached or as the next word, unless there is none or it is an option (`report -g`).
    UnlessLast(&'static str),
}

/// One option. Its help stands in the language tables under `help-COMMAND-ID`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opt {
    /// `-a`.
    pub(crate) short: Option<char>,
    /// `--all-cpus`.
    pub(crate) long: Option<&'static str>,
    /// What it takes.
    pub(crate) takes: Takes,
}

/// `-a, --all-cpus`.
pub(crate) const fn switch(short: char, long: &'static str) -> Opt {
    Opt { short: Some(short), long: Some(long), takes: Takes::Nothing }
}

/// `--kcore`.
pub(crate) const fn long_switch(long: &'static str) -> Opt {
    Opt { short: None, long: Some(long), takes: Takes::Nothing }
}

/// `-g`.
pub(crate) const fn short_switch(short: char) -> Opt {
    Opt { short: Some(short), long: None, takes: Takes::Nothing }
}

/// `-o, --output <file>`.
pub(crate) const fn value(short: char, long: &'static str, name: &'static str) -> Opt {
    Opt { short: Some(short), long: Some(long), takes: Takes::Value(name) }
}

/// `--filter <filter>`.
pub(crate) const fn long_value(long: &'static str, name: &'static str) -> Opt {
    Opt { short: None, long: Some(long), takes: Takes::Value(name) }
}

/// `-z, --compression-level[=<n>]`.
pub(crate) const fn optional(short: char, long: &'static str, name: &'static str) -> Opt {
    Opt { short: Some(short), long: Some(long), takes: Takes::Optional(name) }
}

/// `--switch-output[=<size>]`.
pub(crate) const fn long_optional(long: &'static str, name: &'static str) -> Opt {
    Opt { short: None, long: Some(long), takes: Takes::Optional(name) }
}

/// Options that every command takes besides its own.
const EVERYWHERE: &[Opt] = &[long_value("lang", "ko|en"), long_value("color", "when"), switch('h', "help")];

impl Opt {
    /// Its long name, or its letter: what names it in the code and in the language tables.
    pub(crate) fn id(&self) -> String {
        self.long.map_or_else(|| self.short.map(String::from).unwrap_or_default(), str::to_owned)
    }

    /// As one writes it: `--output`, `-g`.
    pub(crate) fn written(&self) -> String {
        match (self.long, self.short) {
            (Some(long), _) => format!("--{long}"),
            (None, Some(short)) => format!("-{short}"),
            (None, None) => String::new(),
        }
    }
}

/// One option as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// [`Opt::id`].
    pub(crate) id: String,
    /// Its value.
    pub(crate) value: Option<OsString>,
    /// Whether it was switched off: `--no-NAME`.
    pub(crate) negated: bool,
}

/// A command line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parsed {
    /// Options in their order.
    pub(crate) given: Vec<Given>,
    /// What is no option: the command to measure, or arguments.
    pub(crate) rest: Vec<OsString>,
}

impl Parsed {
    /// Whether a switch is on; the last one wins.
    pub(crate) fn on(&self, id: &str) -> bool {
        self.last(id).is_some_and(|given| !given.negated)
    }

    /// The last one of an option.
    pub(crate) fn last(&self, id: &str) -> Option<&Given> {
        self.given.iter().rev().find(|given| given.id == id)
    }

    /// How often a switch was given since it was last switched off: `-vv`.
    pub(crate) fn count(&self, id: &str) -> usize {
        self.given.iter().rev().filter(|given| given.id == id).take_while(|given| !given.negated).count()
    }

    /// The last value of an option as text; bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self, id: &str) -> Option<String> {
        let given = self.last(id).filter(|given| !given.negated)?;
        given.value.as_ref().map(|value| value.to_string_lossy().into_owned())
    }

    /// The last value of an option, as a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, id: &str) -> Result<Option<T>, UsageError> {
        let Some(text) = self.text(id) else { return Ok(None) };
        let parsed = text.trim().parse().map(Some);
        parsed.map_err(|_| UsageError::value(id, &text, Msg::new("usage-perf-number")))
    }
}

/// Values that are lists.
impl Parsed {
    /// Words between commas.
    pub(crate) fn words(&self, id: &str) -> Option<BTreeSet<String>> {
        let text = self.text(id)?;
        Some(text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    /// Numbers between commas.
    pub(crate) fn numbers<T: std::str::FromStr + Ord>(&self, id: &str) -> Result<Option<BTreeSet<T>>, UsageError> {
        let Some(text) = self.text(id) else { return Ok(None) };
        let wrong = |_| UsageError::value(id, &text, Msg::new("usage-perf-number"));
        text.split(',').map(|word| word.trim().parse().map_err(wrong)).collect::<Result<_, _>>().map(Some)
    }

    /// CPUs: `0-3,7`.
    pub(crate) fn cpus(&self, id: &str) -> Result<Option<BTreeSet<u32>>, UsageError> {
        let Some(text) = self.text(id) else { return Ok(None) };
        let wrong = || UsageError::value(id, &text, Msg::new("usage-perf-cpus"));
        let mut cpus = BTreeSet::new();
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (from.trim().parse::<u32>(), to.trim().parse::<u32>());
            let (Ok(from), Ok(to)) = (from, to) else { return Err(wrong()) };
            if to < from || to > 1 << 16 {
                return Err(wrong());
            }
            cpus.extend(from..=to);
        }
        Ok(Some(cpus))
    }
}

/// A wrong command line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("wrong command line: {0:?}")]
pub(crate) struct UsageError(pub(crate) Msg);

impl UsageError {
    /// A value that does not do: for what option, and what would.
    pub(crate) fn value(option: &str, value: &str, expected: Msg) -> Self {
        let option = if option.chars().count() == 1 { format!("-{option}") } else { format!("--{option}") };
        let expected = perfuse_analyze::Arg::Msg(Box::new(expected));
        Self(Msg::new("usage-perf-value").with("option", option).with("value", value).with("expected", expected))
    }
}

/// How a command's line is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grammar {
    /// Its options.
    pub(crate) options: &'static [Opt],
    /// Whether the first word that is no option ends the options: it is a command to be run.
    pub(crate) runs: bool,
}

/// Takes a command line apart.
pub(crate) fn parse(grammar: Grammar, line: &[OsString]) -> Result<Parsed, UsageError> {
    let mut parsed = Parsed::default();
    let mut words = line.iter();
    while let Some(word) = words.next() {
        let bytes = word.as_bytes();
        match bytes {
            b"--" => {
                parsed.rest.extend(words.cloned());
                break;
            }
            [b'-', b'-', name @ ..] => parsed.given.push(long(grammar, name, &mut words)?),
            [b'-', letters @ ..] if !letters.is_empty() => short(grammar, letters, &mut words, &mut parsed.given)?,
            _ if grammar.runs => {
                parsed.rest.push(word.clone());
                parsed.rest.extend(words.cloned());
                break;
            }
            _ => parsed.rest.push(word.clone()),
        }
    }
    Ok(parsed)
}

/// The options of a grammar, and those that are everywhere; a command's own letter wins (`perf stat -h` has no other).
fn all(grammar: Grammar) -> impl Iterator<Item = &'static Opt> {
    grammar.options.iter().chain(EVERYWHERE)
}

/// Short options in one word: letters, and the value of the last one.
fn short<'a>(
    grammar: Grammar,
    letters: &[u8],
    words: &mut (impl Iterator<Item = &'a OsString> + Clone),
    given: &mut Vec<Given>,
) -> Result<(), UsageError> {
    let mut rest = letters;
    while let Some((letter, after)) = rest.split_first() {
        let letter = char::from(*letter);
        let Some(option) = all(grammar).find(|option| option.short == Some(letter)) else {
            let shorts: Vec<String> = all(grammar).filter_map(|option| option.short).map(|s| format!("-{s}")).collect();
            let message = Msg::new("usage-perf-unknown").with("option", format!("-{letter}"));
            return Err(UsageError(message.with("names", shorts.join(" "))));
        };
        let attached = |bytes: &[u8]| (!bytes.is_empty()).then(|| OsString::from_vec(bytes.to_vec()));
        let value = match option.takes {
            Takes::Nothing => {
                given.push(Given { id: option.id(), value: None, negated: false });
                rest = after;
                continue;
            }
            Takes::Optional(_) => attached(after),
            Takes::UnlessLast(_) => attached(after).or_else(|| next_value(words)),
            Takes::Value(_) => Some(attached(after).or_else(|| words.next().cloned()).ok_or_else(|| missing(option))?),
        };
        given.push(Given { id: option.id(), value, negated: false });
        return Ok(());
    }
    Ok(())
}

/// A long option: whole, cut to a unique prefix, or negated.
fn long<'a>(
    grammar: Grammar,
    word: &[u8],
    words: &mut (impl Iterator<Item = &'a OsString> + Clone),
) -> Result<Given, UsageError> {
    let equals = word.iter().position(|&byte| byte == b'=');
    let (name, attached) = match equals {
        Some(at) => (&word[..at], Some(OsStr::from_bytes(&word[at + 1..]).to_owned())),
        None => (word, None),
    };
    let name = String::from_utf8_lossy(name);
    let (option, negated) = find(grammar, &name)?;
    let value = match option.takes {
        _ if negated && attached.is_none() => None,
        Takes::Nothing if attached.is_some() => {
            return Err(UsageError(Msg::new("usage-perf-no-value").with("option", option.written())));
        }
        Takes::Nothing => None,
        Takes::Optional(_) => attached,
        Takes::UnlessLast(_) => attached.or_else(|| next_value(words)),
        Takes::Value(_) => Some(attached.or_else(|| words.next().cloned()).ok_or_else(|| missing(option))?),
    };
    Ok(Given { id: option.id(), value, negated })
}

/// The next word, if it is no option.
fn next_value<'a>(words: &mut (impl Iterator<Item = &'a OsString> + Clone)) -> Option<OsString> {
    words.clone().next().filter(|word| !word.as_bytes().starts_with(b"-"))?;
    words.next().cloned()
}

fn missing(option: &Opt) -> UsageError {
    let name = match option.takes {
        Takes::Value(name) | Takes::Optional(name) | Takes::UnlessLast(name) => name,
        Takes::Nothing => "",
    };
    UsageError(Msg::new("usage-perf-missing").with("option", option.written()).with("name", name))
}

/// The option of a name and whether it is negated. A name as it stands wins over every prefix, and an option over the
/// negation of another.
fn find(grammar: Grammar, name: &str) -> Result<(&'static Opt, bool), UsageError> {
    let all_long = || all(grammar).filter_map(|option| option.long.map(|long| (option, long)));
    // `--no-NAME` of an option, and `--NAME` of an option that is called `no-NAME`.
    let undoes = |long: &str, word: &str, whole: bool| {
        let same = |long: &str, word: &str| if whole { long == word } else { long.starts_with(word) };
        match long.strip_prefix("no-") {
            Some(bare) => same(bare, word),
            None => word.strip_prefix("no-").is_some_and(|word| same(long, word)),
        }
    };
    if let Some((option, _)) = all_long().find(|(_, long)| *long == name) {
        return Ok((option, false));
    }
    if let Some((option, _)) = all_long().find(|(_, long)| undoes(long, name, true)) {
        return Ok((option, true));
    }
    let mut prefixed: Vec<(&Opt, &str, bool)> =
        all_long().filter(|(_, long)| long.starts_with(name)).map(|(option, long)| (option, long, false)).collect();
    if prefixed.is_empty() {
        prefixed = all_long()
            .filter(|(_, long)| undoes(long, name, false))
            .map(|(option, long)| (option, long, true))
            .collect();
    }
    match prefixed.as_slice() {
        [(option, _, negated)] => Ok((option, *negated)),
        [] => {
            let names = nearest(name, all_long().map(|(_, long)| long));
            let names: Vec<String> = names.iter().map(|name| format!("--{name}")).collect();
            let message = Msg::new("usage-perf-unknown").with("option", format!("--{name}"));
            Err(UsageError(message.with("names", names.join(" "))))
        }
        several => {
            let names: Vec<String> = several.iter().map(|(_, long, _)| format!("--{long}")).collect();
            let message = Msg::new("usage-perf-ambiguous").with("option", format!("--{name}"));
            Err(UsageError(message.with("names", names.join(" "))))
        }
    }
}

/// The words of a line, taken apart: what tests of a command's options begin with.
#[cfg(test)]
pub(crate) fn parse_line(grammar: Grammar, line: &str) -> Result<Parsed, UsageError> {
    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    parse(grammar, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[Opt] = &[
        switch('a', "all-cpus"),
        short_switch('g'),
        value('F', "freq", "freq"),
        value('e', "event", "event"),
        long_value("filter", "filter"),
        value('o', "output", "file"),
        optional('z', "compression-level", "n"),
        long_switch("all-kernel"),
        switch('n', "show-nr-samples"),
        value('s', "sort", "keys"),
        switch('B', "no-buildid"),
        switch('v', "verbose"),
    ];

    fn line(runs: bool, words: &str) -> Result<Parsed, UsageError> {
        parse_line(Grammar { options: OPTIONS, runs }, words)
    }

    /// `id`, `id=value` and `!id`, then `|` and the rest.
    fn shown(words: &str) -> String {
        let parsed = line(true, words).unwrap();
        let one = |given: &Given| {
            let value = given.value.as_ref().map(|value| format!("={}", value.to_string_lossy())).unwrap_or_default();
            format!("{}{}{value}", if given.negated { "!" } else { "" }, given.id)
        };
        let mut all: Vec<String> = parsed.given.iter().map(one).collect();
        if !parsed.rest.is_empty() {
            all.push("|".to_owned());
            all.extend(parsed.rest.iter().map(|word| word.to_string_lossy().into_owned()));
        }
        all.join(" ")
    }

    #[test]
    fn lines_of_perf_are_understood() {
        assert_eq!(shown("-ag -F99 -- sleep 10"), "all-cpus g freq=99 | sleep 10");
        assert_eq!(shown("-F 99 -agF100 sleep -x"), "freq=99 all-cpus g freq=100 | sleep -x");
        assert_eq!(shown("-ga -ecs -e faults --filter x>1 ls"), "g all-cpus event=cs event=faults filter=x>1 | ls");
        assert_eq!(shown("-ns comm,dso"), "show-nr-samples sort=comm,dso");
        assert_eq!(shown("--freq=99 --out f --event=cs"), "freq=99 output=f event=cs");
        assert_eq!(
            shown("-z -z3 --compression-level=5 --comp x"),
            "compression-level compression-level=3 compression-level=5 compression-level | x"
        );
        assert_eq!(shown("--no-all-cpus --buildid --no-buildid"), "!all-cpus !no-buildid no-buildid");
        assert_eq!(shown("-o - -- -a"), "output=- | -a");
        assert_eq!(shown("- x"), "| - x");
    }

    #[test]
    fn without_a_command_options_may_follow_arguments() {
        let parsed = line(false, "main -n other -- -a").unwrap();
        assert!(parsed.on("show-nr-samples") && !parsed.on("all-cpus"));
        assert_eq!(parsed.rest, ["main", "other", "-a"]);
    }

    #[test]
    fn the_last_one_wins_and_switches_are_counted() {
        let parsed = line(true, "-a --no-all-cpus -vv -F 1 -F 2").unwrap();
        assert!(!parsed.on("all-cpus"));
        assert_eq!((parsed.count("verbose"), parsed.number::<u32>("freq")), (2, Ok(Some(2))));
        assert!(line(true, "-F x").unwrap().number::<u32>("freq").is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let id = |words: &str| line(true, words).unwrap_err().0;
        assert_eq!(id("--al").id, "usage-perf-ambiguous");
        assert_eq!(id("--nosuchoption").id, "usage-perf-unknown");
        assert_eq!(id("-aX").id, "usage-perf-unknown");
        assert_eq!(id("-F").id, "usage-perf-missing");
        assert_eq!(id("--event").id, "usage-perf-missing");
        assert_eq!(id("--all-cpus=1").id, "usage-perf-no-value");
        assert!(format!("{:?}", id("--freg 1")).contains("--freq"));
    }
}
