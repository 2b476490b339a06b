//! Who is open, as those know who opened, and what everybody should be shown of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What one who is asked shows, or should show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) users: u64,
    pub(crate) connections: i64,
    /// Only what our own server shows.
    pub(crate) more: Option<More>,
}

/// What the recipe does not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct More {
    pub(crate) anonymous: u64,
    pub(crate) versions: BTreeMap<String, u64>,
    pub(crate) routes: BTreeMap<String, u64>,
    /// Whether it says itself that something is missing.
    pub(crate) partial: bool,
}

/// One connection, as everybody knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) user: Option<u32>,
    pub(crate) instance: usize,
    pub(crate) version: String,
    pub(crate) route: String,
}

/// What is true: of those that can be counted, which are not on a process that is dead or stalled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    pub(crate) figures: Figures,
    pub(crate) present: BTreeSet<u32>,
    /// Connections by instance, build and page.
    pub(crate) rows: BTreeMap<(usize, String, String), u64>,
}

impl Truth {
    pub(crate) fn of<'a>(open: impl IntoIterator<Item = &'a Known>) -> Self {
        let mut truth = Self::default();
        let mut more = More::default();
        for known in open {
            truth.figures.connections += 1;
            match known.user {
                Some(user) => drop(truth.present.insert(user)),
                None => more.anonymous += 1,
            }
            *more.versions.entry(known.version.clone()).or_default() += 1;
            *more.routes.entry(known.route.clone()).or_default() += 1;
            *truth.rows.entry((known.instance, known.version.clone(), known.route.clone())).or_default() += 1;
        }
        truth.figures.users = truth.present.len() as u64;
        truth.figures.more = Some(more);
        truth
    }

    /// What differs; nothing where all is right.
    pub(crate) fn difference(&self, shown: &Figures) -> Option<String> {
        let mut wrong = Vec::new();
        let mut compare = |what: &str, is: String, shown: String| {
            if is != shown {
                wrong.push(format!("{what}: {is} are, {shown} are shown"));
            }
        };
        compare("users", self.figures.users.to_string(), shown.users.to_string());
        compare("connections", self.figures.connections.to_string(), shown.connections.to_string());
        if let (Some(is), Some(more)) = (&self.figures.more, &shown.more) {
            compare("anonymous", is.anonymous.to_string(), more.anonymous.to_string());
            compare("versions", format!("{:?}", is.versions), format!("{:?}", more.versions));
            compare("routes", format!("{:?}", is.routes), format!("{:?}", more.routes));
            compare("partial", false.to_string(), more.partial.to_string());
        }
        (!wrong.is_empty()).then(|| wrong.join("; "))
    }
}

/// The figures of a `stats` message or body.
pub(crate) fn figures(stats: &Value) -> Option<Figures> {
    let table = |name: &str| {
        let table = stats[name].as_object()?;
        Some(table.iter().filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect())
    };
    let more = More {
        anonymous: stats["anonymous"].as_u64()?,
        versions: table("versions")?,
        routes: table("routes")?,
        partial: stats.get("partial").is_some_and(|partial| !partial.is_null()),
    };
    Some(Figures { users: stats["users"].as_u64()?, connections: stats["total"].as_i64()?, more: Some(more) })
}
