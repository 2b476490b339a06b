//! The command line: raw arguments, checked and turned into settings in one step.

// The comments of arguments are what --help prints, where a URL stands as it is.
#![allow(rustdoc::bare_urls)]

mod contexts;
mod message;
mod options;
mod secrets;
mod values;
mod wait;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use skew_proto::MatchKind;

pub use contexts::Contexts;
pub use message::{EventsChoice, MessageArgs};
pub use options::{ColorChoice, Options, ThemeChoice};
pub use wait::WaitArgs;

use crate::audit::Audit;
use crate::config::Place;
use crate::target::{TargetError, Targets};

/// The exit codes, as `--help` shows them.
const AFTER_HELP: &str = "\
Exit codes:
  0    done, or whoever read the output has closed it; of wait: met, and nothing else
  1    error
  2    wrong usage
  4    not authorized to see stats, or to invalidate
  8    wait: superseded by a later release, or not met when asked once
  124  wait: timed out
  130  interrupted (SIGINT, SIGTERM)

Secrets are never arguments, which every process of the machine can read. They stand in files, or in SKEW_TOKEN,
SKEW_COOKIE and SKEW_ADMIN_SECRET themselves. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured.";

/// Both uses: clap would write them as one.
const USAGE: &str = "skew-tui [OPTIONS] <URL or CONTEXT>\n       skew-tui [OPTIONS] <COMMAND>";

/// Who is still on the old build after a deploy, live.
///
/// With a URL alone it opens the dashboard, or says what changes where there is no terminal for one. The site is a Nuxt app with nuxt-skew-protection, or any site with skew-server.
#[derive(Debug, Parser)]
#[command(name = "skew-tui", version, after_help = AFTER_HELP, subcommand_negates_reqs = true)]
#[command(disable_help_subcommand = true, arg_required_else_help = true, override_usage = USAGE)]
pub struct Cli {
    /// The site, such as https://shop.example.com, or a context of the configuration
    pub url: Option<String>,

    /// What to do, where it is not the dashboard.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Options of all commands.
    #[command(flatten)]
    pub options: Options,

    /// The configuration's contexts.
    #[arg(skip)]
    pub contexts: Contexts,
}

/// What can be done besides the dashboard.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print every message as it comes, application messages too: one JSON object a line.
    Messages {
        /// The site, such as https://shop.example.com
        url: Option<String>,

        /// Events to ask skew-server for: of users who come and go, or also of each connection
        #[arg(long, value_enum, default_value_t)]
        events: EventsChoice,
    },
    /// Print who is connected now, once.
    Stats {
        /// The site, such as https://shop.example.com
        url: Option<String>,
    },
    /// Wait until a share of the connected tabs is on a build, and tell by the exit code whether it is.
    Wait(WaitArgs),
    /// Send the users of a page, or one user, a refresh.
    Invalidate {
        /// The site, such as https://shop.example.com
        url: String,

        /// The route or pattern, whole; / reaches everybody
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        route: Option<String>,

        /// One user on all their pages, by id; - reads the id from standard input. skew-server only
        #[arg(long, value_name = "ID")]
        user: Option<String>,

        /// How it is compared with routes: prefix (/checkout also takes /checkout-help), exact, segment (/checkout and
        /// what lies below) or regex. A stock app knows prefixes only
        #[arg(long = "match", value_name = "KIND", env = "SKEW_MATCH", default_value_t, value_parser = values::match_kind())]
        kind: MatchKind,

        /// Only show whom it would reach
        #[arg(long)]
        dry_run: bool,

        /// Do not ask; for scripts
        #[arg(long)]
        yes: bool,
    },
    /// Send a message of the application's own to a user, a connection, a route or everybody. skew-server only.
    Message(MessageArgs),
    /// List who is here: each user with their connections. skew-server only.
    Users {
        /// The site, such as https://shop.example.com
        url: String,
    },
    /// Find out why a site shows no figures, or wrong ones, and what to do. Changes nothing there.
    Doctor {
        /// The site, such as https://shop.example.com
        url: Option<String>,
    },
    /// Write, check or find the configuration: contexts, defaults and keys.
    Config {
        /// What to do with it
        #[command(subcommand)]
        task: ConfigTask,
    },
    /// Print what a shell needs to complete this command line.
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page, or write all of them.
    Man {
        /// Folder to write a page for the program and one for each command into
        #[arg(long, value_name = "DIR", env = "SKEW_MAN_DIR")]
        dir: Option<PathBuf>,
    },
    /// Record what a site says to a file, until interrupted.
    Record {
        /// The site, such as https://shop.example.com
        url: String,

        /// The file, which must not be there yet. Only you can read it
        file: PathBuf,

        /// Take another file's place
        #[arg(long)]
        force: bool,

        /// Stop by itself after this time
        #[arg(long = "for", value_name = "TIME", env = "SKEW_FOR", value_parser = values::interval)]
        lasting: Option<Duration>,

        /// Shortest time between two recorded stats, each of which is a whole list of connections (10,000 of them are
        /// 1.4 MB); 0s records every one
        #[arg(long, value_name = "TIME", env = "SKEW_EVERY", default_value = "1s", value_parser = values::duration)]
        every: Duration,

        /// Keep only the network of visitors' addresses
        #[arg(long, env = "SKEW_MASK", value_parser = values::switch())]
        mask: bool,

        /// Keep the ids of users, which are hidden otherwise: each has another text in its place
        #[arg(long, env = "SKEW_RECORD_USERS", value_parser = values::switch())]
        users: bool,
    },
    /// Open the dashboard on a recording, with keys to go anywhere in it; with --json print its states.
    Replay {
        /// The recording
        file: PathBuf,

        /// How many times as fast as it was
        #[arg(long, value_name = "N", env = "SKEW_SPEED", default_value_t = 1.0, value_parser = values::speed)]
        speed: f64,
    },
    /// Tell skew-server which build is current from now on.
    Release {
        /// The site, such as https://shop.example.com
        url: String,

        /// The build, as pages name theirs
        version: String,

        /// Do not ask; for scripts
        #[arg(long)]
        yes: bool,
    },
    /// Show who invalidated or released what, and what came of it.
    Audit {
        /// Only actions on this site
        site: Option<String>,

        /// Only the last so many actions
        #[arg(long, value_name = "N", env = "SKEW_LAST")]
        last: Option<usize>,
    },
    /// Try it all without a server: a simulated rollout on this machine.
    Demo {
        /// Number of simulated tabs
        #[arg(long, value_name = "N", env = "SKEW_CONNECTIONS", default_value_t = 200,
              value_parser = clap::value_parser!(u32).range(1..=2_000))]
        connections: u32,
    },
}

/// What to do with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigTask {
    /// Write an example with every setting told; an existing file stays as it is
    Init,
    /// Read it, look at its sites, files and keys, and tell every problem
    Check,
    /// Print where it is
    Path,
}

impl Command {
    /// Whether it can read a recording in place of a site.
    #[must_use]
    pub fn reads_recordings(&self) -> bool {
        matches!(self, Self::Messages { .. } | Self::Stats { .. } | Self::Wait(_))
    }
}

/// Why the arguments can't be carried out.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A credential, a secret or a file of one.
    #[error(transparent)]
    Credential(#[from] crate::credentials::CredentialError),
    /// The site's URL or a path.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A file of certificates can't be read.
    #[error("{} can't be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Cli {
    /// Reads the program's arguments.
    ///
    /// # Errors
    ///
    /// What to print, to which stream and with which exit code: a wrong use, or the help or version that was asked for.
    pub fn read(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Self, clap::Error> {
        Self::read_from(arguments, &Place::of)
    }

    /// [`Self::read`], with the configuration at the place that is found for the named one.
    fn read_from(
        arguments: impl IntoIterator<Item = std::ffi::OsString>,
        place: &dyn Fn(Option<&Path>) -> Place,
    ) -> Result<Self, clap::Error> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let cli = contexts::read(&arguments, place)?;
        if cli.url.is_some() && cli.command.is_some() {
            let text = "the URL comes after the command: skew-tui stats https://shop.example.com";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, text));
        }
        Ok(cli)
    }
}

impl Options {
    /// Where actions are written down.
    #[must_use]
    pub fn audit(&self) -> Audit {
        Audit::new(self.audit_file.as_deref(), self.no_audit)
    }

    /// The checked targets: `site` and those of `--target`, with the secrets that files and the environment hold.
    ///
    /// # Errors
    ///
    /// When one of the settings can't be used, or there is no target.
    pub fn targets(&self, site: Option<&str>) -> Result<Targets, UsageError> {
        let settings = secrets::settings(self, &|name| std::env::var(name).ok())?;
        let urls: Vec<String> = site.map(str::to_owned).into_iter().chain(self.targets.iter().cloned()).collect();
        Ok(Targets::new(&urls, &settings, &self.resolve)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Result<Cli, clap::Error> {
        let arguments = std::iter::once("skew-tui").chain(arguments.split_whitespace()).map(Into::into);
        Cli::read_from(arguments, &|_| Place::Nowhere)
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_url_alone_is_the_dashboard_and_flags_go_anywhere() {
        let cli = read("--top 5 https://x.test --json --interval 2s").unwrap();
        assert!(cli.command.is_none() && cli.options.json && cli.options.top == Some(5));
        assert_eq!(cli.options.interval.as_secs(), 2);
        for arguments in ["--json stats https://x.test", "stats --json https://x.test", "stats https://x.test --json"] {
            let cli = read(arguments).unwrap();
            assert!(
                cli.options.json
                    && matches!(cli.command, Some(Command::Stats { url: Some(url) }) if url == "https://x.test")
            );
        }
    }

    #[test]
    fn a_flag_before_the_command_is_not_overwritten_by_its_default_after_it() {
        let cli = read("--interval 2s --transport ws messages https://x.test").unwrap();
        assert_eq!(cli.options.interval.as_secs(), 2);
        assert_eq!(cli.options.transport, crate::target::TransportChoice::Ws);
    }

    #[test]
    fn an_invalidation_takes_a_kind_of_match() {
        let cli = read("invalidate https://x.test /a --match segment --yes").unwrap();
        assert!(matches!(cli.command, Some(Command::Invalidate { kind: MatchKind::Segment, yes: true, .. })));
        let wrong = read("invalidate https://x.test /a --match glob").unwrap_err();
        assert!(wrong.to_string().contains("prefix, exact, segment, regex"), "{wrong}");
    }

    #[test]
    fn acting_has_limits_that_go_anywhere() {
        let cli = read("--max-affected 50 invalidate https://x.test /a --follow 0").unwrap();
        assert_eq!((cli.options.max_affected, cli.options.follow), (Some(50), std::time::Duration::ZERO));
        assert_eq!(read("https://x.test").unwrap().options.follow.as_secs(), 30);
        let cli = read("release https://x.test b2 --yes").unwrap();
        assert!(matches!(cli.command, Some(Command::Release { version, yes: true, .. }) if version == "b2"));
        let cli = read("audit x.test --last 3").unwrap();
        assert!(matches!(cli.command, Some(Command::Audit { site: Some(_), last: Some(3) })));
    }

    #[test]
    fn wrong_uses_are_usage_errors() {
        for arguments in [
            "",
            "https://x.test stats https://y.test",
            "https://x.test --top many",
            "https://x.test --interval soon",
            "demo --connections 0",
            "--token abc https://x.test",
        ] {
            assert_eq!(read(arguments).unwrap_err().exit_code(), 2, "{arguments}");
        }
    }

    #[test]
    fn without_any_site_there_is_nothing_to_ask() {
        let cli = read("stats").unwrap();
        assert!(cli.options.targets(None).unwrap_err().to_string().contains("https://shop.example.com"));
        let cli = read("stats https://a.test --target https://b.test --resolve b.test:10.0.0.1").unwrap();
        assert_eq!(cli.options.targets(Some("https://a.test")).unwrap().labels(), ["a.test", "b.test at 10.0.0.1"]);
    }

    #[test]
    fn every_flag_has_a_variable_and_help_tells_the_exit_codes() {
        let mut command = Cli::command();
        let help = command.render_long_help().to_string();
        assert!(help.contains("4    not authorized") && help.contains("[env: SKEW_INTERVAL"));
        let flags = command.get_arguments().filter(|argument| argument.get_long().is_some());
        let bare: Vec<_> = flags
            .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
            .filter(|argument| argument.get_env().is_none_or(|name| !name.to_string_lossy().starts_with("SKEW_")))
            .map(|argument| argument.get_id().to_string())
            .collect();
        assert_eq!(bare, Vec::<String>::new());
    }
}
