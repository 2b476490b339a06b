//! Users and instances, in the report.

use serde::Serialize;
use skew_proto::InstanceState;

use super::{Ranked, ranked, unix_iso};
use crate::state::site::{Coverage, Hosted, Site};

/// Who the connections belong to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct People<'a> {
    /// Distinct users.
    users: u64,
    /// Connections of nobody known. Null where that is not told.
    anonymous: Option<u64>,
    /// Users by build and by route. Null where the list does not tell whose every connection is.
    users_by_version: Option<Ranked<'a>>,
    users_by_route: Option<Ranked<'a>>,
}

impl<'a> People<'a> {
    /// Nothing where the server does not count users.
    pub(super) fn of(site: &'a Site) -> Option<Self> {
        let users = site.figures.users.as_ref()?;
        Some(Self {
            users: users.total,
            anonymous: users.anonymous,
            users_by_version: users.versions.as_ref().map(ranked),
            users_by_route: users.routes.as_ref().map(ranked),
        })
    }
}

/// Why figures are not those of everybody.
#[derive(Serialize)]
pub(super) struct Partial<'a> {
    /// How many targets answer, of how many.
    answering: usize,
    of: usize,
    /// Instances of the server that are not heard from: of them the figures are the last known.
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

impl<'a> Partial<'a> {
    /// Nothing where they are whole. There are so many targets.
    pub(super) fn of(site: &'a Site, targets: usize) -> Option<Self> {
        let (answering, of) = match site.coverage {
            Coverage::Whole => return None,
            Coverage::Partial { answering, of } => (answering, of),
            Coverage::Instances => (targets, targets),
        };
        let instances = site.missing.as_ref().map(|missing| missing.instances.as_slice());
        Some(Self {
            answering,
            of,
            instances,
            since: site.missing.as_ref().and_then(|missing| unix_iso(missing.since)),
        })
    }
}

/// One of the server's processes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceReport<'a> {
    name: &'a str,
    /// The target that tells it, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    /// When it was started.
    started_at: Option<String>,
    build: &'a str,
    server: &'a str,
    connections: u64,
    users: u64,
    state: InstanceState,
    /// Since when it is in a state other than live.
    since: Option<String>,
}

impl<'a> InstanceReport<'a> {
    pub(super) fn of(hosted: &'a Hosted) -> Self {
        let instance = &hosted.instance;
        Self {
            name: &instance.name,
            target: hosted.target.as_deref(),
            started_at: unix_iso(instance.epoch),
            build: &instance.build,
            server: &instance.server,
            connections: instance.connections,
            users: instance.users,
            state: instance.state,
            since: instance.since.and_then(unix_iso),
        }
    }
}
