//! One simulated browser tab.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::header::COOKIE;
use reqwest::{Client, Url};
use serde_json::json;
use skew_proto::{ServerMessage, sse, wire};
use tokio::time::{Instant, sleep, sleep_until};

use super::site::{Builds, any_page};

/// Mean times of a tab's life.
const ON_A_PAGE: Duration = Duration::from_secs(9);
const OPEN: Duration = Duration::from_secs(120);
const UNTIL_RELOAD: Duration = Duration::from_secs(35);
const AWAY: Duration = Duration::from_secs(3);

/// Longest message that a tab reads, in bytes.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The header that names the user.
pub(super) const USER_HEADER: &str = "x-demo-user";

/// A client for all tabs. It speaks to this process only, and needs neither proxies nor certificates.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder().no_proxy().tls_certs_only([]).build()
}

/// One tab.
pub(super) struct Tab {
    pub(super) client: Client,
    pub(super) base: Url,
    pub(super) builds: Arc<Builds>,
    pub(super) version: String,
    /// Whose it is, where that is known.
    pub(super) user: Option<String>,
}

/// Why a tab's stream is no more.
enum Left {
    /// The visitor reloads the page, and so gets the current build.
    Reloaded,
    /// The visitor goes away for a while.
    Closed,
    /// The stream broke, or never came.
    Lost,
}

impl Tab {
    /// Lives for ever: comes, looks at pages, reloads, goes and comes back.
    pub(super) async fn live(mut self) {
        // Not all at once.
        sleep(about(AWAY)).await;
        let mut route = any_page();
        loop {
            match self.stay(&mut route).await.unwrap_or(Left::Lost) {
                Left::Reloaded => self.version = self.builds.current(),
                Left::Closed => {
                    sleep(about(AWAY)).await;
                    self.version = self.builds.current();
                    route = any_page();
                }
                Left::Lost => sleep(about(AWAY)).await,
            }
        }
    }

    /// One stream, from its opening to its end.
    async fn stay(&self, route: &mut &'static str) -> reqwest::Result<Left> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/sse", wire::DEFAULT_BASE_PATH));
        url.query_pairs_mut().append_pair("route", route);
        let request = self.client.get(url).header(COOKIE, format!("{}={}", wire::DEFAULT_COOKIE_NAME, self.version));
        let request = request.header("x-forwarded-for", any_address());
        // The demo's server takes this for the word of a proxy that has let somebody in.
        let request = match &self.user {
            Some(user) => request.header(USER_HEADER, user),
            None => request,
        };
        let response = request.send().await?.error_for_status()?;
        let mut pieces = response.bytes_stream();
        let mut decoder = sse::Decoder::new(MAX_MESSAGE_BYTES);
        let mut events = Vec::new();

        let mut id: Option<String> = None;
        let mut reload_at = None;
        let closes_at = Instant::now() + about(OPEN);
        let mut moves_at = Instant::now() + about(ON_A_PAGE);
        loop {
            tokio::select! {
                piece = pieces.next() => {
                    let Some(piece) = piece else { return Ok(Left::Lost) };
                    if decoder.push(&piece?, &mut events).is_err() {
                        return Ok(Left::Lost);
                    }
                }
                () = sleep_until(moves_at) => {
                    *route = any_page();
                    moves_at = Instant::now() + about(ON_A_PAGE);
                    if let Some(id) = &id {
                        self.report(id, route).await?;
                    }
                }
                () = sleep_until(closes_at) => return Ok(Left::Closed),
                () = sleep_until(reload_at.unwrap_or(closes_at)) => return Ok(Left::Reloaded),
            }
            for event in events.drain(..) {
                match ServerMessage::decode(&event.data) {
                    Ok(ServerMessage::Connected(connected)) => id = Some(connected.connection_id),
                    Ok(ServerMessage::Version(version)) if version.force => {
                        reload_at = Some(Instant::now() + about(Duration::from_millis(300)));
                    }
                    Ok(ServerMessage::Version(version)) if version.version != self.version => {
                        reload_at = Some(Instant::now() + about(UNTIL_RELOAD));
                    }
                    _ => {}
                }
            }
        }
    }

    async fn report(&self, id: &str, route: &str) -> reqwest::Result<()> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/route", wire::DEFAULT_BASE_PATH));
        let body = json!({ "connectionId": id, "route": route });
        self.client.post(url).json(&body).send().await?.error_for_status()?;
        Ok(())
    }
}

/// A random time around `mean`, as independent events have it, but never beyond four times that.
fn about(mean: Duration) -> Duration {
    let chance: f64 = rand::random();
    mean.mul_f64((-(1.0 - chance).ln()).clamp(0.05, 4.0))
}

/// An address of the block that documentation uses.
fn any_address() -> String {
    Ipv4Addr::new(203, 0, 113, rand::random_range(1..=254)).to_string()
}
