//! The targets that are watched together, and the one site that they make.
//!
//! Replicas of a stock app each know their own connections only. A fleet sums them: what is shown, printed and waited for is
//! [`Fleet::site`], whether it comes from one target or from many.

use super::site::{Level, Site, Watchers};
use crate::Now;
use crate::feed::Happening;

/// One target and what is known of it.
#[derive(Debug, Clone)]
pub struct Member {
    /// What the target is called, cleaned.
    pub label: String,
    /// What is known of it.
    pub site: Site,
}

/// All targets.
#[derive(Debug, Clone)]
pub struct Fleet {
    members: Vec<Member>,
    /// The sum of several. One alone is its own.
    merged: Option<Box<Site>>,
}

impl Fleet {
    /// Nothing known yet of targets that are called so. Without any there is one without a name.
    #[must_use]
    pub fn new(labels: &[String], watchers: Watchers) -> Self {
        let member = |label: &String| Member { label: label.clone(), site: Site::new(watchers) };
        let mut members: Vec<Member> = labels.iter().map(member).collect();
        if members.is_empty() {
            members.push(member(&String::new()));
        }
        let merged = (members.len() > 1).then(|| Box::new(Site::new(watchers)));
        Self { members, merged }
    }

    /// Takes in what happened, in its order. Facts of targets that are not there are of no interest.
    pub fn observe(&mut self, happenings: impl IntoIterator<Item = Happening>) {
        let mut now = None;
        for Happening { from, event, at } in happenings {
            let Some(member) = self.members.get_mut(from) else { continue };
            member.site.hear(event, at);
            now = Some(at);
        }
        for member in &mut self.members {
            member.site.settle();
        }
        if let Some(merged) = &mut self.merged {
            let mut entries = Vec::new();
            for Member { label, site } in &mut self.members {
                let told = site.log.drain(..);
                entries.extend(told.map(|entry| (entry.at, entry.level, format!("{label}: {}", entry.text))));
            }
            entries.sort_by_key(|(at, ..)| at.monotonic_ms);
            entries.into_iter().for_each(|(at, level, text)| merged.note(at, level, text));
        }
        if let (Some(merged), Some(now)) = (&mut self.merged, now) {
            merged.sum(&self.members, now);
        }
    }

    /// Targets that have to be asked for whole stats, each of which is named once.
    pub fn to_ask(&mut self) -> Vec<usize> {
        let sites = self.members.iter_mut().enumerate();
        sites.filter_map(|(target, member)| member.site.wants_stats().then_some(target)).collect()
    }

    /// The site as a whole.
    #[must_use]
    pub fn site(&self) -> &Site {
        match (&self.merged, self.members.as_slice()) {
            (Some(merged), _) => merged,
            (None, members) => &members[0].site,
        }
    }

    /// Every target, in the order in which they were named.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Puts watchers into the figures or takes them out.
    pub fn set_watchers(&mut self, watchers: Watchers) {
        let sites = self.members.iter_mut().map(|member| &mut member.site);
        sites.chain(self.merged.as_deref_mut()).for_each(|site| site.set_watchers(watchers));
    }

    /// Adds a line to the log.
    pub fn note(&mut self, at: Now, level: Level, text: String) {
        self.site_mut().note(at, level, text);
    }

    /// Takes away what the log holds, for who has said it elsewhere.
    pub fn drain_log(&mut self) -> std::collections::vec_deque::IntoIter<super::site::LogEntry> {
        std::mem::take(&mut self.site_mut().log).into_iter()
    }

    fn site_mut(&mut self) -> &mut Site {
        match (&mut self.merged, self.members.as_mut_slice()) {
            (Some(merged), _) => merged,
            (None, members) => &mut members[0].site,
        }
    }
}

#[cfg(test)]
mod tests;
