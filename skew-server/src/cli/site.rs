//! The site: its build, its endpoints, and what is kept of its visitors.

use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueHint};
use skew_server::manifest::Manifest;
use skew_server::{Config, ConfigError};

use super::StartError;
use super::values::duration;

#[derive(Debug, Args)]
#[command(next_help_heading = "Site")]
pub(crate) struct SiteArgs {
    /// The build that new visitors get now
    #[arg(long, env = "SKEW_BUILD_ID", hide_env_values = true, value_name = "ID")]
    build_id: Option<String>,

    /// Follow a site's builds/latest.json: its `id` becomes the current build, and its versions tell when that was released.
    /// Beside --build-id that build is current until the manifest answers
    #[arg(long, env = "SKEW_MANIFEST", hide_env_values = true, value_name = "URL_OR_PATH")]
    #[arg(value_hint = ValueHint::FilePath)]
    manifest: Option<String>,

    /// Time between two looks at the manifest
    #[arg(long, env = "SKEW_MANIFEST_INTERVAL", hide_env_values = true, default_value = "5s", value_parser = duration)]
    #[arg(value_name = "TIME")]
    manifest_interval: Duration,

    /// Where the endpoints live. An app mounted at /shop has them at /shop/__skew
    #[arg(long, env = "SKEW_BASE_PATH", hide_env_values = true, default_value = "/__skew", value_name = "PATH")]
    base_path: String,

    /// Cookie in which browsers carry their build. An app mounted at /shop has __nkpv_shop
    #[arg(long, env = "SKEW_COOKIE_NAME", hide_env_values = true, default_value = "__nkpv", value_name = "NAME")]
    cookie_name: String,

    /// Keep the page of each connection. Otherwise everybody is at / [default: off]
    #[arg(long, env = "SKEW_ROUTE_TRACKING", hide_env_values = true, value_parser = FalseyValueParser::new())]
    route_tracking: bool,

    /// Keep the address of each connection [default: off]
    #[arg(long, env = "SKEW_IP_TRACKING", hide_env_values = true, value_parser = FalseyValueParser::new())]
    ip_tracking: bool,

    /// Subscribers get at most one stats message in this time
    #[arg(long, env = "SKEW_STATS_INTERVAL", hide_env_values = true, default_value = "100ms", value_parser = duration)]
    #[arg(value_name = "TIME")]
    stats_interval: Duration,
}

impl SiteArgs {
    /// The build to start with, which a manifest is asked for where no other is known, and that manifest.
    pub(super) async fn build(&self) -> Result<(String, Option<Follow>), StartError> {
        let manifest = self.manifest.as_deref().map(Manifest::new).transpose()?;
        let build_id = match (&self.build_id, &manifest) {
            (Some(build_id), _) => build_id.clone(),
            (None, Some(manifest)) => manifest.read().await?.current.version,
            (None, None) => return Err(ConfigError::BuildId.into()),
        };
        Ok((build_id, manifest.map(|manifest| Follow { manifest, every: self.manifest_interval })))
    }

    pub(super) fn apply(&self, config: &mut Config) {
        config.base_path.clone_from(&self.base_path);
        config.cookie_name.clone_from(&self.cookie_name);
        config.route_tracking = self.route_tracking;
        config.ip_tracking = self.ip_tracking;
        config.stats_interval = self.stats_interval;
    }

    pub(super) fn fixed(&self) -> Vec<(&'static str, String)> {
        let manifest_interval = format!("{:?}", self.manifest_interval);
        vec![
            ("build-id", self.build_id.clone().unwrap_or_default()),
            ("manifest", self.manifest.clone().unwrap_or_default()),
            ("manifest-interval", manifest_interval),
        ]
    }
}

/// A manifest to be followed.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) manifest: Manifest,
    pub(crate) every: Duration,
}
