//! The options that all commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::values;
use crate::target::{Resolve, TransportChoice};
use crate::theme::Tint;
use crate::wait::Percent;

/// Whether to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Which colours the dashboard has, where it is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ThemeChoice {
    /// The terminal's own sixteen colours; light where `COLORFGBG` says that its ground is.
    #[default]
    Auto,
    /// The terminal's own sixteen colours.
    Ansi,
    /// For a dark terminal.
    Dark,
    /// For a light terminal.
    Light,
    /// Bright on black.
    HighContrast,
    /// No colours.
    None,
}

/// Options of all commands.
#[derive(Debug, Args)]
pub struct Options {
    /// Configuration file [default: skew/config.toml under $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, global = true, env = "SKEW_CONFIG", value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Context of the configuration: its site where none is named, its settings in any case
    #[arg(long, global = true, env = "SKEW_CONTEXT", value_name = "NAME", help_heading = "Configuration")]
    pub context: Option<String>,

    /// One more site to watch; their figures are summed (may be repeated)
    #[arg(
        long = "target",
        global = true,
        env = "SKEW_TARGET",
        value_name = "URL",
        value_delimiter = ' ',
        help_heading = "Site"
    )]
    pub targets: Vec<String>,

    /// Address of one process behind a host name; repeated, each is watched and their figures are summed
    #[arg(
        long,
        global = true,
        env = "SKEW_RESOLVE",
        value_name = "HOST:IP",
        value_delimiter = ' ',
        help_heading = "Site"
    )]
    pub resolve: Vec<Resolve>,

    /// A recording to read in place of a site, for the dashboard, --json, stats, wait and messages
    #[arg(long, global = true, env = "SKEW_REPLAY", value_name = "FILE", help_heading = "Site")]
    pub replay: Option<PathBuf>,

    /// How messages come: auto takes SSE, and a WebSocket where the site has no SSE; poll asks a stats endpoint
    #[arg(long, global = true, env = "SKEW_TRANSPORT", value_enum, default_value_t, help_heading = "Site")]
    pub transport: TransportChoice,

    /// Base path of the endpoints, where it is neither the URL's path and /__skew nor /__skew
    #[arg(long, global = true, env = "SKEW_BASE_PATH", value_name = "PATH", help_heading = "Site")]
    pub base_path: Option<String>,

    /// Stats endpoint to poll [default: {base}/admin/stats, then /api/admin/stats]
    #[arg(long, global = true, env = "SKEW_STATS_PATH", value_name = "PATH", help_heading = "Site")]
    pub stats_path: Option<String>,

    /// Invalidation endpoint of a stock app [default: /api/admin/invalidate-route]
    #[arg(long, global = true, env = "SKEW_INVALIDATE_PATH", value_name = "PATH", help_heading = "Site")]
    pub invalidate_path: Option<String>,

    /// File with certificates to trust besides the system's (PEM)
    #[arg(long, global = true, env = "SKEW_CA_FILE", value_name = "FILE", help_heading = "Site")]
    pub ca_file: Option<PathBuf>,

    /// File with a client certificate and its key (PEM)
    #[arg(long, global = true, env = "SKEW_CLIENT_CERT", value_name = "FILE", help_heading = "Site")]
    pub client_cert: Option<PathBuf>,

    /// File with a bearer token; SKEW_TOKEN holds the token itself
    #[arg(long, global = true, env = "SKEW_TOKEN_FILE", value_name = "FILE", help_heading = "Credentials")]
    pub token_file: Option<PathBuf>,

    /// File with a Cookie header, or with the bare value of nuxt-session; SKEW_COOKIE holds the cookie itself
    #[arg(long, global = true, env = "SKEW_COOKIE_FILE", value_name = "FILE", help_heading = "Credentials")]
    pub cookie_file: Option<PathBuf>,

    /// File with more headers to send, a NAME: VALUE on each line
    #[arg(long, global = true, env = "SKEW_HEADER_FILE", value_name = "FILE", help_heading = "Credentials")]
    pub header_file: Option<PathBuf>,

    /// File with the secret of invalidations; SKEW_ADMIN_SECRET holds the secret itself [default: the token]
    #[arg(long, global = true, env = "SKEW_ADMIN_SECRET_FILE", value_name = "FILE", help_heading = "Credentials")]
    pub admin_secret_file: Option<PathBuf>,

    /// Send credentials over plain http to another machine
    #[arg(long, global = true, env = "SKEW_INSECURE_HTTP", value_parser = values::switch(), help_heading = "Credentials")]
    pub insecure_http: bool,

    /// Print JSON, one object a line; errors too, to standard error
    #[arg(long, global = true, env = "SKEW_JSON", value_parser = values::switch(), help_heading = "Output")]
    pub json: bool,

    /// Shortest time between two lines of --json
    #[arg(long, global = true, env = "SKEW_INTERVAL", value_name = "TIME", default_value = "250ms",
          value_parser = values::interval, help_heading = "Output")]
    pub interval: Duration,

    /// Leave the list of connections out of JSON
    #[arg(long, global = true, env = "SKEW_NO_CONNECTIONS", value_parser = values::switch(), help_heading = "Output")]
    pub no_connections: bool,

    /// At most this many routes and connections
    #[arg(long, global = true, env = "SKEW_TOP", value_name = "N", help_heading = "Output")]
    pub top: Option<usize>,

    /// Count this and every other skew-tui like a visitor
    #[arg(long, global = true, env = "SKEW_COUNT_WATCHERS", value_parser = values::switch(), help_heading = "Output")]
    pub count_watchers: bool,

    /// How long a command takes at most for an answer; with 0 wait asks once [default: 10s, of wait 30m]
    #[arg(long, global = true, env = "SKEW_TIMEOUT", value_name = "TIME", value_parser = values::patience,
          help_heading = "Output")]
    pub timeout: Option<Duration>,

    /// Whether to colour; NO_COLOR is honoured
    #[arg(long, global = true, env = "SKEW_COLOR", value_enum, default_value_t, help_heading = "Output")]
    pub color: ColorChoice,

    /// Colours of the dashboard; --color and NO_COLOR say whether there are any
    #[arg(long, global = true, env = "SKEW_THEME", value_enum, default_value_t, help_heading = "Output")]
    pub theme: ThemeChoice,

    /// Colour of the site's name and the borders, which tells production from the rest
    #[arg(long, global = true, env = "SKEW_TINT", value_enum, value_name = "COLOR", help_heading = "Output")]
    pub tint: Option<Tint>,

    /// Draw the dashboard with ASCII characters only
    #[arg(long, global = true, env = "SKEW_ASCII", value_parser = values::switch(), help_heading = "Output")]
    pub ascii: bool,

    /// Say in lines of text what changes, instead of drawing a dashboard; so it is without a terminal, and with TERM=dumb
    #[arg(long, global = true, env = "SKEW_PLAIN", value_parser = values::switch(), help_heading = "Output")]
    pub plain: bool,

    /// Ring the bell and notify when this share of the connections, in percent, has come to be on the current build
    #[arg(long, global = true, env = "SKEW_NOTIFY_AT", value_name = "SHARE", help_heading = "Output",
          value_parser = values::percent)]
    pub notify_at: Option<Percent>,

    /// Leave the mouse to the terminal, which then selects text
    #[arg(long, global = true, env = "SKEW_NO_MOUSE", value_parser = values::switch(), help_heading = "Output")]
    pub no_mouse: bool,

    /// Neither offer nor do what reaches users
    #[arg(long, global = true, env = "SKEW_READONLY", value_parser = values::switch(), help_heading = "Output")]
    pub readonly: bool,

    /// Refuse an invalidation that would reach more connections than this, or nobody knows how many
    #[arg(long, global = true, env = "SKEW_MAX_AFFECTED", value_name = "N", help_heading = "Acting")]
    pub max_affected: Option<u64>,

    /// How long those whom an invalidation hit are followed at most; 0 follows nobody
    #[arg(long, global = true, env = "SKEW_FOLLOW", value_name = "TIME", default_value = "30s",
          value_parser = values::patience, help_heading = "Acting")]
    pub follow: Duration,

    /// File that every invalidation and release is appended to [default: skew/audit.jsonl below XDG_STATE_HOME]
    #[arg(long, global = true, env = "SKEW_AUDIT_FILE", value_name = "FILE", help_heading = "Acting")]
    pub audit_file: Option<PathBuf>,

    /// Act without writing it to the audit log
    #[arg(long, global = true, env = "SKEW_NO_AUDIT", value_parser = values::switch(), help_heading = "Acting")]
    pub no_audit: bool,

    /// How much to log: off, error, warn, info, debug or trace
    #[arg(
        long,
        global = true,
        env = "SKEW_LOG",
        value_name = "LEVEL",
        default_value = "warn",
        help_heading = "Output"
    )]
    pub log: LevelFilter,

    /// File to log to [default: standard error, and nowhere for the dashboard]
    #[arg(long, global = true, env = "SKEW_LOG_FILE", value_name = "FILE", help_heading = "Output")]
    pub log_file: Option<PathBuf>,
}

impl Options {
    /// How long a command that asks once waits for the answer.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(10))
    }
}
