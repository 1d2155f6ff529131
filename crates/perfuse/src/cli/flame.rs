//! `perfuse flamegraph` and `perfuse export`: profiles for people and for other programs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
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
    #[arg(value_name = "FILE", num_args = 0..=1)]
    pub(crate) file: Option<String>,
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
    /// What to record first: options of `record`, `--`, and a command.
    #[arg(value_name = "RECORD", last = true, num_args = 0.., hide = true)]
    pub(crate) record: Vec<OsString>,
}

/// `perfuse export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    #[arg(long, value_name = "folded|pprof|firefox|speedscope|json", value_enum, hide_possible_values = true)]
    pub(crate) to: Format,
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

/// A width that is not negative.
fn pixels(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|pixels| (0.0..=1000.0).contains(pixels)).ok_or_else(|| "0 .. 1000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_numbers_that_make_sense() {
        assert_eq!(pixels("0.5"), Ok(0.5));
        for bad in ["-1", "x", "nan", "1e9"] {
            assert!(pixels(bad).is_err(), "{bad}");
        }
    }
}
