//! Whom events are sent to.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use skew_proto::EventsAsked;
use skew_server::{Config, WebhookConfig};

use super::StartError;
use super::secret::secrets;
use super::values::{filled, time};

#[derive(Debug, Args)]
#[command(next_help_heading = "Events")]
pub(crate) struct WebhookArgs {
    /// URL that users who come and leave are told to, in signed requests of many events each; repeatable [default: none]
    #[arg(long = "webhook", env = "SKEW_WEBHOOK", hide_env_values = true, value_delimiter = ',', value_name = "URL")]
    webhooks: Vec<String>,

    /// File with the secret that such requests are signed with, of 24 characters or more, or whsec_ and base64; several on lines of
    /// their own sign all at once [default: $SKEW_WEBHOOK_SECRET]
    #[arg(long, env = "SKEW_WEBHOOK_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    webhook_secret_file: Option<PathBuf>,

    /// Which events webhooks get: of users, or all, those of connections too
    #[arg(long, env = "SKEW_WEBHOOK_EVENTS", hide_env_values = true, value_name = "EVENTS", default_value = "users")]
    webhook_events: Which,

    /// Events that may wait for one URL; one more and the oldest is dropped, and counted
    #[arg(long, env = "SKEW_WEBHOOK_QUEUE", hide_env_values = true, value_name = "N", default_value_t = 10_000)]
    webhook_queue: usize,

    /// A user whose last connection has closed has left after this time; one who is back before has not
    #[arg(long, env = "SKEW_LEAVE_GRACE", hide_env_values = true, value_name = "TIME", default_value = "3s")]
    #[arg(value_parser = time)]
    leave_grace: Duration,
}

/// [`EventsAsked`] by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Users,
    All,
}

impl WebhookArgs {
    /// Reads the file that the arguments name.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), StartError> {
        config.leave_grace = self.leave_grace;
        let urls = filled(&self.webhooks);
        let secrets = secrets(self.webhook_secret_file.as_slice(), "SKEW_WEBHOOK_SECRET")?;
        let events = match self.webhook_events {
            Which::Users => EventsAsked::Users,
            Which::All => EventsAsked::All,
        };
        config.webhook =
            (!urls.is_empty()).then_some(WebhookConfig { urls, secrets, events, queue: self.webhook_queue });
        Ok(())
    }
}
