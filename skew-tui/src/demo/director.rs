//! What happens in the demo: a release now and then, each when the one before has arrived.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::{Client, Url};
use skew_proto::{Release, Rollout};
use skew_server::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::site::Builds;
use super::tab::Tab;

/// Time to the first release, and from an arrived one to the next.
const FIRST: Duration = Duration::from_secs(8);
const NEXT: Duration = Duration::from_secs(25);

/// A release has arrived at this share, or is overtaken after this time.
const ARRIVED_PERCENT: f64 = 97.0;
const OVERTAKEN: Duration = Duration::from_secs(240);

/// Of a hundred tabs so many have been open since before the last release.
const OLD_TABS_PERCENT: u32 = 6;

/// Whose a tab is: of ten, one belongs to nobody known, and of the others every third to somebody who has another.
fn user_of(number: u32) -> Option<String> {
    let person = if number % 3 == 2 { number - 1 } else { number };
    (number % 10 != 9).then(|| format!("user-{person:04}"))
}

/// Starts the tabs and releases builds.
pub(super) struct Director {
    handle: Handle,
    builds: Arc<Builds>,
    client: Client,
    port: u16,
}

impl Director {
    pub(super) fn new(handle: Handle, builds: Arc<Builds>, client: Client, port: u16) -> Self {
        Self { handle, builds, client, port }
    }

    /// Runs the play until the server is gone.
    pub(super) async fn run(self, connections: u32) {
        let Ok(base) = Url::parse(&format!("http://127.0.0.1:{}", self.port)) else { return };
        let mut tabs = JoinSet::new();
        for number in 0..connections {
            let is_old = number % 100 < OLD_TABS_PERCENT;
            let version = if is_old { self.builds.before().to_owned() } else { self.builds.current() };
            let (client, base, builds) = (self.client.clone(), base.clone(), Arc::clone(&self.builds));
            let user = user_of(number);
            tabs.spawn(Tab { client, base, builds, version, user }.live());
        }
        sleep(FIRST).await;
        while self.release().await.is_some() {
            sleep(NEXT).await;
        }
    }

    /// Releases a build and waits until it has arrived. None when the server is gone.
    async fn release(&self) -> Option<()> {
        const LOOK: Duration = Duration::from_secs(1);
        let build = self.builds.release();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let released_at = u64::try_from(now.as_millis()).ok();
        self.handle.release(Release { version: build.clone(), released_at }).await.ok()?;
        let deadline = Instant::now() + OVERTAKEN;
        loop {
            sleep(LOOK).await;
            let stats = self.handle.stats().await.ok()?;
            let share = Rollout::of(&stats.versions, &build).percent.unwrap_or_default();
            if share >= ARRIVED_PERCENT || Instant::now() >= deadline {
                return Some(());
            }
        }
    }
}
