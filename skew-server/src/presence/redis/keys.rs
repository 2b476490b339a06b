//! Names of keys and channels.

use crate::instance::InstanceId;
use crate::presence::record::Section;

/// All names of one deployment, and those of one instance.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    /// `prefix` has one part in braces, so that a cluster keeps all keys on one node.
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    fn of(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// The hash in whose fields the instances are.
    pub(crate) fn instances(&self) -> String {
        self.of("instances")
    }

    /// What an instance says of itself at least once a second.
    pub(crate) fn head(&self, id: &InstanceId) -> String {
        self.of(&format!("{id}:head"))
    }

    /// A part of what an instance shares.
    pub(crate) fn section(&self, id: &InstanceId, section: Section) -> String {
        self.of(&format!("{id}:{}", section.key()))
    }

    /// Whoever holds it tells of users' coming and going.
    pub(crate) fn lease(&self) -> String {
        self.of("lease")
    }

    /// The stream of users' events.
    pub(crate) fn events(&self) -> String {
        self.of("events")
    }

    /// The users who are announced, for instances that come new.
    pub(crate) fn announced(&self) -> String {
        self.of("announced")
    }

    /// Up to where the webhooks have been told.
    pub(crate) fn delivered(&self) -> String {
        self.of("delivered")
    }

    /// The channel of what has changed.
    pub(crate) fn hints(&self) -> String {
        self.of("hints")
    }

    /// The channel of orders for all instances.
    pub(crate) fn orders(&self) -> String {
        self.of("orders")
    }

    /// The channel of connections' events.
    pub(crate) fn connections(&self) -> String {
        self.of("events-of-connections")
    }

    /// The channel of orders and answers for one instance, and of its own probes.
    pub(crate) fn to(&self, tag: u32) -> String {
        self.of(&format!("to:{tag:08x}"))
    }
}
