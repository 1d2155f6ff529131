//! `perfuse generate`: files for other programs.

use clap::{Args, ValueEnum};

/// `perfuse generate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MakeArgs {
    #[arg(value_name = "WHAT", value_enum, hide_possible_values = true)]
    pub(crate) what: What,
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// A dashboard of Grafana, as JSON.
    Grafana,
    /// Alerting rules of Prometheus, as YAML.
    AlertRules,
}
