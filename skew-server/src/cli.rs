//! The command line, and what becomes of it: one group of options for each subject, each of which says what it is in a [`Config`].

mod auth;
mod error;
mod file;
mod jwt;
mod limits;
mod listen;
mod log;
#[cfg(test)]
mod page;
mod people;
mod redis;
mod secret;
mod site;
mod tls;
mod values;
mod webhook;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{ArgGroup, CommandFactory, FromArgMatches, Parser};
use skew_server::Config;

use self::auth::AuthArgs;
pub(crate) use self::error::StartError;
use self::file::File;
use self::limits::LimitArgs;
use self::listen::ListenArgs;
pub(crate) use self::log::{LogArgs, LogFormat, LogLevel};
use self::people::PeopleArgs;
use self::redis::RedisArgs;
pub(crate) use self::site::Follow;
use self::site::SiteArgs;
use self::tls::TlsArgs;
use self::webhook::WebhookArgs;

/// Below the options in `--help`.
const AFTER_HELP: &str = "\
Exit codes:
  0    stopped by a signal; of --check: the configuration is good
  1    error
  2    wrong usage
  130  a second signal ended it before its streams had ended in order

SIGHUP reads the configuration file and all files named there and here again. SKEW_ADMIN_SECRET, SKEW_STATS_SECRET,
NUXT_SESSION_PASSWORD, SKEW_USER_HASH_KEY, SKEW_WEBHOOK_SECRET and SKEW_REDIS_PASSWORD hold the secrets
themselves.";

/// A lean server that tracks which build and page every open browser tab of a site is on, and tells those who may know.
///
/// It speaks the protocol of the npm module nuxt-skew-protection. Sites without Nuxt take the script at
/// {base}/client.js. Secrets are read from files or the environment, never from the command line.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, next_line_help = true)]
#[command(group = ArgGroup::new("build").required(true).multiple(true).args(["build_id", "manifest"]))]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Configuration in TOML: every other option by its name with _ for -, such as route_tracking = true. The command line and the
    /// environment come before it [default: none]
    #[arg(long, env = "SKEW_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Only look whether the configuration is good
    #[arg(long)]
    pub(crate) check: bool,

    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    #[command(flatten)]
    auth: AuthArgs,
    #[command(flatten)]
    people: PeopleArgs,
    #[command(flatten)]
    webhook: WebhookArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    redis: RedisArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// What the arguments and the files they name come to.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What the library is told.
    pub(crate) config: Config,
    pub(crate) follow: Option<Follow>,
}

impl Args {
    /// Reads the arguments of this process, and where neither they nor the environment say a thing the configuration file.
    pub(crate) fn read() -> Result<Self, StartError> {
        let command = Self::command();
        // The file may name the build.
        let first = command.clone().mut_group("build", |build| build.required(false));
        let config = first.try_get_matches().and_then(|matches| Self::from_arg_matches(&matches));
        let command = match config.map_err(StartError::Usage)?.config {
            Some(path) => File::read(&path, &command)?.apply(command),
            None => command,
        };
        let matches = command.try_get_matches().map_err(StartError::Usage)?;
        redis::check_source(&matches)?;
        Self::from_arg_matches(&matches).map_err(StartError::Usage)
    }

    /// Reads the files that the arguments name, and asks the manifest for the build where no other is known.
    pub(crate) async fn load(&self) -> Result<Loaded, StartError> {
        let (build_id, follow) = self.site.build().await?;
        Ok(Loaded { config: self.config(build_id)?, follow })
    }

    /// Reads the files that the arguments name.
    pub(crate) fn config(&self, build_id: String) -> Result<Config, StartError> {
        let config = self.fields(build_id)?;
        config.check()?;
        Ok(config)
    }

    /// The same where options that it needs may come from elsewhere.
    fn fields(&self, build_id: String) -> Result<Config, StartError> {
        let mut config = Config::new(build_id);
        self.site.apply(&mut config);
        self.listen.apply(&mut config);
        self.auth.apply(&mut config)?;
        self.people.apply(&mut config)?;
        self.webhook.apply(&mut config)?;
        self.limits.apply(&mut config);
        self.redis.apply(&self.listen.listen, &mut config)?;
        config.check_fields()?;
        Ok(config)
    }

    /// Names of options that take effect at a start only, and what they say.
    pub(crate) fn fixed(&self) -> Vec<(&'static str, String)> {
        [self.site.fixed(), self.listen.fixed(), self.tls.fixed(), self.log.fixed()].concat()
    }
}

/// What options of a file come to, without the rest of the command line and without the environment.
fn try_alone(options: impl IntoIterator<Item = OsString>) -> Result<(), StartError> {
    let command = Args::command().mut_args(|option| option.env(Resettable::Reset)).no_binary_name(true);
    let command = command.mut_group("build", |build| build.required(false));
    let args = command.try_get_matches_from(options).and_then(|matches| Args::from_arg_matches(&matches));
    args.map_err(StartError::Usage)?.fields("any".to_owned()).map(drop)
}

/// What is wrong, without the rest, which tells how to use the program.
fn in_short(error: &clap::Error) -> String {
    let error = error.to_string();
    let words: Vec<&str> = error.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_variable_and_none_holds_a_secret() {
        for arg in Args::command().get_arguments() {
            let id = arg.get_id().as_str();
            if id == "check" {
                continue;
            }
            assert!(arg.get_env().is_some_and(|name| name.to_string_lossy().starts_with("SKEW_")), "{id}");
            assert!(!id.contains("secret") && !id.contains("password") || id.ends_with("_file"), "{id}");
        }
    }

    #[test]
    fn a_build_id_or_a_manifest_is_needed() {
        let error = Args::try_parse_from(["skew-server"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--build-id"), "{error}");
        assert!(Args::try_parse_from(["skew-server", "--build-id", "b", "--manifest", "x.json"]).is_ok());
    }

    #[tokio::test]
    async fn empty_roles_and_addresses_make_nobody_an_admin() {
        let mut password = tempfile::NamedTempFile::new().unwrap();
        password.write_all(b"an-example-password-of-32-chars-or-more\n").unwrap();
        let password = password.path().to_str().unwrap();
        let arguments = ["skew-server", "--build-id", "b", "--nuxt-session-password-file", password];
        let more = ["--admin-role", "ops, lead,", "--admin-email", ""];
        let loaded = Args::parse_from(arguments.into_iter().chain(more)).load().await.unwrap();
        let session = loaded.config.session.unwrap();
        assert_eq!((session.roles, session.emails), (vec!["ops".to_owned(), "lead".to_owned()], vec![]));
    }
}
