//! The server from the side of the program that embeds it.

use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use skew_proto::{Release, RoutePattern, Stats, UserPresence, UsersPage};
use tokio::sync::{mpsc, oneshot};

#[cfg(feature = "redis")]
use crate::app::{App, Shared};
use crate::config::{Config, ConfigError};
use crate::hub::answer::{Current, Invalidated, Mode, Released};
use crate::hub::command::{Command, Errand, Opening, Reply, Subscribed, Verdict};
#[cfg(feature = "redis")]
use crate::hub::events::ToWebhooks;
use crate::hub::message::Message;
use crate::id::{ConnectionId, PublicId};
use crate::live::Live;
#[cfg(feature = "redis")]
use crate::presence::exchange::{Elsewhere, Extent, Share};
use crate::presence::exchange::{Order, Target};
use crate::presence::others::Others;

/// The server's hub does not run any more, since its runtime has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server has stopped")]
pub struct Stopped;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The value can't be written as JSON, such as a map whose keys are no strings.
    #[error("the message can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The server has stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

/// Speaks to a running server. Clones speak to the same one.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    pub(crate) live: Arc<Live>,
    /// The other instances, where there may be any. One word, since every connection has it.
    others: Option<Arc<Others>>,
}

impl Handle {
    /// Who is connected, as a subscriber would be told, without `your_id`. Fields of this server's own are in `extra`: `current`,
    /// and `releasedAt` in milliseconds where it is known.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn stats(&self) -> Result<Stats, Stopped> {
        let json = self.stats_json().await?;
        // The bytes are those of our own encoder; its test reads them back with this decoder.
        Ok(serde_json::from_slice(&json).unwrap_or_default())
    }

    /// The build that is current now.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn current(&self) -> Result<Current, Stopped> {
        self.ask(Command::Current).await
    }

    /// Sends a message of the application's own to every connection, and returns how many took it. Browsers see it in the
    /// `skew:message` hook; by convention it is an object with a `type`.
    ///
    /// # Errors
    ///
    /// When the message is no JSON, or the server has stopped.
    pub async fn broadcast<T: Serialize + ?Sized>(&self, message: &T) -> Result<u64, SendError> {
        self.message(Target::All, message).await
    }

    /// Sends a message of the application's own to one connection.
    ///
    /// # Errors
    ///
    /// When the message is no JSON, the connection is closed, or the server has stopped.
    pub async fn send_to<T: Serialize + ?Sized>(&self, id: PublicId, message: &T) -> Result<(), SendError> {
        if self.message(Target::Connection(id), message).await? > 0 { Ok(()) } else { Err(SendError::Closed) }
    }

    /// Asks every connection whose route matches to reload: `{"type":"version","version":CURRENT,"force":true,…}`.
    ///
    /// The rule is applied to the route as stats show it, without exception: `/` by prefix also takes the instances of `skew-tui`,
    /// and does not take the connections counted under `other`, which a pattern `other` does.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn invalidate(&self, pattern: RoutePattern, mode: Mode) -> Result<Invalidated, Stopped> {
        self.send(Target::Route(pattern), Errand::Reload, mode).await
    }

    /// Asks every connection of a user to reload, as [`invalidate`](Self::invalidate) does by the route. The id is that which stats show.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn invalidate_user(&self, user: &str, mode: Mode) -> Result<Invalidated, Stopped> {
        self.send(Target::User(user.into()), Errand::Reload, mode).await
    }

    /// Sends a message of the application's own to whom it is meant for, and returns how many connections took it. Browsers see it in the
    /// `skew:message` hook; by convention it is an object with a `type`.
    ///
    /// # Errors
    ///
    /// When the message is no JSON, or the server has stopped.
    pub async fn message<T: Serialize + ?Sized>(&self, target: Target, message: &T) -> Result<u64, SendError> {
        let message = Message::custom(message)?;
        Ok(self.send(target, Errand::Message(message), Mode::Send).await?.reached)
    }

    /// Who is here, with the connections of each: so many users in the order of their ids, behind `after` or from the first.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn users(&self, after: Option<&str>, limit: usize) -> Result<UsersPage, Stopped> {
        let after = after.map(str::to_owned);
        self.ask(|reply| Command::Users { after, limit, reply }).await
    }

    /// Whether a user is here, since when and where. The id is that which stats show.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn user(&self, id: &str) -> Result<UserPresence, Stopped> {
        let id = id.to_owned();
        self.ask(|reply| Command::User { id, reply }).await
    }

    /// Tells when builds were released, so that `stats` can tell the ages of those that somebody is on. Of two times of one build the
    /// earlier is kept.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn learn_releases(&self, releases: Vec<Release>) -> Result<(), Stopped> {
        self.ask(|reply| Command::LearnReleases(releases, reply)).await
    }

    /// Makes a build the current one and tells every connection. Connections keep the build they have come with. Where the build is
    /// current already nobody is told, and of two times of release the earlier is kept.
    ///
    /// # Errors
    ///
    /// When the server has stopped.
    pub async fn release(&self, release: Release) -> Result<Released, Stopped> {
        let order = Order::Release(release.clone());
        let (here, elsewhere) = tokio::join!(self.release_here(release), self.order(Some(order)));
        here.map(|here| Released { reached: here.reached + elsewhere, ..here })
    }

    /// Ends every connection in order, at random over a time so that their clients do not come back all at once, and waits until
    /// the last one is gone; new ones are ended as they come. A connection that does not read can take for ever: give this a time-out.
    /// Events that wait for webhooks are sent before it returns, or are lost after two seconds.
    ///
    /// # Errors
    ///
    /// When the server has stopped already.
    pub async fn shut_down(&self, over: Duration) -> Result<(), Stopped> {
        self.end(over).await?;
        self.live.settings().webhooks.end().await;
        Ok(())
    }

    /// Ends every connection, and leaves what waits for webhooks where it is.
    pub(crate) async fn end(&self, over: Duration) -> Result<(), Stopped> {
        let ended = self.ask(|reply| Command::Shutdown { over, reply }).await;
        if let Some(others) = &self.others {
            others.leave().await;
        }
        ended
    }

    /// Replaces the settings, whole or not at all: secrets, limits, origins and whatever else is looked at while the server runs. The
    /// build stays the one that is current. Returns the names of those that take effect at a restart only and would differ.
    ///
    /// # Errors
    ///
    /// When the configuration can't be used; then nothing has changed.
    pub fn reconfigure(&self, config: Config) -> Result<Vec<&'static str>, ConfigError> {
        self.live.reconfigure(config)
    }

    /// What the server has counted, in the text form that Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.live.metrics.text()
    }

    /// Has the metrics show how many lines a log has lost, as whoever writes it counts them. Once: later calls change nothing.
    pub fn show_lost_log_lines(&self, count: Arc<AtomicU64>) {
        self.live.metrics.show_lost_lines(count);
    }

    /// Whether the hub is gone, so that nothing can be served any more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.commands.is_closed()
    }

    pub(crate) fn new(commands: mpsc::UnboundedSender<Command>, live: Arc<Live>) -> Self {
        Self { commands, live, others: None }
    }

    /// The same server, as one of several instances.
    #[cfg(feature = "redis")]
    pub(crate) fn with_others(self, others: Others) -> Self {
        Self { others: Some(Arc::new(others)), ..self }
    }

    /// For whom the server is not to be kept running.
    #[cfg(feature = "redis")]
    pub(crate) fn downgrade(&self) -> WeakHandle {
        WeakHandle { commands: self.commands.downgrade(), live: self.live.clone() }
    }

    /// The other instances, where the connection is one of theirs.
    pub(crate) fn others_of(&self, connection_id: ConnectionId) -> Option<&Others> {
        let tag = connection_id.tag();
        self.others.as_deref().filter(|others| tag != self.live.me.tag && others.has(tag))
    }

    pub(crate) async fn open(&self, opening: Opening) -> Result<(), Stopped> {
        self.ask(|reply| Command::Open(opening, reply)).await
    }

    pub(crate) fn close(&self, connection_id: ConnectionId) {
        let _ = self.commands.send(Command::Close(connection_id));
    }

    pub(crate) async fn navigate(&self, connection_id: ConnectionId, route: String) -> Result<(), Stopped> {
        self.ask(|reply| Command::Navigate { connection_id, route, reply }).await
    }

    pub(crate) async fn subscribe(&self, connection_id: ConnectionId, verdict: Verdict) -> Result<Subscribed, Stopped> {
        self.ask(|reply| Command::Subscribe { connection_id, verdict, reply }).await
    }

    /// Gives connections something, on whichever instances they are.
    pub(crate) async fn send(&self, target: Target, errand: Errand, mode: Mode) -> Result<Invalidated, Stopped> {
        let order = match (&errand, mode) {
            (_, Mode::DryRun) => None,
            (Errand::Reload, Mode::Send) => Some(Order::Invalidate(target.clone())),
            (Errand::Message(message), Mode::Send) => Some(Order::Message(target.clone(), message.clone())),
        };
        let (here, elsewhere) = tokio::join!(self.send_here(target, errand, mode), self.order(order));
        here.map(|here| Invalidated { reached: here.reached + elsewhere, ..here })
    }

    /// Has the other instances carry something out, where there are any, and tells how many connections that has reached.
    async fn order(&self, order: Option<Order>) -> u64 {
        match (&self.others, order) {
            (Some(others), Some(order)) => others.order(order).await,
            _ => 0,
        }
    }

    /// Makes a build the current one of this instance.
    pub(crate) async fn release_here(&self, release: Release) -> Result<Released, Stopped> {
        self.ask(|reply| Command::Release(release, reply)).await
    }

    /// Gives connections of this instance something.
    pub(crate) async fn send_here(&self, target: Target, errand: Errand, mode: Mode) -> Result<Invalidated, Stopped> {
        self.ask(|reply| Command::Send { target, errand, mode, reply }).await
    }

    /// Takes what the others are to be told of this instance.
    #[cfg(feature = "redis")]
    pub(crate) async fn share(&self, figures: Extent, rows: Extent) -> Result<Share, Stopped> {
        self.ask(|reply| Command::Share { figures, rows, reply }).await
    }

    /// Takes in what has changed elsewhere.
    #[cfg(feature = "redis")]
    pub(crate) async fn elsewhere(&self, elsewhere: Elsewhere) -> Result<(), Stopped> {
        self.ask(|reply| Command::Elsewhere(Box::new(elsewhere), reply)).await
    }

    /// Gives on events of users that were decided for several instances.
    #[cfg(feature = "redis")]
    pub(crate) async fn announced(&self, events: Vec<skew_proto::Event>, webhooks: ToWebhooks) -> Result<(), Stopped> {
        self.ask(|reply| Command::Announced(events, webhooks, reply)).await
    }

    /// Tells subscribers what has happened to connections of other instances.
    #[cfg(feature = "redis")]
    pub(crate) async fn events_of_others(&self, events: Vec<skew_proto::Event>) -> Result<(), Stopped> {
        self.ask(|reply| Command::EventsOfOthers(events, reply)).await
    }

    /// Has the events of this instance's connections passed on from now on, until the receiver is gone.
    #[cfg(feature = "redis")]
    pub(crate) fn offer_events(&self, to: mpsc::Sender<skew_proto::Event>) {
        // Nothing happens any more where the server has stopped.
        let _ = self.commands.send(Command::OfferEvents(to));
    }

    /// What the tasks of a server share, for one that is not a request.
    #[cfg(feature = "redis")]
    pub(crate) fn app(&self) -> Shared {
        Arc::new(App { live: self.live.clone(), hub: self.clone(), started: std::time::Instant::now() })
    }

    /// The answer of `GET admin/stats`.
    pub(crate) async fn stats_json(&self) -> Result<Bytes, Stopped> {
        self.ask(Command::Stats).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }
}

/// A handle that does not keep the server running.
#[cfg(feature = "redis")]
#[derive(Debug)]
pub(crate) struct WeakHandle {
    commands: mpsc::WeakUnboundedSender<Command>,
    live: Arc<Live>,
}

#[cfg(feature = "redis")]
impl WeakHandle {
    /// A handle to this instance alone, while the server runs.
    pub(crate) fn upgrade(&self) -> Option<Handle> {
        self.commands.upgrade().map(|commands| Handle::new(commands, self.live.clone()))
    }
}
