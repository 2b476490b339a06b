//! What was seen of a site: plain data, without any opinion on it. Texts from outside are as they came, without secrets.

use std::time::Duration;

use skew_proto::Partial;

use super::failure::Failure;
use super::page::Page;
use crate::Transport;

/// What was seen of a site.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What was asked for.
    pub asked: Asked,
    /// The page at the URL, as a browser would ask for it.
    pub page: Result<Page, Failure>,
    /// Every base path that was tried, in order. None follows one that has a stream.
    pub bases: Vec<Base>,
    /// What became of asking for stats: the first answer, and where that was silence, some further ones.
    pub subscriptions: Vec<Subscription>,
    /// Who is connected, where stats were shown.
    pub figures: Option<Figures>,
    /// Several answers of `{base}/health`, each over a connection of its own.
    pub health: Vec<Health>,
    /// By how much the server's clock is ahead of this machine's, in milliseconds.
    pub ahead_ms: Option<i64>,
    /// The site's release list.
    pub releases: ReleaseList,
    /// Whether `{base}/admin/stats` is there. It is where connections are tracked.
    pub stats_endpoint: Option<bool>,
    /// The endpoint of invalidations.
    pub invalidation: Invalidation,
}

impl Evidence {
    /// Of a site that could not be reached.
    pub(super) fn unreached(asked: Asked, failure: Failure) -> Self {
        Self {
            asked,
            page: Err(failure),
            bases: Vec::new(),
            subscriptions: Vec::new(),
            figures: None,
            health: Vec::new(),
            ahead_ms: None,
            releases: ReleaseList::Missing,
            stats_endpoint: None,
            invalidation: Invalidation::NotAsked,
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The path of the URL.
    pub path: String,
    /// Whether a base path was given.
    pub base_given: bool,
    /// Whether there are credentials.
    pub credentials: bool,
    /// Whether a secret was given for invalidations alone.
    pub admin_secret: bool,
    /// How long each answer was waited for.
    pub patience: Duration,
}

/// Why a base path was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// By the URL or `--base-path`: every command tries it.
    Asked,
    /// The page says so.
    Page,
    /// It is where most sites have it.
    Usual,
    /// It is where the module had it before version 1.
    Old,
}

/// One base path.
#[derive(Debug, Clone)]
pub struct Base {
    /// The path.
    pub path: String,
    /// Why it was tried.
    pub origin: Origin,
    /// Whether `{base}/health` answered as a server of this protocol does.
    pub healthy: bool,
    /// `{base}/sse`.
    pub sse: Opening,
    /// `{base}/ws`.
    pub ws: Opening,
}

impl Base {
    /// What there is of a stream: SSE, and WebSocket where there is no SSE.
    pub(super) fn stream(&self) -> Option<(Transport, &Opening)> {
        let streams = [(Transport::Sse, &self.sse), (Transport::Ws, &self.ws)];
        streams.into_iter().find(|(_, opening)| !matches!(opening, Opening::NotTried | Opening::Missing(_)))
    }

    /// The first message, where there is one.
    pub(super) fn greeting(&self) -> Option<&Greeting> {
        match self.stream() {
            Some((_, Opening::Open(greeting))) => Some(greeting),
            _ => None,
        }
    }
}

/// What became of opening a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Opening {
    /// Not tried.
    NotTried,
    /// There is none: how the path answered.
    Missing(String),
    /// Refused with 401 or 403: how the path answered.
    Refused(String),
    /// Headers came, and no message in time.
    Mute,
    /// Not even headers came in time.
    Unanswered,
    /// There is an endpoint, and no stream came about.
    Broken(String),
    /// It sends elsewhere: to this origin.
    Redirected(String),
    /// A stream, with its first message.
    Open(Greeting),
}

/// The first message of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Greeting {
    /// The server's current build.
    pub version: Option<String>,
    /// Whether it told this connection's id. Servers that track connections do.
    pub has_id: bool,
    /// Name and version of a server that says who it is. A stock one does not.
    pub server: Option<String>,
}

/// What became of asking for stats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    /// Stats came.
    Shown,
    /// `stats-unauthorized` came.
    Refused,
    /// The request was answered with this status and these words.
    Status(u16, String),
    /// The request was taken, or had no answer of its own, and nothing came.
    Silent,
    /// The request was not answered in time.
    Unanswered,
    /// The stream or the request broke.
    Failed(String),
}

/// Who is connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Connections without `skew-tui`s.
    pub visitors: u64,
    /// Whether all of them are at `/`.
    pub all_at_root: bool,
    /// Whether the server tells what changes, and not all of it each time.
    pub by_changes: bool,
    /// Which of its instances the server does not hear from, where it is several.
    pub missing: Option<Partial>,
}

/// One answer of `{base}/health`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The current build of the process that answered.
    pub version: String,
    /// When that process started, in milliseconds on this machine's clock, give or take a second.
    pub started_ms: i64,
}

/// The site's release list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReleaseList {
    /// There is none.
    #[default]
    Missing,
    /// It is a Nuxt app's, without the module's part.
    Plain,
    /// It has the module's part.
    OfModule,
}

/// What became of asking the invalidation endpoint for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Invalidation {
    /// Not asked.
    #[default]
    NotAsked,
    /// A `skew-server` counted for these credentials, and sent nothing.
    Counted,
    /// A stock app refused a wrong secret, as it should. The right one was not tried: that would act.
    Guarded(String),
    /// A stock app took a wrong secret.
    Unguarded(String),
    /// A `skew-server` refused these credentials, or the lack of them.
    Refused(String),
    /// There is none.
    Missing(String),
    /// It answered something else.
    Failed(String),
}
