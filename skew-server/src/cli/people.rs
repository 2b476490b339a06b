//! Whose connections are.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use skew_server::{Config, UserConfig, UserHash};

use super::StartError;
use super::secret::secret_or_variable;
use super::values::filled;

/// Which ids are kept as a hash.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hash {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "People")]
pub(super) struct PeopleArgs {
    /// Field below the data of the application's session that holds the user's id, as a path with dots; repeatable, and the first
    /// that is there counts
    #[arg(long = "user-field", env = "SKEW_USER_FIELD", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "PATH", default_values = ["user.id", "user.email"])]
    user_fields: Vec<String>,

    /// Header in which a --trusted-proxy names the user [default: none]
    #[arg(long, env = "SKEW_USER_HEADER", hide_env_values = true, value_name = "NAME")]
    user_header: Option<String>,

    /// Header of the answer of --forward-auth-url, 2xx or 403, that names the user. It is then asked about every visitor with a cookie
    /// [default: none]
    #[arg(long, env = "SKEW_USER_FORWARD_HEADER", hide_env_values = true, value_name = "NAME")]
    user_forward_header: Option<String>,

    /// Cookie with the id of a visitor who is not known otherwise. It proves nothing, so that such an id is shown as v_ID
    /// [default: none]
    #[arg(long, env = "SKEW_USER_COOKIE", hide_env_values = true, value_name = "NAME")]
    user_cookie: Option<String>,

    /// Which ids are kept and shown as a keyed hash, h_…: auto is those that hold an @, as e-mail addresses do
    #[arg(long, env = "SKEW_USER_HASH", hide_env_values = true, value_name = "WHICH")]
    #[arg(default_value = "auto")]
    user_hash: Hash,

    /// File with the key of these hashes, of 32 bytes or more, the same for all instances. Without one they are others after a
    /// restart [default: $SKEW_USER_HASH_KEY]
    #[arg(long, env = "SKEW_USER_HASH_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    user_hash_key_file: Option<PathBuf>,
}

impl PeopleArgs {
    /// Reads the file that the arguments name.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), StartError> {
        config.users = UserConfig {
            fields: filled(&self.user_fields),
            header: self.user_header.clone(),
            forward_header: self.user_forward_header.clone(),
            cookie: self.user_cookie.clone(),
            hash: match self.user_hash {
                Hash::Auto => UserHash::Auto,
                Hash::Always => UserHash::Always,
                Hash::Never => UserHash::Never,
            },
            hash_key: secret_or_variable(self.user_hash_key_file.as_deref(), "SKEW_USER_HASH_KEY")?,
        };
        Ok(())
    }
}
