//! The commands of the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

/// `perfuse serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[arg(long)]
    pub(crate) check_config: bool,
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    #[arg(long, conflicts_with = "check_config")]
    pub(crate) once: bool,
    #[arg(long, requires = "once")]
    pub(crate) json: bool,
}

/// `perfuse status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: Option<String>,
    #[arg(short, long)]
    pub(crate) watch: bool,
    #[arg(long)]
    pub(crate) json: bool,
}

/// `perfuse check`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: String,
    #[arg(long)]
    pub(crate) now: bool,
}

/// `perfuse incident`.
#[derive(Debug, Clone, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct IncidentArgs {
    #[command(subcommand)]
    pub(crate) command: IncidentCommand,
}

/// What to do with incidents.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum IncidentCommand {
    List {
        #[arg(long, value_name = "COUNT", default_value_t = 20, hide_default_value = true)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    Show {
        #[arg(value_name = "ID")]
        id: String,
        #[arg(long)]
        json: bool,
    },
}

/// `perfuse maintenance`.
#[derive(Debug, Clone, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct MaintenanceArgs {
    #[command(subcommand)]
    pub(crate) command: MaintenanceCommand,
}

/// What to do with maintenance.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum MaintenanceCommand {
    Start {
        #[arg(value_name = "COMPONENT", num_args = 0.., required_unless_present = "all", conflicts_with = "all")]
        components: Vec<String>,
        #[arg(long)]
        all: bool,
        #[arg(long = "for", id = "for", value_name = "TIME", value_parser = length)]
        length: Option<Duration>,
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    Stop {
        #[arg(value_name = "ID|COMPONENT", required_unless_present = "all", conflicts_with = "all")]
        what: Option<String>,
        #[arg(long)]
        all: bool,
    },
    List {
        #[arg(long)]
        json: bool,
    },
}

/// `30m`, `2h`, `1d`.
fn length(text: &str) -> Result<Duration, String> {
    perfuse_service::config::duration(text).ok_or_else(|| "30m, 2h, 1h30m, 1d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_units() {
        assert_eq!(length("1h30m"), Ok(Duration::from_secs(5400)));
        assert!(length("30").is_err() && length("soon").is_err());
    }
}
