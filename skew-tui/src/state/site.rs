//! What is known of one site from its messages: the one truth behind the dashboard and the `--json` output.

use std::collections::VecDeque;

use skew_proto::{Connection, Partial, Releases, Rollout, ServerInfo, ServerMessage, Stats, StatsChanges, text, wire};

use crate::event::Telling;
use crate::{Now, SourceEvent, Transport};

pub use facts::{Authorization, Coverage, Figures, Level, Link, LogEntry, Refusal, Watchers};
pub use hosted::{Host, Hosted, unheard};
pub use merge::TARGET;
pub use people::Users;
use taking::Flow;

/// Entries that the log keeps.
const LOG_ENTRIES: usize = 500;

/// What is known of one site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where the connection stands.
    pub link: Link,
    /// How messages come, once one transport has worked.
    pub transport: Option<Transport>,
    /// Whether stats may be seen.
    pub authorization: Authorization,
    /// Who the server is; a stock one does not say.
    pub server: Option<ServerInfo>,
    /// The server's current build.
    pub current: Option<String>,
    /// Other builds that targets call current while they don't agree, as in the middle of a deploy.
    pub rivals: Vec<String>,
    /// The site's release list, empty where it has none.
    pub releases: Releases,
    /// The newest stats, as the server sent them. They stay while the connection is lost, and are old then.
    pub stats: Option<Stats>,
    /// When `stats` arrived.
    pub stats_at: Option<Now>,
    /// Number of stats messages that were taken in.
    pub taken: u64,
    /// How often stats began to come, and ceased to. Lists of two eras can't be compared: the same tabs may have other ids.
    pub era: u64,
    /// When the server last said anything on its stream, a keepalive too. It says what has changed before that.
    pub heard_at: Option<Now>,
    /// The figures of `stats` that are shown.
    pub figures: Figures,
    /// Whether the figures are those of everybody.
    pub coverage: Coverage,
    /// The instances whose figures these are, where the server has several.
    pub instances: Vec<Hosted>,
    /// Which of them are not heard from, where any are not.
    pub missing: Option<Partial>,
    /// Why the newest message that could not be read could not, cleaned.
    pub unreadable: Option<String>,
    /// What happened, oldest first.
    pub log: VecDeque<LogEntry>,
    /// When the current build was released, in milliseconds since 1970, by the server's own word.
    current_released_at: Option<u64>,
    /// Public ids of this client's own connections: one for each target.
    own: Vec<String>,
    watchers: Watchers,
    /// How stats come.
    flow: Flow,
    /// Changes that are to be made, and when the last of them came.
    unmade: Vec<StatsChanges>,
    unmade_at: Now,
    damage_reported: bool,
    overlap_reported: bool,
    logged: u64,
}

impl Site {
    /// Nothing known yet.
    #[must_use]
    pub fn new(watchers: Watchers) -> Self {
        Self {
            link: Link::Connecting,
            transport: None,
            authorization: Authorization::Pending { asked_at_ms: None },
            server: None,
            current: None,
            rivals: Vec::new(),
            releases: Releases::default(),
            stats: None,
            stats_at: None,
            taken: 0,
            era: 0,
            heard_at: None,
            figures: Figures::default(),
            coverage: Coverage::Whole,
            instances: Vec::new(),
            missing: None,
            unreadable: None,
            log: VecDeque::new(),
            current_released_at: None,
            own: Vec::new(),
            watchers,
            flow: Flow::Dry,
            unmade: Vec::new(),
            unmade_at: Now::default(),
            damage_reported: false,
            overlap_reported: false,
            logged: 0,
        }
    }

    /// Takes in what a source says.
    pub fn observe(&mut self, event: SourceEvent, now: Now) {
        self.hear(event, now);
        self.settle();
    }

    /// The same, where more may follow: changes are made when something else comes, and by [`Self::settle`].
    pub(super) fn hear(&mut self, event: SourceEvent, now: Now) {
        if event.telling() != Some(Telling::Changes) {
            self.settle();
        }
        match event {
            SourceEvent::Connecting(transport) => {
                self.cease();
                // Every further try of an outage says nothing new.
                let first = self.transport.is_none() && !matches!(self.link, Link::Reconnecting { .. });
                self.link = Link::Connecting;
                self.authorization = Authorization::Pending { asked_at_ms: None };
                if first {
                    self.note(now, Level::Info, format!("connecting over {transport}"));
                }
            }
            SourceEvent::Open(transport) => {
                self.transport = Some(transport);
                self.link = Link::Live;
                self.note(now, Level::Info, format!("connected over {transport}"));
            }
            SourceEvent::Frame(text) => {
                self.heard_at = Some(now);
                self.frame(&text, now);
            }
            SourceEvent::Subscribed => {
                if self.authorization == (Authorization::Pending { asked_at_ms: None }) {
                    self.authorization = Authorization::Pending { asked_at_ms: Some(now.monotonic_ms) };
                }
            }
            SourceEvent::Refused { status, reason } => {
                self.cease();
                let reason = text::cut(&reason, MESSAGE_CHARS);
                self.note(now, Level::Error, format!("refused with {status}: {reason}"));
                self.authorization = Authorization::Refused(Refusal::ByStatus(status, reason));
            }
            SourceEvent::Stale => {
                self.cease();
                self.link = Link::Stale;
                self.note(now, Level::Warning, "nothing arrived for too long; reconnecting".to_owned());
            }
            SourceEvent::Lost { reason, retry_ms } => {
                self.cease();
                let reason = text::cut(&reason, MESSAGE_CHARS);
                self.note(now, Level::Warning, format!("connection lost: {reason}"));
                self.link = Link::Reconnecting { reason, retry_at_ms: now.monotonic_ms + retry_ms };
            }
            SourceEvent::Releases(releases) => {
                if let Some(current) = releases.current.clone().filter(|_| self.goes_by_the_list()) {
                    self.set_current(current, now);
                }
                self.releases = releases;
                self.recount();
            }
            SourceEvent::Failed(reason) => {
                self.cease();
                let reason = text::cut(&reason, MESSAGE_CHARS);
                self.note(now, Level::Error, reason.clone());
                self.link = Link::Failed(reason);
            }
        }
    }

    fn frame(&mut self, text: &str, now: Now) {
        match ServerMessage::decode(text) {
            Ok(ServerMessage::Connected(connected)) => {
                self.server = connected.server;
                self.authorization = Authorization::Pending { asked_at_ms: None };
                self.set_current(connected.version, now);
            }
            Ok(ServerMessage::Version(version)) => self.set_current(version.version, now),
            Ok(ServerMessage::Stats(stats)) => self.take_stats(*stats, now),
            Ok(ServerMessage::StatsUnauthorized) => {
                self.cease();
                self.authorization = Authorization::Refused(Refusal::ByServer);
                self.note(now, Level::Error, "the server refused to show stats to these credentials".to_owned());
            }
            Ok(ServerMessage::StatsChanges(changes)) => self.take_changes(*changes, now),
            Ok(ServerMessage::Keepalive(_) | ServerMessage::Pong | ServerMessage::Events(_)) => {}
            Ok(ServerMessage::Other(other)) => {
                let kind = if other.kind.is_empty() { "without a type" } else { &other.kind };
                self.note(now, Level::Info, format!("application message {}", text::cut(kind, 60)));
            }
            Err(error) => {
                let reason = text::cut(&error.to_string(), MESSAGE_CHARS);
                self.note(now, Level::Warning, format!("a message could not be read: {reason}"));
                self.unreadable = Some(reason);
            }
        }
    }

    fn set_current(&mut self, version: String, now: Now) {
        if self.current.as_ref() == Some(&version) {
            return;
        }
        self.note(now, Level::Info, format!("current build is {}", text::cut(&version, 60)));
        self.current = Some(version);
        self.current_released_at = None;
        self.recount();
    }

    /// Whether the release list alone tells which build is current: a stream says it, and so do the figures of `skew-server`.
    fn goes_by_the_list(&self) -> bool {
        let told = || self.stats.as_ref().is_some_and(|stats| stats.extra.contains_key("current"));
        self.current.is_none() || self.transport == Some(Transport::Poll) && !told()
    }

    /// Puts watchers into the figures or takes them out.
    pub fn set_watchers(&mut self, watchers: Watchers) {
        self.watchers = watchers;
        self.recount();
    }

    /// Whether watchers count.
    #[must_use]
    pub fn watchers(&self) -> Watchers {
        self.watchers
    }

    /// Share of the current build, unknown while the current build or the stats are.
    #[must_use]
    pub fn rollout(&self) -> Option<Rollout> {
        self.stats.as_ref()?;
        Some(Rollout::of(&self.figures.versions, self.current.as_deref()?))
    }

    /// Whether stats may be seen: unknown while that is not answered.
    #[must_use]
    pub fn authorized(&self) -> Option<bool> {
        match self.authorization {
            Authorization::Pending { .. } => None,
            Authorization::Granted => Some(true),
            Authorization::Refused(_) => Some(false),
        }
    }

    /// When a build was released, in milliseconds since 1970, by the site's release list or by the server.
    #[must_use]
    pub fn released_at(&self, version: &str) -> Option<u64> {
        let by_server = || self.current_released_at.filter(|_| self.current.as_deref() == Some(version));
        let by_server_of_all = || self.stats.as_ref()?.extra.get("releases")?.get(version)?.as_u64();
        self.releases.released_at(version).or_else(by_server).or_else(by_server_of_all)
    }

    /// Whether two targets turned out to be one process.
    #[must_use]
    pub fn targets_overlap(&self) -> bool {
        self.overlap_reported
    }

    /// The public id of this client's own connection, where it has no more than one.
    #[must_use]
    pub fn your_id(&self) -> Option<&str> {
        match self.own.as_slice() {
            [id] => Some(id),
            _ => None,
        }
    }

    /// Whether a connection is one of this client's own.
    #[must_use]
    pub fn is_own(&self, connection: &Connection) -> bool {
        self.own.contains(&connection.id)
    }

    /// Whether a connection is a `skew-tui`, this one or another, and no visitor.
    #[must_use]
    pub fn is_watcher(&self, connection: &Connection) -> bool {
        self.is_own(connection) || connection.route == wire::TUI_ROUTE
    }

    /// Every connection that the server listed, in its order. This client's own and other watchers are among them, also where
    /// they are left out of the figures.
    #[must_use]
    pub fn connections(&self) -> &[Connection] {
        self.stats.as_ref().map(|stats| stats.connections.as_slice()).unwrap_or_default()
    }

    /// Whether everybody seems to be at `/`: route tracking is off then, on a site that is not a single page.
    #[must_use]
    pub fn route_tracking_seems_off(&self) -> bool {
        let routes = &self.figures.routes;
        routes.contains_key("/") && routes.keys().all(|route| route == "/" || route == wire::TUI_ROUTE)
    }

    /// Adds a line to the log. What happens again and again is one line: an outage must not push out what came before.
    pub fn note(&mut self, at: Now, level: Level, text: String) {
        if let Some(last) = self.log.back_mut().filter(|last| last.level == level && last.text == text) {
            last.at = at;
            last.times = last.times.saturating_add(1);
            return;
        }
        if self.log.len() == LOG_ENTRIES {
            self.log.pop_front();
        }
        self.log.push_back(LogEntry { at, text, level, times: 1 });
        self.logged += 1;
    }

    /// Number of an entry among all that the log ever had, which stays the same while older ones fall out.
    #[must_use]
    pub fn log_number(&self, position: usize) -> u64 {
        self.logged - self.log.len() as u64 + position as u64
    }
}

/// Characters of a reason from outside that the log keeps.
const MESSAGE_CHARS: usize = 200;

mod facts;
mod hosted;
mod merge;
mod people;
mod taking;
#[cfg(test)]
mod tests;
