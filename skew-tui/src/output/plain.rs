//! What changes, told in sentences: for people who can't see a screen, and wherever there is none.
//!
//! What happens is told at once. Figures are told when they have moved by a percent, and no more often than every few seconds,
//! so that whoever listens is not flooded.

mod figures;
mod reach;

use jiff::tz::TimeZone;
use skew_proto::text;

use crate::Now;
use crate::state::known::Known;
use crate::state::site::{Coverage, Site, unheard};
use crate::state::trend::{Eta, Trend};
use figures::Figures;
use reach::Reach;

/// Characters of a build that are told.
const BUILD_CHARS: usize = 60;

/// Knows what was said last, and says what is new.
#[derive(Debug)]
pub(crate) struct Teller {
    zone: TimeZone,
    targets: Vec<Reach>,
    coverage: Coverage,
    current: Option<String>,
    figures: Figures,
    stalled: bool,
    remarked: Remarked,
    last: String,
}

/// What is told once.
#[derive(Debug, Default)]
struct Remarked {
    damage: bool,
    contradiction: bool,
    overlap: bool,
}

impl Teller {
    /// Has said nothing yet, and tells times of that zone.
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            targets: Vec::new(),
            coverage: Coverage::Whole,
            current: None,
            figures: Figures::default(),
            stalled: false,
            remarked: Remarked::default(),
            last: String::new(),
        }
    }

    /// The lines that are worth saying now, none of which could harm a terminal. To be called after every event, and every second
    /// or so: that nothing happens is worth saying too.
    pub(crate) fn tell(&mut self, known: &Known, now: Now) -> Vec<String> {
        let site = known.site();
        let members = known.fleet.members();
        let mut said = Vec::new();
        self.targets.resize_with(members.len(), Reach::default);
        for (reach, member) in self.targets.iter_mut().zip(members) {
            reach.tell(member, now, &mut said);
        }
        self.tell_coverage(site, &mut said);
        self.tell_release(site, &mut said);
        self.remark(site, &mut said);
        said.extend(self.figures.tell(site, &known.trend, now));
        self.tell_stall(site, &known.trend, now, &mut said);

        let mut lines = Vec::new();
        for sentence in said {
            if sentence != self.last {
                lines.push(format!("{} {}", self.time(now), text::clean(&sentence)));
                self.last = sentence;
            }
        }
        lines
    }

    fn time(&self, now: Now) -> String {
        let time = i64::try_from(now.unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        time.map(|time| time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()).unwrap_or_default()
    }

    fn tell_coverage(&mut self, site: &Site, said: &mut Vec<String>) {
        let before = std::mem::replace(&mut self.coverage, site.coverage);
        if before == site.coverage {
            return;
        }
        let unheard = site.missing.as_ref().map(unheard).unwrap_or_default();
        said.push(match site.coverage {
            Coverage::Instances => {
                format!(
                    "Partial: the server has not heard from {unheard}. Of them the figures are the last that it had."
                )
            }
            Coverage::Whole if before == Coverage::Instances => {
                "The server hears from all of its instances again.".to_owned()
            }
            Coverage::Partial { answering, of } => {
                format!("Partial: {answering} of {of} targets answer, and only theirs is in the figures.")
            }
            Coverage::Whole if self.targets.iter().any(Reach::is_lost) => "None of the targets answers.".to_owned(),
            Coverage::Whole => "All targets answer.".to_owned(),
        });
    }

    fn tell_release(&mut self, site: &Site, said: &mut Vec<String>) {
        let Some(current) = site.current.as_ref().filter(|current| self.current.as_ref() != Some(current)) else {
            return;
        };
        let build = text::cut(current, BUILD_CHARS);
        said.push(match self.current.replace(current.clone()) {
            None => format!("The current build is {build}."),
            Some(before) => {
                self.figures.expect();
                format!("New build: {build} is current. Before it was {}.", text::cut(&before, BUILD_CHARS))
            }
        });
    }

    fn remark(&mut self, site: &Site, said: &mut Vec<String>) {
        let once = |told: &mut bool, holds: bool| holds && !std::mem::replace(told, true);
        let damaged = site.stats.as_ref().is_some_and(|stats| !stats.damage.is_empty());
        if once(&mut self.remarked.damage, damaged) {
            said.push(
                "The server's figures hold what is no figure, as any visitor can bring about. They are counted from its list of \
                 connections, as far as that goes."
                    .to_owned(),
            );
        }
        if once(&mut self.remarked.contradiction, figures::contradict(site)) {
            let total = site.figures.total;
            said.push(format!(
                "The server contradicts itself: its builds don't add up to its total of {total}, so there is no share."
            ));
        }
        if once(&mut self.remarked.overlap, site.targets_overlap()) {
            said.push("Two targets are the same process. Its connections count once.".to_owned());
        }
    }

    fn tell_stall(&mut self, site: &Site, trend: &Trend, now: Now, said: &mut Vec<String>) {
        let eta = trend.eta(site, 100.0, now);
        let stalled = matches!(eta, Eta::Stalled { .. }) && figures::are_fresh(site);
        if stalled && !self.stalled {
            let outdated = site.rollout().map_or(0, |rollout| rollout.outdated);
            said.push(format!("Stalled: {outdated} on older builds, and they have not become fewer for 2 min."));
        }
        self.stalled = stalled;
    }
}

#[cfg(test)]
mod tests;
