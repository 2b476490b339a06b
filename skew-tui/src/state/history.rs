//! What was: shares, totals and routes over the last minutes and hours, in memory of fixed size.
//!
//! Three rings hold the same story at three paces: each second of the last minutes, every ten seconds of the last hour, each
//! minute of half a day. A value holds until the next one comes, so nothing is written while nothing happens, and what comes after
//! a pause fills it in. While there is no connection nothing is known, which is not the same as nobody.

mod names;
mod ring;

use super::site::{Authorization, Link, Site};
use crate::Now;
use names::Names;
use ring::Ring;

/// Builds that are told apart. All others are counted together.
const VERSIONS: usize = 6;

/// Routes whose past is kept.
const ROUTES: usize = 64;

/// Moments that are looked at to tell whether anything changed.
const STILL: usize = 60;

/// Pace and length of each ring: milliseconds, and how many of them.
const TIERS: [(u64, usize); 3] = [(1_000, 300), (10_000, 360), (60_000, 720)];

/// How far back a chart goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Span {
    /// Five minutes.
    Minutes5,
    /// Half an hour.
    #[default]
    Minutes30,
    /// Three hours.
    Hours3,
    /// Twelve hours.
    Hours12,
}

impl Span {
    /// The next longer one, after the longest the shortest.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Minutes5 => Self::Minutes30,
            Self::Minutes30 => Self::Hours3,
            Self::Hours3 => Self::Hours12,
            Self::Hours12 => Self::Minutes5,
        }
    }

    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Minutes5 => "5 min",
            Self::Minutes30 => "30 min",
            Self::Hours3 => "3 h",
            Self::Hours12 => "12 h",
        }
    }

    /// Its length in milliseconds.
    #[must_use]
    pub fn ms(self) -> u64 {
        match self {
            Self::Minutes5 => 300_000,
            Self::Minutes30 => 1_800_000,
            Self::Hours3 => 10_800_000,
            Self::Hours12 => 43_200_000,
        }
    }
}

/// A layer of the chart of shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer<'a> {
    /// The build that is current now.
    Current(&'a str),
    /// Another build.
    Other(&'a str),
    /// All builds that have no layer of their own.
    Rest,
}

/// Connections by build over time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares<'a> {
    /// The current build, the others from the newest, and the rest: whichever had anybody in the time that is shown.
    pub layers: Vec<Layer<'a>>,
    /// For each column, oldest first, the number of connections in each layer; nothing where nothing is known.
    pub columns: Vec<Option<Vec<u64>>>,
}

/// What there was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    /// Number of connections, nothing where it is unknown.
    total: Option<u32>,
    versions: [u32; VERSIONS],
    routes: [u32; ROUTES],
}

impl Sample {
    /// Nothing is known.
    const UNKNOWN: Self = Self { total: None, versions: [0; VERSIONS], routes: [0; ROUTES] };

    /// Number of connections on builds without a column.
    fn rest(&self) -> u64 {
        let named: u64 = self.versions.iter().map(|count| u64::from(*count)).sum();
        u64::from(self.total.unwrap_or(0)).saturating_sub(named)
    }
}

/// What was. It takes the same memory at all times.
#[derive(Debug, Clone)]
pub struct History {
    era: u64,
    taken: u64,
    versions: Names<VERSIONS>,
    routes: Names<ROUTES>,
    tiers: [Ring; 3],
}

impl Default for History {
    fn default() -> Self {
        let tiers = TIERS.map(|(pace_ms, length)| Ring::new(pace_ms, length));
        Self { era: 0, taken: 0, versions: Names::default(), routes: Names::default(), tiers }
    }
}

impl History {
    /// Takes in what the site has become. To be called after every event: without new figures it costs nothing.
    pub fn observe(&mut self, site: &Site, now: Now) {
        if (self.era, self.taken) == (site.era, site.taken) {
            return;
        }
        (self.era, self.taken) = (site.era, site.taken);
        if site.link != Link::Live || site.authorization != Authorization::Granted {
            return self.hold(&Sample::UNKNOWN, now);
        }
        let figures = &site.figures;
        let tiers = &self.tiers;
        let peak = |column: usize| tiers.iter().map(|tier| tier.peak(|sample| sample.versions[column])).max();
        let given = self.versions.admit(&figures.versions, site.current.as_deref(), |column| peak(column).unwrap_or(0));
        for column in given {
            self.tiers.iter_mut().for_each(|tier| tier.change(|sample| sample.versions[column] = 0));
        }
        // A route that nobody is at any more is not shown, so only the last minutes of its past speak for it.
        let finest = &self.tiers[0];
        let given = self.routes.admit(&figures.routes, None, |column| finest.peak(|sample| sample.routes[column]));
        for column in given {
            self.tiers.iter_mut().for_each(|tier| tier.change(|sample| sample.routes[column] = 0));
        }
        let sample = Sample {
            total: Some(names::narrow(figures.total)),
            versions: self.versions.counts(&figures.versions),
            routes: self.routes.counts(&figures.routes),
        };
        self.hold(&sample, now);
    }

    /// Whether a chart that ends at `now` looks the same later, while nothing happens.
    #[must_use]
    pub fn is_still(&self, span: Span, now: Now) -> bool {
        let mut samples = self.moments(span, STILL, now);
        let newest = self.tiers[0].at(u64::MAX);
        samples.all(|sample| sample.total.is_none() || sample == newest)
    }

    /// Number of connections in so many columns that end now, oldest first; nothing where it is unknown.
    #[must_use]
    pub fn total(&self, span: Span, columns: usize, now: Now) -> Vec<Option<u64>> {
        self.moments(span, columns, now).map(|sample| sample.total.map(u64::from)).collect()
    }

    /// The same of one route, where its past is kept: of the busiest it is.
    #[must_use]
    pub fn route(&self, route: &str, span: Span, columns: usize, now: Now) -> Option<Vec<Option<u64>>> {
        let column = self.routes.column(route)?;
        let count = |sample: &Sample| sample.total.map(|_| u64::from(sample.routes[column]));
        Some(self.moments(span, columns, now).map(count).collect())
    }

    /// Connections by build in so many columns that end now. `site` tells which build is current and which one is newer.
    #[must_use]
    pub fn shares(&self, site: &Site, span: Span, columns: usize, now: Now) -> Shares<'_> {
        let samples: Vec<&Sample> = self.moments(span, columns, now).collect();
        let mut named: Vec<(usize, &str)> = (self.versions.iter())
            .filter(|(column, _)| samples.iter().any(|sample| sample.versions[*column] > 0))
            .collect();
        let is_current = |version: &str| site.current.as_deref() == Some(version);
        named
            .sort_by_key(|(_, version)| (!is_current(version), std::cmp::Reverse(site.released_at(version)), *version));
        let layer = |version| if is_current(version) { Layer::Current(version) } else { Layer::Other(version) };
        let mut layers: Vec<Layer<'_>> = named.iter().map(|(_, version)| layer(version)).collect();
        let rest = samples.iter().any(|sample| sample.rest() > 0);
        layers.extend(rest.then_some(Layer::Rest));
        let column = |sample: &&Sample| {
            sample.total?;
            let named = named.iter().map(|(column, _)| u64::from(sample.versions[*column]));
            Some(named.chain(rest.then(|| sample.rest())).collect())
        };
        Shares { layers, columns: samples.iter().map(column).collect() }
    }

    fn hold(&mut self, sample: &Sample, now: Now) {
        for tier in &mut self.tiers {
            tier.hold(sample, now.monotonic_ms);
        }
    }

    /// What there was at the end of each column. Columns begin at full multiples of their length, so that they don't change while
    /// they move to the left.
    fn moments(&self, span: Span, columns: usize, now: Now) -> impl Iterator<Item = &Sample> {
        let covers = |tier: &&Ring| tier.length_ms() >= span.ms();
        let tier = self.tiers.iter().find(covers).unwrap_or(&self.tiers[TIERS.len() - 1]);
        let columns = columns as u64;
        let length_ms = (span.ms() / columns.max(1)).max(1);
        let newest = now.monotonic_ms / length_ms;
        (0..columns).rev().map(move |back| match newest.checked_sub(back) {
            Some(column) => tier.at(((column + 1) * length_ms - 1).min(now.monotonic_ms) / tier.pace_ms()),
            None => &Sample::UNKNOWN,
        })
    }
}

#[cfg(test)]
mod tests;
