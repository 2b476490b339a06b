//! The site that the tabs are on: its builds, its pages, and the release list that a Nuxt app publishes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde_json::json;
use tokio::sync::watch;

/// Pages and how many of a hundred visits go there.
const PAGES: [(&str, u32); 10] = [
    ("/", 26),
    ("/products", 20),
    ("/products/lamp", 12),
    ("/products/chair", 9),
    ("/cart", 9),
    ("/checkout", 8),
    ("/checkout/pay", 5),
    ("/checkout-help", 2),
    ("/account", 5),
    ("/blog/moving-in", 4),
];

/// Any of the pages, the likely ones more often.
pub(super) fn any_page() -> &'static str {
    let all = PAGES.iter().map(|(_, weight)| weight).sum();
    let mut left = rand::random_range(0..all);
    for (page, weight) in PAGES {
        if left < weight {
            return page;
        }
        left -= weight;
    }
    "/"
}

/// The builds of the site and when each was released.
#[derive(Debug)]
pub(super) struct Builds {
    released: Mutex<BTreeMap<String, SystemTime>>,
    current: watch::Sender<String>,
    before: String,
}

impl Builds {
    /// Two builds: one of yesterday, and the one before it.
    pub(super) fn new() -> Self {
        const HOUR: Duration = Duration::from_secs(3_600);
        let now = SystemTime::now();
        let (before, current) = (any_build(), any_build());
        let released = [(before.clone(), now - 75 * HOUR), (current.clone(), now - 26 * HOUR)];
        Self { released: Mutex::new(released.into()), current: watch::Sender::new(current), before }
    }

    /// The build that new visitors get.
    pub(super) fn current(&self) -> String {
        self.current.borrow().clone()
    }

    /// The build before the first current one: some tabs have been open for that long.
    pub(super) fn before(&self) -> &str {
        &self.before
    }

    /// Releases a new build, and answers its id.
    pub(super) fn release(&self) -> String {
        let build = any_build();
        self.released.lock().unwrap_or_else(PoisonError::into_inner).insert(build.clone(), SystemTime::now());
        self.current.send_replace(build.clone());
        build
    }

    /// The release list, as a Nuxt app publishes it.
    fn list(&self) -> String {
        let released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        let versions: serde_json::Map<_, _> = released
            .iter()
            .filter_map(|(build, at)| {
                let at = jiff::Timestamp::try_from(*at).ok()?;
                Some((build.clone(), json!({ "timestamp": at.to_string() })))
            })
            .collect();
        json!({ "id": self.current(), "skewProtection": { "versions": versions } }).to_string()
    }
}

/// What the site serves besides the endpoints of `skew-server`.
pub(super) fn router(builds: Arc<Builds>) -> Router {
    let list = move || async move { ([(CONTENT_TYPE, "application/json")], builds.list()) };
    Router::new().route("/_nuxt/builds/latest.json", get(list))
}

fn any_build() -> String {
    format!("{:08x}", rand::random::<u32>())
}
