//! What all instances are to know, whoever learned it first: which build is current, and which invalidations are under way.
//!
//! Each instance writes all it knows beside its figures, and takes over what it reads of the others. Taking over is commutative, associative
//! and idempotent, so that nothing depends on who hears what, how often, and in which order; a message that is lost delays it, no more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skew_proto::Release;

use super::exchange::Target;
use super::record::letter::is_build;
use super::record::target::TargetRecord;
use super::record::{MAX_RECORD_BYTES, Unread};

/// How long an invalidation is passed on after it was asked for.
pub(crate) const OPEN_MS: u64 = 60_000;

/// How long it is remembered that one was carried out: longer than anybody can pass it on.
pub(crate) const REMEMBERED_MS: u64 = 600_000;

/// Builds that are remembered. A site's list holds some ten.
const BUILDS: usize = 200;

/// Invalidations that are remembered.
const INVALIDATIONS: usize = 1_000;

/// The end of the year 2199. A stamp behind it is nobody's clock, and would be the newest for ever.
const LAST_STAMP: u64 = 7_258_118_399_000;

/// What one instance knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge {
    builds: BTreeMap<String, Build>,
    invalidations: BTreeMap<u64, Invalidation>,
    /// Counts what has changed in it.
    revision: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Build {
    /// When it was made the current one, by the clock of whoever did so, and behind all that it knew of.
    stamp: u64,
    /// When it was released, in milliseconds since 1970.
    released_at: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Invalidation {
    target: TargetRecord,
    /// When it was asked for, by this instance's clock.
    at: u64,
}

/// What was news.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Another build is current, or its time of release is known now.
    pub(crate) current: Option<Release>,
    /// Invalidations to be carried out here.
    pub(crate) invalidations: Vec<Target>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default)]
    builds: BTreeMap<String, (u64, Option<u64>)>,
    #[serde(default)]
    invalidations: Vec<(u64, TargetRecord, u64)>,
}

impl Knowledge {
    /// The build whose stamp is the newest, and of two the one with the greater name. Nothing where none is known.
    pub(crate) fn current(&self) -> Option<Release> {
        let (version, build) = self.builds.iter().max_by_key(|(version, build)| (build.stamp, *version))?;
        Some(Release { version: version.clone(), released_at: build.released_at })
    }

    /// What an instance does with its own build once it has read what all others know: a build that nobody has seen yet is the current one,
    /// and one that somebody knows is as old as it is known to be.
    pub(crate) fn claim(&mut self, build: &str, now: u64) {
        if !self.builds.contains_key(build) {
            self.release(&Release { version: build.into(), released_at: None }, now);
        }
    }

    /// A build is made the current one.
    pub(crate) fn release(&mut self, release: &Release, now: u64) {
        let newest = self.builds.values().map(|build| build.stamp).max().unwrap_or(0);
        let is_current = self.current().is_some_and(|current| current.version == release.version);
        let stamp = if is_current { newest } else { now.max(newest + 1).min(LAST_STAMP) };
        self.build(&release.version, Build { stamp, released_at: release.released_at });
    }

    /// An invalidation is asked for here, or an order for it was carried out.
    pub(crate) fn invalidate(&mut self, id: u64, target: &Target, now: u64) {
        self.invalidation(id, Invalidation { target: target.into(), at: now });
    }

    /// Whether an invalidation was carried out here already.
    pub(crate) fn has_done(&self, id: u64) -> bool {
        self.invalidations.contains_key(&id)
    }

    /// Takes over what another one knows.
    pub(crate) fn merge(&mut self, other: Self, now: u64) -> News {
        let before = self.current();
        for (version, build) in other.builds {
            self.build(&version, build);
        }
        let mut news = News { current: self.current().filter(|now| before.as_ref() != Some(now)), ..News::default() };
        for (id, invalidation) in other.invalidations {
            let is_open = now.saturating_sub(invalidation.at) < OPEN_MS;
            if is_open
                && !self.has_done(id)
                && let Ok(target) = invalidation.target.read()
            {
                news.invalidations.push(target);
            }
            self.invalidation(id, invalidation);
        }
        news
    }

    /// Forgets what nobody passes on any more.
    pub(crate) fn forget(&mut self, now: u64) {
        self.invalidations.retain(|_, invalidation| now.saturating_sub(invalidation.at) < REMEMBERED_MS);
    }

    /// Grows with every change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether some of it ages, so that it is to be written again from time to time.
    pub(crate) fn has_open(&self, now: u64) -> bool {
        self.open(now).next().is_some()
    }

    fn open(&self, now: u64) -> impl Iterator<Item = (u64, &Invalidation)> {
        let open = move |(id, invalidation): (&u64, _)| (*id, invalidation);
        self.invalidations.iter().map(open).filter(move |(_, open)| now.saturating_sub(open.at) < OPEN_MS)
    }

    /// All of it but what is closed. Ages stand in it, not times: clocks differ.
    pub(crate) fn encode(&self, now: u64) -> String {
        let builds = self.builds.iter().map(|(version, build)| (version.clone(), (build.stamp, build.released_at)));
        let age = |open: &Invalidation| now.saturating_sub(open.at);
        let invalidations = self.open(now).map(|(id, open)| (id, open.target.clone(), age(open)));
        let wire = Wire { builds: builds.collect(), invalidations: invalidations.collect() };
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads what another instance knows. What is no build, no time or too old is left out.
    ///
    /// # Errors
    ///
    /// When it is nothing of the kind.
    pub(crate) fn decode(text: &str, now: u64) -> Result<Self, Unread> {
        if text.len() > MAX_RECORD_BYTES {
            return Err(Unread::Damaged);
        }
        let wire: Wire = serde_json::from_str(text).map_err(|_| Unread::Damaged)?;
        let mut read = Self::default();
        for (version, (stamp, released_at)) in wire.builds {
            if is_build(&version) && stamp <= LAST_STAMP {
                read.build(&version, Build { stamp, released_at: released_at.filter(|at| *at <= LAST_STAMP) });
            }
        }
        for (id, target, age) in wire.invalidations {
            if age < OPEN_MS && target.read().is_ok() {
                read.invalidation(id, Invalidation { target, at: now.saturating_sub(age) });
            }
        }
        Ok(read)
    }

    /// The newer stamp is right, and the earlier release: a build is told of again, not released again.
    fn build(&mut self, version: &str, build: Build) {
        let Some(known) = self.builds.get_mut(version) else {
            self.builds.insert(version.into(), build);
            self.revision += 1;
            if self.builds.len() > BUILDS
                && let Some(oldest) = self.builds.iter().min_by_key(|(version, build)| (build.stamp, *version))
            {
                let oldest = oldest.0.clone();
                self.builds.remove(&oldest);
            }
            return;
        };
        let released_at = [known.released_at, build.released_at].into_iter().flatten().min();
        let merged = Build { stamp: known.stamp.max(build.stamp), released_at };
        self.revision += u64::from(*known != merged);
        *known = merged;
    }

    /// The greater age is right: who has heard of it later knows less.
    fn invalidation(&mut self, id: u64, invalidation: Invalidation) {
        let Some(known) = self.invalidations.get_mut(&id) else {
            self.invalidations.insert(id, invalidation);
            self.revision += 1;
            if self.invalidations.len() > INVALIDATIONS
                && let Some(oldest) = self.invalidations.iter().min_by_key(|(id, done)| (done.at, **id))
            {
                let oldest = *oldest.0;
                self.invalidations.remove(&oldest);
            }
            return;
        };
        known.at = known.at.min(invalidation.at);
        if invalidation.target < known.target {
            known.target = invalidation.target;
        }
    }
}

#[cfg(test)]
mod tests;
