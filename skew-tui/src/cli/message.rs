//! Arguments of `message` and `messages`.

use clap::{Args, ValueEnum};
use skew_proto::{EventsAsked, MatchKind};

use super::values;

/// Arguments of `message`.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("to").required(true))]
pub struct MessageArgs {
    /// The site, such as https://shop.example.com
    pub url: String,

    /// The message, a JSON object with a type of your own; - reads it from standard input
    #[arg(value_name = "JSON")]
    pub message: String,

    /// To all connections of a user, by id; - reads the id from standard input
    #[arg(long, group = "to", value_name = "ID")]
    pub user: Option<String>,

    /// To one connection, by its public id
    #[arg(long, group = "to", value_name = "ID")]
    pub connection: Option<String>,

    /// To whoever is at a route
    #[arg(long, group = "to", value_name = "ROUTE")]
    pub route: Option<String>,

    /// To everybody
    #[arg(long, group = "to")]
    pub all: bool,

    /// How the route is compared: prefix, exact, segment or regex
    #[arg(long = "match", value_name = "KIND", env = "SKEW_MATCH", default_value_t, value_parser = values::match_kind())]
    pub kind: MatchKind,

    /// Do not ask before it goes to everybody; for scripts
    #[arg(long)]
    pub yes: bool,
}

/// Which events are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EventsChoice {
    /// None.
    #[default]
    None,
    /// Users who come and go.
    Users,
    /// These, and connections that open, close and move.
    All,
}

impl EventsChoice {
    /// What a server is asked for.
    #[must_use]
    pub fn asked(self) -> EventsAsked {
        match self {
            Self::None => EventsAsked::None,
            Self::Users => EventsAsked::Users,
            Self::All => EventsAsked::All,
        }
    }
}
