//! The processes of a server that is several, and which of them a connection is on.

use std::collections::HashSet;

use skew_proto::{Connection, Instance, Partial, Stats, text};

use super::merge::TARGET;

/// An instance of a server, as a target tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// What is told.
    pub instance: Instance,
    /// The target that tells it, where several are watched.
    pub target: Option<String>,
}

/// What an instance is called, which its connections say. One that was started anew is called the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The target that tells it, where several are watched.
    pub target: Option<String>,
}

impl Hosted {
    /// What its connections say.
    #[must_use]
    pub fn host(&self) -> Host {
        Host { name: self.instance.name.clone(), target: self.target.clone() }
    }
}

impl Host {
    /// Whether a connection is on it.
    #[must_use]
    pub fn holds(&self, connection: &Connection) -> bool {
        let of_target = || {
            let told = connection.extra.get(TARGET).and_then(|target| target.as_str());
            self.target.as_deref().is_none_or(|target| told == Some(target))
        };
        connection.instance() == Some(&self.name) && of_target()
    }
}

/// Which instances are not heard from, in words that could harm no terminal.
#[must_use]
pub fn unheard(missing: &Partial) -> String {
    let shown = missing.instances.iter().take(SHOWN).map(|name| text::cut(name, NAME_CHARS));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match missing.instances.len() {
        0 => "some instances".to_owned(),
        all if all > SHOWN => format!("{shown} and {} more", all - SHOWN),
        _ => shown,
    }
}

/// Most instances that are named in a sentence, and characters of a name there.
const SHOWN: usize = 4;
const NAME_CHARS: usize = 30;

/// The instances that one target tells of.
pub(super) fn of_one(stats: &Stats) -> Vec<Hosted> {
    stats.instances().into_iter().map(|instance| Hosted { instance, target: None }).collect()
}

/// Those of several targets, each once: two targets may be instances of one server.
pub(super) fn of_several<'a>(told: impl Iterator<Item = (&'a str, &'a [Hosted])>) -> Vec<Hosted> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for (label, hosted) in told {
        for Hosted { instance, .. } in hosted {
            if seen.insert((instance.name.as_str(), instance.epoch)) {
                all.push(Hosted { instance: instance.clone(), target: Some(label.to_owned()) });
            }
        }
    }
    all
}

/// What several targets miss, as one.
pub(super) fn missing<'a>(partials: impl Iterator<Item = &'a Partial>) -> Option<Partial> {
    partials.cloned().reduce(|mut all, one| {
        all.instances.extend(one.instances);
        all.instances.sort_unstable();
        all.instances.dedup();
        all.since = all.since.min(one.since);
        all
    })
}
