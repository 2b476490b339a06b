//! The log.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogArgs {
    /// Form of the log on stderr
    #[arg(long, env = "SKEW_LOG_FORMAT", hide_env_values = true, default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,

    /// How much is logged
    #[arg(long, env = "SKEW_LOG_LEVEL", hide_env_values = true, default_value = "info", value_name = "LEVEL")]
    pub(crate) log_level: LogLevel,
}

impl LogArgs {
    pub(super) fn fixed(&self) -> Vec<(&'static str, String)> {
        vec![("log-format", format!("{:?}", self.log_format))]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}
