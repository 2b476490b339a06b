//! The whole thing on one machine: `skew-server` within this process, and a simulated rollout of real connections on it.
//!
//! Nothing here pretends: the tabs are HTTP clients that stream, report their route, close and reload, and the figures
//! come from the server as from any other.

mod director;
mod limits;
mod site;
mod tab;

use std::net::Ipv4Addr;
use std::sync::Arc;

use skew_server::{Config, Edge, Handle, Secret as ServerSecret, UserConfig};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::credentials::{Credentials, Secret};
use crate::target::{Settings, Target, TargetError, TransportChoice};
use director::Director;
use site::Builds;

/// Why the demo can't start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No loopback port, or no random secret.
    #[error("the demo needs a loopback port: {0}")]
    Port(#[from] std::io::Error),
    /// The server or its clients refuse their configuration, which is fixed.
    #[error("the demo can't start: {0}")]
    Setup(String),
}

/// A running demo. Dropping it ends everything.
#[derive(Debug)]
pub struct Demo {
    port: u16,
    secret: String,
    _tasks: JoinSet<()>,
}

impl Demo {
    /// Starts a server on a free loopback port, with `connections` simulated tabs.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub async fn start(connections: u32) -> Result<Self, DemoError> {
        limits::raise();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        // Only this process knows it, and only for as long as it runs.
        let secret = format!("{:032x}", rand::random::<u128>());
        let builds = Arc::new(Builds::new());

        let (skew, handle) = skew_server::router(config(&builds, &secret)?, ()).map_err(setup)?;
        let router = skew.merge(site::router(Arc::clone(&builds)));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, router, handle.clone()));
        let client = tab::client().map_err(|error| DemoError::Setup(error.to_string()))?;
        tasks.spawn(Director::new(handle, builds, client, port).run(connections));
        Ok(Self { port, secret, _tasks: tasks })
    }

    /// The demo's server as a target, with the credentials to see and to act.
    ///
    /// # Errors
    ///
    /// None that can be helped: the settings are fixed.
    pub fn target(&self, transport: TransportChoice) -> Result<Target, TargetError> {
        let url = format!("http://127.0.0.1:{}", self.port);
        let secret = Secret::new(&self.secret, "the demo's secret").ok();
        let credentials = Credentials::new(secret, None, None).unwrap_or_default();
        Target::new(Settings { url, transport, credentials, ..Settings::default() })
    }
}

fn config(builds: &Builds, secret: &str) -> Result<Config, DemoError> {
    let loopback = "127.0.0.0/8".parse().map_err(setup)?;
    Ok(Config {
        route_tracking: true,
        ip_tracking: true,
        trusted_proxies: vec![loopback],
        users: UserConfig { header: Some(tab::USER_HEADER.to_owned()), ..UserConfig::default() },
        admin_secrets: vec![ServerSecret::new(secret).map_err(setup)?],
        ..Config::new(builds.current())
    })
}

async fn serve(listener: TcpListener, router: axum::Router, handle: Handle) {
    skew_server::serve(listener, router, &handle, Edge::default(), std::future::pending()).await;
}

fn setup(error: impl std::fmt::Display) -> DemoError {
    DemoError::Setup(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::SourceEvent;
    use crate::feed::{Feed, Next, by_changes};
    use crate::source::Keep;
    use crate::state::known::Known;
    use crate::state::site::Watchers;

    #[tokio::test]
    async fn the_demo_is_seen_by_a_source_like_any_site() {
        let demo = Demo::start(20).await.unwrap();
        let target = Arc::new(demo.target(TransportChoice::Auto).unwrap());
        let mut feed = Feed::live(&target.into(), Keep::Newest, by_changes()).unwrap();
        let mut known = Known::new(&[], Watchers::LeftOut);
        let everybody = async {
            while known.site().figures.total < 10 || known.site().releases.releases.is_empty() {
                let Next::Happened(happening) = feed.next(None).await else { panic!("the feed ended") };
                let refused = matches!(happening.event, SourceEvent::Refused { .. } | SourceEvent::Failed(_));
                assert!(!refused, "{happening:?}");
                known.observe([happening]);
            }
        };
        tokio::time::timeout(Duration::from_secs(20), everybody).await.unwrap();
        let site = known.site();
        assert_eq!(site.figures.watching, 1);
        assert!(site.rollout().is_some() && !site.route_tracking_seems_off());
        let users = site.figures.users.as_ref().unwrap();
        assert!(users.any() && users.total < site.figures.total && users.versions.is_some(), "{users:?}");
    }
}
