//! The command line, and what becomes of it: one group of options for each subject, each of which says what it is in a [`Config`].

mod auth;
mod error;
mod jwt;
mod limits;
mod listen;
mod log;
mod secret;
mod site;
mod values;

use clap::{ArgGroup, Parser};
use skew_server::Config;

use self::auth::AuthArgs;
pub(crate) use self::error::StartError;
use self::limits::LimitArgs;
use self::listen::ListenArgs;
pub(crate) use self::log::{LogArgs, LogFormat, LogLevel};
pub(crate) use self::site::Follow;
use self::site::SiteArgs;

/// A lean server that tracks which build and page every open browser tab of a site is on, and tells those who may know.
///
/// It speaks the protocol of the npm module nuxt-skew-protection. Sites without Nuxt take the script at
/// {base}/client.js. Secrets are read from files or the environment, never from the command line.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, next_line_help = true)]
#[command(group = ArgGroup::new("build").required(true).multiple(true).args(["build_id", "manifest"]))]
#[command(after_help = "Exit codes: 0 stopped by a signal, 1 error, 2 wrong usage.\n\
    More variables: SKEW_ADMIN_SECRET, SKEW_STATS_SECRET and NUXT_SESSION_PASSWORD hold the secrets themselves.")]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    auth: AuthArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// What the arguments and the files they name come to.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What the library is told.
    pub(crate) config: Config,
    /// Address to listen on.
    pub(crate) listen: String,
    /// Address that the operator's own systems ask.
    pub(crate) admin_listen: Option<String>,
    pub(crate) follow: Option<Follow>,
}

impl Args {
    /// Reads the files that the arguments name.
    pub(crate) async fn load(&self) -> Result<Loaded, StartError> {
        let (mut config, follow) = self.site.config().await?;
        self.listen.apply(&mut config);
        self.auth.apply(&mut config)?;
        self.limits.apply(&mut config);
        let ListenArgs { listen, admin_listen, .. } = &self.listen;
        Ok(Loaded { config, listen: listen.clone(), admin_listen: admin_listen.clone(), follow })
    }
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
