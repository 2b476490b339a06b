//! Who may see stats, and who may act.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use skew_server::{Config, SessionConfig};

use super::StartError;
use super::jwt::JwtArgs;
use super::secret::{secret_or_variable, secrets};
use super::values::{duration, filled};

#[derive(Debug, Args)]
#[command(next_help_heading = "Authorization")]
pub(crate) struct AuthArgs {
    /// File with bearer secrets that may read stats and act, one on each line; repeatable [default: $SKEW_ADMIN_SECRET]
    #[arg(long, env = "SKEW_ADMIN_SECRET_FILE", hide_env_values = true, value_delimiter = ',', value_name = "FILE")]
    admin_secret_file: Vec<PathBuf>,

    /// File with bearer secrets that may read stats and not act, one on each line; repeatable [default: $SKEW_STATS_SECRET]
    #[arg(long, env = "SKEW_STATS_SECRET_FILE", hide_env_values = true, value_delimiter = ',', value_name = "FILE")]
    stats_secret_file: Vec<PathBuf>,

    /// File with the application's session password: its admins may then read stats and act [default: $NUXT_SESSION_PASSWORD]
    #[arg(long, env = "SKEW_NUXT_SESSION_PASSWORD_FILE", hide_env_values = true, value_name = "FILE")]
    nuxt_session_password_file: Option<PathBuf>,

    /// The application's maxAge: a session that was created longer ago is no good, however often it was sealed anew since
    /// [default: the expiry of the seal alone]
    #[arg(long, env = "SKEW_NUXT_SESSION_MAX_AGE", hide_env_values = true, value_name = "TIME", value_parser = duration)]
    nuxt_session_max_age: Option<Duration>,

    /// Role that makes a user of the application an admin; repeatable
    #[arg(long = "admin-role", env = "SKEW_ADMIN_ROLE", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "ROLE", default_value = "admin")]
    admin_roles: Vec<String>,

    /// E-mail address that makes a user of the application an admin; repeatable [default: none]
    #[arg(long = "admin-email", env = "SKEW_ADMIN_EMAIL", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "EMAIL")]
    admin_emails: Vec<String>,

    /// Address that is asked whether a request may read stats: it gets its cookie and authorization headers, and answers 2xx if so
    /// [default: none]
    #[arg(long, env = "SKEW_FORWARD_AUTH_URL", hide_env_values = true, value_name = "URL")]
    forward_auth_url: Option<String>,

    /// How often it is looked again whether a subscriber may still see stats, beside the end of their session or token and a reload
    #[arg(long, env = "SKEW_RECHECK_INTERVAL", hide_env_values = true, value_name = "TIME")]
    #[arg(default_value = "2m", value_parser = duration)]
    recheck_interval: Duration,

    #[command(flatten)]
    jwt: JwtArgs,
}

impl AuthArgs {
    /// Reads the files that the arguments name.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), StartError> {
        config.admin_secrets = secrets(&self.admin_secret_file, "SKEW_ADMIN_SECRET")?;
        config.stats_secrets = secrets(&self.stats_secret_file, "SKEW_STATS_SECRET")?;
        let password = secret_or_variable(self.nuxt_session_password_file.as_deref(), "NUXT_SESSION_PASSWORD")?;
        config.session = password.map(|password| SessionConfig {
            password,
            roles: filled(&self.admin_roles),
            emails: filled(&self.admin_emails),
            max_age: self.nuxt_session_max_age,
        });
        config.recheck_interval = self.recheck_interval;
        config.forward_auth_url.clone_from(&self.forward_auth_url);
        config.jwt = self.jwt.config()?;
        Ok(())
    }
}
