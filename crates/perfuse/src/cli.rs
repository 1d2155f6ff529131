//! The command table. Arguments carry no words: the help of every command and argument stands in the language
//! tables under `help-COMMAND` and `help-COMMAND-ARGUMENT`, and `crate::help` puts it in.

mod flame;
mod generate;
mod service;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use perfuse_analyze::{CELLS, CONTROLS};

pub(crate) use flame::{ExportArgs, FlamegraphArgs, Format, ProfileArgs, own_first};
pub(crate) use generate::{MakeArgs, What};
pub(crate) use service::{
    CheckArgs, IncidentArgs, IncidentCommand, MaintenanceArgs, MaintenanceCommand, ServeArgs, StatusArgs,
};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "perfuse",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    #[arg(long, value_name = "ko|en", global = true, value_parser = ["ko", "en"], hide_possible_values = true)]
    pub(crate) lang: Option<String>,
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = When::Auto, hide_possible_values = true, hide_default_value = true)]
    pub(crate) color: When,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Use(Box<UseArgs>),
    Why(Box<WhyArgs>),
    Explain(ExplainArgs),
    Cheatsheet(CheatsheetArgs),
    Flamegraph(Box<FlamegraphArgs>),
    Export(Box<ExportArgs>),
    Serve(ServeArgs),
    Status(StatusArgs),
    Check(CheckArgs),
    Incident(IncidentArgs),
    Maintenance(MaintenanceArgs),
    #[command(name = "generate")]
    Make(MakeArgs),
    /// For packaging: writes man pages and shell completions.
    #[command(name = "__generate", hide = true)]
    Generate(GenerateArgs),
}

/// `perfuse use`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct UseArgs {
    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    #[arg(short, long, value_name = "TIME", value_parser = duration, default_value = "1s", hide_default_value = true)]
    pub(crate) interval: Duration,

    #[arg(long, conflicts_with_all = ["openmetrics", "nagios", "watch"])]
    pub(crate) json: bool,
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    pub(crate) html: Option<PathBuf>,
    #[arg(long, conflicts_with_all = ["nagios", "watch"])]
    pub(crate) openmetrics: bool,
    #[arg(long, conflicts_with = "watch")]
    pub(crate) nagios: bool,
    #[arg(short, long, conflicts_with_all = ["replay", "html"])]
    pub(crate) watch: bool,
    #[arg(long, conflicts_with_all = ["watch", "cell", "html", "openmetrics", "nagios"])]
    pub(crate) sixty: bool,
    #[arg(long, value_name = "ID", value_parser = cell_id)]
    pub(crate) cell: Option<&'static str>,

    #[arg(short, long, value_name = "PID", value_delimiter = ',')]
    pub(crate) pid: Vec<u32>,
    #[arg(long, value_name = "PATH", conflicts_with = "unit")]
    pub(crate) cgroup: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub(crate) unit: Option<String>,

    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,
    #[arg(long, value_name = "FILE", conflicts_with_all = ["duration", "root"])]
    pub(crate) replay: Option<PathBuf>,

    #[arg(long)]
    pub(crate) thresholds: bool,
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[arg(long, value_name = "KEY=NUMBER", value_parser = setting)]
    pub(crate) set: Vec<(String, f64)>,

    #[arg(long)]
    pub(crate) no_bpf: bool,
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// `perfuse why`.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhyArgs {
    #[arg(short, long, value_name = "PID", value_delimiter = ',', group = "victim")]
    pub(crate) pid: Vec<u32>,
    #[arg(long, value_name = "NAME", group = "victim")]
    pub(crate) unit: Option<String>,
    #[arg(long, value_name = "PATH", group = "victim")]
    pub(crate) cgroup: Option<String>,
    #[arg(long, value_name = "PORT", group = "victim")]
    pub(crate) port: Option<u16>,
    #[arg(long, value_name = "URL", group = "victim", conflicts_with = "replay")]
    pub(crate) url: Option<String>,

    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    #[arg(long)]
    pub(crate) json: bool,
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,
    #[arg(long, value_name = "FILE", conflicts_with_all = ["duration", "command"])]
    pub(crate) replay: Option<PathBuf>,

    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[arg(long, value_name = "KEY=NUMBER", value_parser = setting)]
    pub(crate) set: Vec<(String, f64)>,
    #[arg(long)]
    pub(crate) no_bpf: bool,
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[arg(value_name = "COMMAND", last = true, num_args = 0.., group = "victim")]
    pub(crate) command: Vec<OsString>,
}

/// `perfuse explain`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainArgs {
    #[arg(value_name = "CELL|TERM", num_args = 0..)]
    pub(crate) what: Vec<String>,
}

/// `perfuse cheatsheet`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheatsheetArgs {
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// `perfuse __generate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GenerateArgs {
    pub(crate) directory: PathBuf,
}

/// `5`, `5s`, `500ms`, `2m`, `1h`; above zero.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("5, 5s, 500ms, 2m, 1h".to_owned()),
    };
    let seconds =
        number.parse::<f64>().ok().map(|number| number * unit).filter(|seconds| (0.001..=1e9).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "5, 5s, 500ms, 2m, 1h".to_owned())
}

/// `cpu.saturation`, `control.cpu-quota` or `cpu-quota`.
fn cell_id(text: &str) -> Result<&'static str, String> {
    let ids = || CELLS.iter().map(|cell| cell.id).chain(CONTROLS.iter().map(|control| control.id));
    let wanted = text.to_ascii_lowercase();
    let found = ids().find(|id| *id == wanted || id.strip_prefix("control.") == Some(wanted.as_str()));
    found.ok_or_else(|| nearest(&wanted, ids()).join(", "))
}

/// `key=number`.
fn setting(text: &str) -> Result<(String, f64), String> {
    let (key, number) = text.split_once('=').ok_or("KEY=NUMBER")?;
    let number = number.trim().parse::<f64>().map_err(|_| "KEY=NUMBER")?;
    perfuse_analyze::Thresholds::default().set(key.trim(), number).map_err(|error| match error {
        perfuse_analyze::threshold::ThresholdError::Unknown(_) => {
            nearest(key, perfuse_analyze::threshold::all().map(|threshold| threshold.key)).join(", ")
        }
        perfuse_analyze::threshold::ThresholdError::Value(_) => ">= 0".to_owned(),
    })?;
    Ok((key.trim().to_owned(), number))
}

/// The three names that are most like `wanted`.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let likeness = |name: &str| {
        let whole = strsim::jaro_winkler(wanted, name);
        let parts = name.split('.').map(|part| strsim::jaro_winkler(wanted, part));
        parts.fold(whole, f64::max)
    };
    let mut names: Vec<(f64, &str)> = names.map(|name| (likeness(name), name)).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    names.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_table_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        for bad in ["", "0", "-1", "5 s", "s", "1d", "nan", "1e99h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cells_are_found_with_or_without_their_prefix() {
        assert_eq!(cell_id("CPU.saturation"), Ok("cpu.saturation"));
        assert_eq!(cell_id("cpu-quota"), Ok("control.cpu-quota"));
        assert!(cell_id("cpu.saturatoin").unwrap_err().starts_with("cpu.saturation"));
    }

    #[test]
    fn settings_name_the_nearest_key() {
        assert_eq!(setting("finding.min-wait=0.2"), Ok(("finding.min-wait".to_owned(), 0.2)));
        assert!(setting("finding.min-wiat=1").unwrap_err().contains("finding.min-wait"));
        assert!(setting("finding.min-wait").is_err());
    }
}
