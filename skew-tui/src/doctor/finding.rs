//! What a diagnosis says.

use serde::{Serialize, Serializer};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Good to know; nothing has to be done.
    Note,
    /// Works, and some figure or action is not what it seems.
    Warning,
    /// Does not work.
    Problem,
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $id:ident = $name:literal,)+) => {
        /// What is found: one name for each, which stays. `docs/doctor.md` has a section on every one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Id { $($(#[doc = $doc])+ $id,)+ }

        impl Id {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$id,)+];

            /// Its name, in kebab case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => $name,)+ }
            }
        }
    };
}

ids! {
    /// The site answers.
    Reachable = "reachable",
    /// The host's name leads nowhere.
    NameNotFound = "name-not-found",
    /// No connection comes about, or no answer.
    Unreachable = "unreachable",
    /// The certificate is of another time.
    TlsExpired = "tls-expired",
    /// Nobody known vouches for the certificate.
    TlsUnknownAuthority = "tls-unknown-authority",
    /// The certificate is another host's.
    TlsWrongHost = "tls-wrong-host",
    /// The site wants a certificate of its client.
    TlsClientCertificate = "tls-client-certificate",
    /// The port speaks no TLS.
    TlsNotSpoken = "tls-not-spoken",
    /// Any other failure of TLS.
    TlsFailed = "tls-failed",
    /// The site sends to another origin.
    Redirected = "redirected",
    /// The site answers its own page with an error.
    PageFailing = "page-failing",
    /// The endpoints are where they were looked for.
    Endpoints = "endpoints",
    /// They are not at the base path that was given.
    WrongBasePath = "wrong-base-path",
    /// They are at another mount of the site.
    MountPath = "mount-path",
    /// There are none.
    NoEndpoints = "no-endpoints",
    /// The site's browsers ask by themselves, and keep no stream.
    PollingStrategy = "polling-strategy",
    /// The site's messages go over a service.
    AdapterStrategy = "adapter-strategy",
    /// The stream itself is refused.
    StreamRefused = "stream-refused",
    /// A WebSocket endpoint that opens no WebSocket.
    WebSocketBlocked = "websocket-blocked",
    /// The stream is open.
    Stream = "stream",
    /// Something on the way keeps the stream's bytes back.
    SseBuffered = "sse-buffered",
    /// The server itself is silent.
    ServerSilent = "server-silent",
    /// The stream breaks.
    StreamBroken = "stream-broken",
    /// Stats are shown.
    Stats = "stats",
    /// Stats are refused, and no credentials were given.
    NoCredentials = "no-credentials",
    /// Stats are refused to these credentials.
    StatsRefused = "stats-refused",
    /// Connections are not tracked.
    TrackingOff = "tracking-off",
    /// The hook that authorizes fails.
    HookThrows = "hook-throws",
    /// The request was taken and nothing came.
    SubscriptionSilent = "subscription-silent",
    /// Asking for stats failed otherwise.
    SubscriptionFailed = "subscription-failed",
    /// Different processes answer.
    SeveralProcesses = "several-processes",
    /// The server does not hear from all of its instances.
    InstancesSilent = "instances-silent",
    /// Routes are known.
    Routes = "routes",
    /// Everybody is at `/`.
    RouteTrackingOff = "route-tracking-off",
    /// Nobody is connected.
    NobodyConnected = "nobody-connected",
    /// Browsers are marked with their build.
    VersionCookie = "version-cookie",
    /// They are not.
    NoVersionCookie = "no-version-cookie",
    /// The page comes from a cache, which marks nobody.
    CachedPage = "cached-page",
    /// The cookie has another name than the usual one.
    OtherCookieName = "other-cookie-name",
    /// The clocks agree.
    Clock = "clock",
    /// They don't.
    ClockSkew = "clock-skew",
    /// The module is one whose protocol is known.
    Module = "module",
    /// It is an old one.
    OldModule = "old-module",
    /// There is a release list.
    ReleaseList = "release-list",
    /// There is none.
    NoReleaseList = "no-release-list",
    /// Invalidations would be taken.
    Invalidation = "invalidation",
    /// There is no endpoint for them.
    InvalidationMissing = "invalidation-missing",
    /// These credentials may not invalidate.
    InvalidationRefused = "invalidation-refused",
    /// Anybody may.
    InvalidationOpen = "invalidation-open",
    /// The endpoint fails.
    InvalidationFailing = "invalidation-failing",
    /// What could not be looked at.
    NotChecked = "not-checked",
}

impl Id {
    /// Whether better credentials are all it takes.
    #[must_use]
    pub fn is_authorization(self) -> bool {
        matches!(self, Self::StreamRefused | Self::StatsRefused | Self::InvalidationRefused)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One thing that was found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which.
    pub id: Id,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: String,
    /// What was seen. May hold text from outside.
    pub evidence: String,
    /// What to do, where something is to be done.
    pub remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(id: Id, title: &str, evidence: impl Into<String>) -> Self {
        Self { id, severity: Severity::Ok, title: title.to_owned(), evidence: evidence.into(), remedy: None }
    }

    pub(super) fn note(id: Id, title: &str, evidence: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::ok(id, title, evidence) }
    }

    pub(super) fn warning(id: Id, title: &str, evidence: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::ok(id, title, evidence) }
    }

    pub(super) fn problem(id: Id, title: &str, evidence: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, ..Self::ok(id, title, evidence) }
    }

    /// With what to do about it.
    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_id_has_a_name_of_its_own_and_a_section_in_the_docs() {
        let docs = include_str!("../../../docs/doctor.md");
        let names: HashSet<_> = Id::ALL.iter().map(|id| id.name()).collect();
        assert_eq!(names.len(), Id::ALL.len());
        let without: Vec<_> = names.iter().filter(|name| !docs.contains(&format!("\n### {name}\n"))).collect();
        assert_eq!(without, Vec::<&&str>::new());
        let sections = docs.lines().filter_map(|line| line.strip_prefix("### "));
        assert_eq!(sections.filter(|name| !names.contains(name)).collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
