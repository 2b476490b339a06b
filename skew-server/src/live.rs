//! What holds at this moment: the settings, which can be replaced while the server runs, and what is counted.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::auth::Authorizer;
use crate::config::{Config, ConfigError};
use crate::hooks::Hooks;
use crate::instance::Me;
use crate::limits::{AddressKey, Gate, Permit, Tries};
use crate::metrics::{Limit, Metrics};
use crate::origin::Origin;
use crate::presence::exchange::Wants;
use crate::user::{Identity, Ids};
use crate::webhook::Webhooks;
use crate::{address, clock};

/// Settings that have been checked, in a form to be used.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) authorizer: Authorizer,
    pub(crate) webhooks: Webhooks,
    pub(crate) identity: Identity,
    pub(crate) ids: Arc<Ids>,
}

/// Where the server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It takes no visitors yet.
    Starting,
    Serving,
    /// It ends its streams, and is not to be sent new visitors.
    Draining,
}

pub(crate) struct Live {
    settings: RwLock<Arc<Settings>>,
    phase: watch::Sender<Phase>,
    changes: watch::Sender<()>,
    hooks: Arc<dyn Hooks>,
    pub(crate) me: Me,
    /// What the hub needs of other instances.
    pub(crate) wants: watch::Sender<Wants>,
    pub(crate) metrics: Metrics,
    pub(crate) tries: Tries,
    gate: Arc<Gate>,
    sockets: Arc<Gate>,
}

impl Live {
    pub(crate) fn new(config: Config, hooks: Arc<dyn Hooks>) -> Result<Self, ConfigError> {
        let me = Me::new(config.instance.as_deref().unwrap_or("skew"), &config.build_id);
        let settings = RwLock::new(Arc::new(Settings::new(config, hooks.clone(), None)?));
        let phase = watch::Sender::new(Phase::Starting);
        let (tries, gate, sockets) = (Tries::new(), Arc::default(), Arc::default());
        let (changes, wants, metrics) = (watch::Sender::new(()), watch::Sender::default(), Metrics::new());
        Ok(Self { settings, phase, changes, hooks, me, wants, metrics, tries, gate, sockets })
    }

    /// Gives a stream a place, for as long as it keeps the permit. Where the address is not known, limits by address do not apply.
    ///
    /// # Errors
    ///
    /// When there is no place: the limit that was reached, which is counted already.
    pub(crate) fn admit(&self, address: Option<AddressKey>) -> Result<Permit, Limit> {
        let admitted = self.gate.admit(address, &self.settings().config.limits, clock::nanos());
        admitted.inspect_err(|limit| self.metrics.limited(*limit))
    }

    /// Gives a socket a place while it sends requests; a stream that it becomes has one of its own. Nothing where too many of one
    /// client's wait, or drip.
    pub(crate) fn let_in(&self, peer: IpAddr) -> Option<Permit> {
        let settings = self.settings();
        let address = address::known_peer(peer, &settings.config).and_then(AddressKey::of);
        let place = self.sockets.let_in(address, &settings.config.limits, clock::nanos());
        if place.is_none() {
            self.metrics.limited(Limit::ConnectionsByAddress);
        }
        place
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.metrics.draining.set(i64::from(phase == Phase::Draining));
        self.phase.send_replace(phase);
    }

    /// The settings of now. Whoever keeps them keeps what held when they were asked for.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells of every change of the settings from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Replaces the settings, whole or not at all. Returns what is only looked at when the server starts and would differ now.
    pub(crate) fn reconfigure(&self, mut config: Config) -> Result<Vec<&'static str>, ConfigError> {
        let old = self.settings();
        let mut later = Vec::new();
        if old.config.base_path != config.base_path {
            later.push("base-path");
            config.base_path.clone_from(&old.config.base_path);
        }
        if old.config.recipe_endpoints != config.recipe_endpoints {
            later.push("recipe-endpoints");
            config.recipe_endpoints = old.config.recipe_endpoints;
        }
        if old.config.instance != config.instance {
            later.push("instance");
            config.instance.clone_from(&old.config.instance);
        }
        let is_same = match (&old.config.redis, &config.redis) {
            (Some(old), Some(new)) => old.is_at(new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if !is_same {
            later.push("redis");
        }
        config.redis.clone_from(&old.config.redis);
        let settings = Arc::new(Settings::new(config, self.hooks.clone(), Some(&old))?);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        self.changes.send_replace(());
        Ok(later)
    }
}

impl Settings {
    /// `before` are those whose place they take.
    pub(crate) fn new(config: Config, hooks: Arc<dyn Hooks>, before: Option<&Self>) -> Result<Self, ConfigError> {
        let allowed_origins = config.checked()?.allowed_origins;
        let identity = Identity::new(&config)?;
        let ids = Arc::new(Ids::new(&config.users, before.map(|before| &*before.ids)));
        let authorizer = Authorizer::new(&config, hooks, ids.clone(), before.map(|before| &before.authorizer))?;
        let webhooks = Webhooks::new(config.webhook.as_ref(), before.map(|before| &before.webhooks))?;
        Ok(Self { allowed_origins, authorizer, identity, ids, webhooks, config })
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;

    #[test]
    fn a_client_has_so_many_sockets_and_a_proxy_as_many_as_it_needs() {
        let config = Config {
            limits: Limits { connections_by_address: 2, ..Limits::default() },
            trusted_proxies: vec!["198.51.100.0/24".parse().unwrap()],
            ..Config::new("b1")
        };
        let live = Live::new(config, Arc::new(())).unwrap();
        let let_in = |peer: &str| (0..5).filter_map(|_| live.let_in(peer.parse().unwrap())).collect::<Vec<_>>().len();
        assert_eq!((let_in("203.0.113.9"), let_in("198.51.100.7"), let_in("10.0.0.1")), (2, 5, 5));
    }
}
