//! One site made of several processes that each know a part of it.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use skew_proto::{Extra, Release, Releases, Stats};

use super::taking::take_one;
use super::{Authorization, Coverage, Level, Link, Site, Users, hosted, people};
use crate::Now;
use crate::state::fleet::Member;

/// Field of a connection that says which target it is connected to.
pub const TARGET: &str = "target";

impl Site {
    /// Becomes the sum of the members: of those that are connected and show their stats, or, where none is, of what was known
    /// last. What is logged stays.
    pub(in crate::state) fn sum(&mut self, members: &[Member], now: Now) {
        let sites = || members.iter().map(|member| &member.site);
        let answering: Vec<&Member> = members.iter().filter(|member| member.site.answers()).collect();
        self.coverage = match answering.len() {
            all if all == members.len() && sites().any(|site| site.missing.is_some()) => Coverage::Instances,
            all if all == members.len() => Coverage::Whole,
            0 => Coverage::Whole,
            some => Coverage::Partial { answering: some, of: members.len() },
        };
        self.link = link(sites());
        self.authorization = authorization(sites());
        self.era = sites().map(|site| site.era).sum();
        self.taken = sites().map(|site| site.taken).sum();
        self.heard_at = sites().map(|site| site.heard_at).min().flatten();
        self.transport = sites().find_map(|site| site.transport);
        // Where one target begins or ceases to tell, the sum begins anew.
        self.era = sites().map(|site| site.era).sum();
        self.taken = sites().map(|site| site.taken).sum();
        let first_server = sites().find_map(|site| site.server.as_ref());
        self.server = first_server.filter(|_| sites().all(|site| site.server.is_some())).cloned();
        self.releases = releases(sites());
        // While a release rolls out, replicas differ in what is current: the newest is what the others are becoming.
        let newest = |site: &&Site| site.current.as_ref().map(|current| (site.released_at(current), current.clone()));
        self.current = answering
            .iter()
            .map(|member| &member.site)
            .filter_map(|site| newest(&site))
            .max()
            .map(|(_, current)| current);
        if self.current.is_none() {
            self.current = sites().filter_map(|site| newest(&site)).max().map(|(_, current)| current);
        }
        let mut rivals: Vec<String> = answering.iter().filter_map(|member| member.site.current.clone()).collect();
        rivals.sort_unstable();
        rivals.dedup();
        rivals.retain(|build| self.current.as_ref() != Some(build));
        self.rivals = rivals;
        self.current_released_at =
            self.current.as_deref().and_then(|current| sites().find_map(|site| site.released_at(current)));
        let told: Vec<&Member> = if answering.is_empty() { members.iter().collect() } else { answering };
        self.instances = hosted::of_several(told.iter().map(|member| (&*member.label, &*member.site.instances)));
        self.missing = hosted::missing(told.iter().filter_map(|member| member.site.missing.as_ref()));
        self.add_up(&told, now);
        self.recount();
    }

    /// Whether it is connected and shows its stats.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.link == Link::Live && self.authorization == Authorization::Granted && self.stats.is_some()
    }

    fn add_up(&mut self, members: &[&Member], now: Now) {
        let told = || members.iter().filter_map(|member| Some((member, member.site.stats.as_ref()?)));
        self.stats_at = members.iter().filter_map(|member| member.site.stats_at).min();
        self.own = members.iter().flat_map(|member| member.site.own.iter().cloned()).collect();
        if told().next().is_none() {
            self.stats = None;
            return;
        }
        let mut sum = Stats::default();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut twice = None;
        for (member, stats) in told() {
            sum.total = sum.total.saturating_add(stats.total);
            add(&mut sum.versions, &stats.versions);
            add(&mut sum.routes, &stats.routes);
            sum.damage.fields.extend(&stats.damage.fields);
            sum.damage.connections = sum.damage.connections.saturating_add(stats.damage.connections);
            for connection in &stats.connections {
                // Two addresses of one process show the same connections: nobody counts twice.
                if !connection.id.is_empty() && !seen.insert(&connection.id) {
                    twice = Some(member.label.as_str());
                    sum.total = sum.total.saturating_sub(1);
                    take_one(&mut sum.versions, &connection.version);
                    take_one(&mut sum.routes, &connection.route);
                    continue;
                }
                let mut connection = connection.clone();
                connection.extra.insert(TARGET.to_owned(), Value::String(member.label.clone()));
                sum.connections.push(connection);
            }
        }
        if let Some(label) = twice.filter(|_| !std::mem::replace(&mut self.overlap_reported, true)) {
            let text = format!("{label} is the same process as another target; its connections count once");
            self.note(now, Level::Warning, text);
        }
        let stats: Vec<&Stats> = told().map(|(_, stats)| stats).collect();
        sum.extra.extend(users(&stats, &sum));
        self.stats = Some(sum);
    }
}

/// The fields that tell the users of all. They are distinct by their ids, so every list has to tell everybody; of one target alone
/// its own count holds.
fn users(told: &[&Stats], sum: &Stats) -> Extra {
    let (users, anonymous) = match told {
        [one] => (one.users(), one.anonymous()),
        all if all.iter().all(|stats| people::tells_everybody(stats)) => {
            let users = Users::of(sum.connections.iter());
            (Some(users.total), users.anonymous)
        }
        _ => (None, None),
    };
    let fields = [("users", users), ("anonymous", anonymous)];
    fields.into_iter().filter_map(|(name, count)| Some((name.to_owned(), Value::from(count?)))).collect()
}

fn add(sum: &mut skew_proto::Counts, counts: &skew_proto::Counts) {
    for (name, count) in counts {
        match sum.get_mut(name) {
            Some(all) => *all = all.saturating_add(*count),
            None => drop(sum.insert(name.clone(), *count)),
        }
    }
}

/// Live while any member is; else what promises most.
fn link<'a>(sites: impl Iterator<Item = &'a Site>) -> Link {
    let promise = |link: &Link| match link {
        Link::Live => 0,
        Link::Behind => 1,
        Link::Connecting => 2,
        Link::Stale => 3,
        Link::Reconnecting { .. } => 4,
        Link::Failed(_) => 5,
    };
    sites.map(|site| &site.link).min_by_key(|link| promise(link)).cloned().unwrap_or(Link::Connecting)
}

/// Granted where any member grants; refused where every one refuses. Who has lost the connection has no say in it, unless all
/// have.
fn authorization<'a>(sites: impl Iterator<Item = &'a Site> + Clone) -> Authorization {
    let connected = sites.clone().any(|site| site.link == Link::Live);
    let promise = |authorization: &Authorization| match authorization {
        Authorization::Granted => 0,
        Authorization::Pending { .. } => 1,
        Authorization::Refused(_) => 2,
    };
    let asked = sites.filter(|site| !connected || site.link == Link::Live);
    let best = asked.map(|site| &site.authorization).min_by_key(|authorization| promise(authorization));
    best.cloned().unwrap_or(Authorization::Pending { asked_at_ms: None })
}

/// Every release that any member's list has, newest first.
fn releases<'a>(sites: impl Iterator<Item = &'a Site>) -> Releases {
    let mut current = None;
    let mut times: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for list in sites.map(|site| &site.releases) {
        for release in &list.releases {
            let known = times.entry(&release.version).or_default();
            *known = (*known).max(release.released_at);
        }
        let listed = list.current.as_deref().map(|version| (list.released_at(version), version));
        current = current.max(listed);
    }
    let mut releases: Vec<Release> = (times.into_iter())
        .map(|(version, released_at)| Release { version: version.to_owned(), released_at })
        .collect();
    releases.sort_by_key(|release| std::cmp::Reverse(release.released_at));
    Releases { current: current.map(|(_, version)| version.to_owned()), releases }
}
