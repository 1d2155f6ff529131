//! `perfuse flamegraph` and `perfuse export`: profiles for people and for other programs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, Args, Command, ValueEnum};
use perfuse_analyze::flame::Base;
use perfuse_analyze::offcpu::Absence;
use perfuse_render::flame::Scheme;

/// What of a recording is looked at, and how it is resolved; the same for both commands.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProfileArgs {
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) comm: Vec<String>,
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub(crate) pid: Vec<i32>,
    #[arg(long, value_name = "TID", value_delimiter = ',')]
    pub(crate) tid: Vec<i32>,
    #[arg(
        long,
        value_name = "blocked|runnable|any",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "blocked",
        value_enum,
        hide_possible_values = true
    )]
    pub(crate) off_cpu: Option<Wait>,
    #[arg(long)]
    pub(crate) no_inline: bool,
    #[arg(long, value_name = "DIR")]
    pub(crate) symfs: Option<String>,
}

/// `perfuse flamegraph`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct FlamegraphArgs {
    /// A file, or options of `record`: those that are none of ours.
    #[arg(value_name = "FILE | RECORD OPTIONS", num_args = 0.., allow_hyphen_values = true)]
    pub(crate) what: Vec<OsString>,
    #[arg(short, long, value_name = "FILE", default_value = "flame.svg", hide_default_value = true)]
    pub(crate) output: PathBuf,
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    #[arg(long)]
    pub(crate) icicle: bool,
    #[arg(long)]
    pub(crate) reverse: bool,
    #[arg(long, value_name = "FILE")]
    pub(crate) diff: Option<String>,
    #[arg(long, requires = "diff")]
    pub(crate) normalize: bool,
    #[arg(long)]
    pub(crate) samples: bool,
    #[arg(long, value_name = "none|comm|process|thread", value_enum, default_value_t = BaseArg::Comm, hide_possible_values = true, hide_default_value = true)]
    pub(crate) base: BaseArg,
    #[arg(
        long,
        value_name = "on-cpu|off-cpu|module",
        value_enum,
        hide_possible_values = true,
        conflicts_with = "diff"
    )]
    pub(crate) colors: Option<Colors>,
    #[arg(long, value_name = "PIXELS", value_parser = pixels, default_value = "0.2", hide_default_value = true)]
    pub(crate) min_width: f64,
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(200..=100_000))]
    pub(crate) width: Option<u32>,
    #[arg(long, value_name = "NAME")]
    pub(crate) font: Option<String>,
    /// The command that is recorded, if one is.
    #[arg(value_name = "COMMAND", last = true, num_args = 0.., allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}

/// `perfuse export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    #[arg(long, value_name = "folded|pprof|firefox|speedscope|json", value_enum, hide_possible_values = true)]
    pub(crate) to: Format,
    #[arg(value_name = "FILE", conflicts_with = "input")]
    pub(crate) file: Option<String>,
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<String>,
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    #[arg(long)]
    pub(crate) weights: bool,
    #[arg(long)]
    pub(crate) annotate: bool,
    #[arg(long, value_name = "none|comm|process|thread", value_enum, default_value_t = BaseArg::Comm, hide_possible_values = true, hide_default_value = true)]
    pub(crate) base: BaseArg,
}

/// Forms of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Folded,
    Pprof,
    Firefox,
    Speedscope,
    Json,
}

/// Which absences of a thread count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    Blocked,
    Runnable,
    Any,
}

impl From<Wait> for Absence {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Blocked => Self::Blocked,
            Wait::Runnable => Self::Runnable,
            Wait::Any => Self::Any,
        }
    }
}

/// What stands below the outermost frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaseArg {
    None,
    Comm,
    Process,
    Thread,
}

impl From<BaseArg> for Base {
    fn from(base: BaseArg) -> Self {
        match base {
            BaseArg::None => Self::Nothing,
            BaseArg::Comm => Self::Comm,
            BaseArg::Process => Self::Process,
            BaseArg::Thread => Self::Thread,
        }
    }
}

/// What colours mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colors {
    OnCpu,
    OffCpu,
    Module,
}

impl From<Colors> for Scheme {
    fn from(colors: Colors) -> Self {
        match colors {
            Colors::OnCpu => Self::OnCpu,
            Colors::OffCpu => Self::OffCpu,
            Colors::Module => Self::Module,
        }
    }
}

/// The command line with the options of `perfuse flamegraph` before all that follows it: what is none of them is an option
/// of `record`, which has other words behind it that nothing here can tell from a file.
pub(crate) fn own_first(arguments: Vec<OsString>) -> Vec<OsString> {
    let is_value = |at: usize| arguments.get(at - 1).is_some_and(|before| before == "--lang" || before == "--color");
    let is_word = |at: &usize| !arguments[*at].as_encoded_bytes().starts_with(b"-") && !is_value(*at);
    let Some(at) = (1..arguments.len()).find(is_word).filter(|at| arguments[*at] == "flamegraph") else {
        return arguments;
    };
    let table = FlamegraphArgs::augment_args(Command::new("flamegraph"));
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let (mut own, mut others) = (Vec::new(), Vec::new());
    let mut words = arguments.get(at + 1..end).unwrap_or_default().iter();
    while let Some(word) = words.next() {
        match takes_value(&table, &word.to_string_lossy()) {
            Some(true) => {
                own.push(word.clone());
                own.extend(words.next().cloned());
            }
            Some(false) => own.push(word.clone()),
            None => others.push(word.clone()),
        }
    }
    let head = arguments.get(..=at).unwrap_or_default();
    let tail = arguments.get(end.max(at + 1)..).unwrap_or_default();
    [head, &own, &others, tail].concat()
}

/// Whether an option takes the next word as its value; `None` if it is none of the table's.
fn takes_value(table: &Command, word: &str) -> Option<bool> {
    let needs = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    if let Some(long) = word.strip_prefix("--") {
        let (name, inside) = long.split_once('=').map_or((long, false), |(name, _)| (name, true));
        return match name {
            "lang" | "color" => Some(!inside),
            "help" => Some(false),
            _ => table.get_arguments().find(|arg| arg.get_long() == Some(name)).map(|arg| needs(arg) && !inside),
        };
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    if letter == 'h' && word.len() == 2 {
        return Some(false);
    }
    let arg = table.get_arguments().find(|arg| arg.get_short() == Some(letter))?;
    Some(needs(arg) && letters.next().is_none())
}

/// A width that is not negative.
fn pixels(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|pixels| (0.0..=1000.0).contains(pixels)).ok_or_else(|| "0 .. 1000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_options_come_before_those_of_record() {
        let of = |line: &str| {
            let line = own_first(line.split(' ').map(OsString::from).collect());
            line.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
        };
        let line =
            "perfuse --lang ko flamegraph -F 99 -o x.svg -e cycles --title=a --off-cpu -ag --min-width 1 -- sleep -o 1";
        let sorted =
            "perfuse --lang ko flamegraph -o x.svg --title=a --off-cpu --min-width 1 -F 99 -e cycles -ag -- sleep -o 1";
        assert_eq!(of(line), sorted);
        assert_eq!(of("perfuse flamegraph a.data --reverse"), "perfuse flamegraph --reverse a.data");
        assert_eq!(of("perfuse flamegraph a.data -h -ox"), "perfuse flamegraph -h -ox a.data");
        for same in
            ["perfuse use -d 5 --json", "perfuse", "perfuse --lang ko", "perfuse record flamegraph --title x -a"]
        {
            assert_eq!(of(same), same);
        }
    }

    #[test]
    fn widths_are_numbers_that_make_sense() {
        assert_eq!(pixels("0.5"), Ok(0.5));
        for bad in ["-1", "x", "nan", "1e9"] {
            assert!(pixels(bad).is_err(), "{bad}");
        }
    }
}
