//! What becomes of the connections that an invalidation hit.
//!
//! A browser that reloads closes its connection and opens another, and nothing links the two. So a connection that is gone has
//! *left or reconnected*, and the new ones on the same pages are counted beside it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use skew_proto::Connection;

use super::clock;
use super::invalidation::Whom;
use super::site::{Authorization, Coverage, Link, Site};
use crate::Now;

/// How long new connections are waited for once everybody has left, in milliseconds: a page takes its time to load.
const SETTLE_MS: u64 = 5_000;

/// Why somebody is still there, and what to do about it.
pub const REMEDY: &str = "Who is still there was told, and did not act on it: a stock client does not reload on force by \
     itself. Add the plugin skew-force.client.ts to the app (README, With your Nuxt app, step 3). client.js of skew-server \
     reloads, unless the page prevents it.";

/// A connection that was hit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Tab {
    /// The page it shows.
    pub route: String,
    /// Its public id.
    pub id: String,
    /// The build it had when it connected.
    pub version: String,
}

/// Why nobody can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFollowed {
    /// The connection to the site is not live, or its stats are not shown.
    #[error("the site shows no live stats to this client")]
    Blind,
    /// Somebody is there whom the list does not tell.
    #[error("only a part of the site's connections is known")]
    Partial,
}

/// Whom an invalidation hits, taken before it is sent.
#[derive(Debug, Clone)]
pub struct Hit {
    whom: Whom,
    /// Builds of the visitors that match, by id.
    tabs: BTreeMap<String, String>,
    /// Everybody who was there.
    known: HashSet<String>,
}

impl Hit {
    /// Looks at a site's newest stats.
    ///
    /// # Errors
    ///
    /// When they do not tell everybody who is there now.
    pub fn of(whom: &Whom, site: &Site) -> Result<Self, NotFollowed> {
        if !tells(site) {
            return Err(NotFollowed::Blind);
        }
        let listed = site.stats.as_ref().is_some_and(|stats| stats.total == stats.connections.len() as u64);
        let named = matches!(whom, Whom::Route(_)) || site.tells_users();
        if !listed || !named || site.coverage != Coverage::Whole {
            return Err(NotFollowed::Partial);
        }
        let tabs = visitors(site).filter(|tab| whom.hits(tab));
        let tabs = tabs.map(|tab| (tab.id.clone(), tab.version.clone())).collect();
        let known = site.connections().iter().map(|connection| connection.id.clone()).collect();
        Ok(Self { whom: whom.clone(), tabs, known })
    }

    /// Number of visitors' connections.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.tabs.len() as u64
    }
}

/// How an end came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Nobody who was hit is there unchanged.
    Done,
    /// The time is over.
    TimeUp,
    /// The operator has had enough.
    Stopped,
    /// The time is over and the site was not to be seen then: the figures are of before.
    Unknown,
}

/// How many of those who were hit did what. `left + changed + unchanged` is `hit`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fates {
    /// Visitors' connections that were hit.
    pub hit: u64,
    /// Their connection has closed: they left or reconnected.
    pub left: u64,
    /// The same connection has another build now.
    pub changed: u64,
    /// Still there on the same connection and build.
    pub unchanged: u64,
    /// New connections on the same pages, which may be those who left.
    pub reconnected: u64,
    /// Those of them that are on the current build.
    pub reconnected_on_current: u64,
}

/// What is known in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Followed {
    /// Who did what.
    #[serde(flatten)]
    pub fates: Fates,
    /// How long they were followed, in milliseconds.
    pub after_ms: u64,
    /// How it ended.
    pub end: End,
    /// Whether the connection to the site was lost meanwhile. A restart of the server looks like everybody leaving.
    pub interrupted: bool,
}

/// The connections that were hit, while they are followed.
#[derive(Debug, Clone)]
pub struct Follow {
    hit: Hit,
    began: Now,
    for_ms: u64,
    fates: Fates,
    still: Vec<Tab>,
    nobody_since: Option<Now>,
    interrupted: bool,
    end: Option<Followed>,
}

impl Follow {
    /// Follows for `for_ms` milliseconds from `now` on, when the server has answered.
    #[must_use]
    pub fn new(hit: Hit, for_ms: u64, site: &Site, now: Now) -> Self {
        let fates = Fates { hit: hit.count(), unchanged: hit.count(), ..Fates::default() };
        let mut follow = Self {
            hit,
            began: now,
            for_ms,
            fates,
            still: Vec::new(),
            nobody_since: None,
            interrupted: false,
            end: None,
        };
        follow.observe(site, now);
        follow
    }

    /// Looks at the site again, and at the time.
    pub fn observe(&mut self, site: &Site, now: Now) {
        if self.end.is_some() {
            return;
        }
        let sees = tells(site) && site.coverage == Coverage::Whole;
        self.interrupted |= !sees;
        if sees {
            self.count(site, now);
        }
        let age = now.since(self.began);
        let fates = &self.fates;
        let all_back = fates.reconnected + fates.changed >= fates.hit;
        let settled = self.nobody_since.is_some_and(|since| all_back || now.since(since) >= SETTLE_MS);
        let end = match (sees, settled, age >= self.for_ms) {
            (true, true, _) => End::Done,
            (true, false, true) => End::TimeUp,
            (false, _, true) => End::Unknown,
            (_, _, false) => return,
        };
        self.end = Some(Followed { fates: self.fates, after_ms: age, end, interrupted: self.interrupted });
    }

    /// Ends it before its time.
    pub fn stop(&mut self, now: Now) -> Followed {
        *self.end.get_or_insert(Followed {
            fates: self.fates,
            after_ms: now.since(self.began),
            end: End::Stopped,
            interrupted: self.interrupted,
        })
    }

    /// Who did what by now.
    #[must_use]
    pub fn fates(&self) -> Fates {
        self.fates
    }

    /// Who is still there unchanged, by route.
    #[must_use]
    pub fn still(&self) -> &[Tab] {
        &self.still
    }

    /// What is known in the end, once it is reached.
    #[must_use]
    pub fn end(&self) -> Option<Followed> {
        self.end
    }

    /// Milliseconds that are left.
    #[must_use]
    pub fn left_ms(&self, now: Now) -> u64 {
        self.for_ms.saturating_sub(now.since(self.began))
    }

    /// Milliseconds until time alone changes something; nothing once the end is reached.
    #[must_use]
    pub fn changes_in(&self, now: Now) -> Option<u64> {
        if self.end.is_some() {
            return None;
        }
        let second = clock::seconds_left_changes_in(self.left_ms(now));
        let settled = self.nobody_since.map(|since| SETTLE_MS.saturating_sub(now.since(since)));
        // While the site is not to be seen, time settles nothing but the end.
        let settled = settled.filter(|ms| *ms > 0);
        Some(second.into_iter().chain(settled).min().unwrap_or(0))
    }

    fn count(&mut self, site: &Site, now: Now) {
        let mut fates = Fates { hit: self.hit.count(), ..Fates::default() };
        self.still.clear();
        let mut there = HashSet::new();
        for tab in visitors(site) {
            match self.hit.tabs.get(&tab.id) {
                // A stock server can be made to list one id twice.
                Some(_) if !there.insert(tab.id.as_str()) => {}
                Some(version) if *version != tab.version => fates.changed += 1,
                Some(_) => {
                    let Connection { route, id, version, .. } = tab.clone();
                    self.still.push(Tab { route, id, version });
                }
                None if !self.hit.known.contains(&tab.id) && self.hit.whom.hits(tab) => {
                    fates.reconnected += 1;
                    fates.reconnected_on_current += u64::from(site.current.as_ref() == Some(&tab.version));
                }
                None => {}
            }
        }
        self.still.sort_unstable();
        fates.unchanged = self.still.len() as u64;
        fates.left = fates.hit - fates.changed - fates.unchanged;
        self.nobody_since = (fates.unchanged == 0).then(|| self.nobody_since.unwrap_or(now));
        self.fates = fates;
    }
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fates { hit, left, changed, unchanged, reconnected, reconnected_on_current } = self.fates;
        if hit == 0 {
            return f.write_str("nobody was there to follow");
        }
        write!(f, "{left} of {hit} left or reconnected")?;
        if left > 0 {
            write!(f, " ({reconnected} new there, {reconnected_on_current} of them on the current build)")?;
        }
        if changed > 0 {
            write!(f, ", {changed} changed version")?;
        }
        write!(f, ", {unchanged} still there unchanged after {}", clock::age(self.after_ms))?;
        match (self.end, self.interrupted) {
            (End::Unknown, _) => f.write_str("; unknown in the end: the connection to the site was lost"),
            (End::Stopped, _) => f.write_str("; not followed any further"),
            (_, true) => {
                f.write_str("; the connection to the site was lost meanwhile, so a restart may look like leaving")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a site tells now who is there.
fn tells(site: &Site) -> bool {
    site.link == Link::Live && site.authorization == Authorization::Granted
}

fn visitors(site: &Site) -> impl Iterator<Item = &Connection> {
    site.connections().iter().filter(|connection| !site.is_watcher(connection))
}

#[cfg(test)]
mod tests;
