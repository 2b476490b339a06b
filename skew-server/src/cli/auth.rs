//! Who may see stats, and who may act.

use std::path::PathBuf;

use clap::Args;
use skew_server::{Config, SessionConfig};

use super::StartError;
use super::secret::secret;
use super::values::filled;

#[derive(Debug, Args)]
#[command(next_help_heading = "Authorization")]
pub(crate) struct AuthArgs {
    /// File with the bearer secret that may read stats and act [default: $SKEW_ADMIN_SECRET]
    #[arg(long, env = "SKEW_ADMIN_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    admin_secret_file: Option<PathBuf>,

    /// File with a bearer secret that may read stats and not act [default: $SKEW_STATS_SECRET]
    #[arg(long, env = "SKEW_STATS_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    stats_secret_file: Option<PathBuf>,

    /// File with the application's session password: its admins may then read stats and act [default: $NUXT_SESSION_PASSWORD]
    #[arg(long, env = "SKEW_NUXT_SESSION_PASSWORD_FILE", hide_env_values = true, value_name = "FILE")]
    nuxt_session_password_file: Option<PathBuf>,

    /// Role that makes a user of the application an admin; repeatable
    #[arg(long = "admin-role", env = "SKEW_ADMIN_ROLE", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "ROLE", default_value = "admin")]
    admin_roles: Vec<String>,

    /// E-mail address that makes a user of the application an admin; repeatable [default: none]
    #[arg(long = "admin-email", env = "SKEW_ADMIN_EMAIL", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "EMAIL")]
    admin_emails: Vec<String>,
}

impl AuthArgs {
    /// Reads the files that the arguments name.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), StartError> {
        config.admin_secrets = secret(self.admin_secret_file.as_deref(), "SKEW_ADMIN_SECRET")?.into_iter().collect();
        config.stats_secrets = secret(self.stats_secret_file.as_deref(), "SKEW_STATS_SECRET")?.into_iter().collect();
        let password = secret(self.nuxt_session_password_file.as_deref(), "NUXT_SESSION_PASSWORD")?;
        config.session = password.map(|password| SessionConfig {
            password,
            roles: filled(&self.admin_roles),
            emails: filled(&self.admin_emails),
        });
        Ok(())
    }
}
