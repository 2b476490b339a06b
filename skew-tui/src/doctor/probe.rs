//! Looking at a site. Nothing here acts on it: pages and files are read, streams are opened as every `skew-tui` opens them,
//! stats are asked for, and the invalidation endpoint is asked in a way that reaches nobody.

mod ask;
mod invalidation;
mod places;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::header::{ACCEPT, CACHE_CONTROL, DATE};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::IgnoredAny;
use skew_proto::{Health as HealthAnswer, Releases};

use super::evidence::{Asked, Base, Evidence, Figures, Health, Opening, Origin, ReleaseList, Subscription};
use super::failure::Failure;
use super::page::Page;
use crate::clock::Clock;
use crate::http::Http;
use crate::state::site::{Site, Watchers};
use crate::target::{Target, TransportChoice, below};
use crate::{Now, SourceEvent};
use ask::{Reply, ask};
use stream::{Stream, open_sse, open_ws};

/// Largest page or list that is read, in bytes. The settings of a Nuxt app stand at the end of its pages.
const MAX_PAGE_BYTES: usize = 4 << 20;

/// Largest other answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Answers of `{base}/health` to compare.
const HEALTH_ANSWERS: usize = 6;

/// Further streams to ask for stats on, where the first was not answered.
const FURTHER_TRIES: usize = 3;

/// Looks at a site, with at most `patience` for each answer.
pub(super) async fn look(target: Arc<Target>, patience: Duration) -> Evidence {
    let asked = Asked {
        path: target.url().path().to_owned(),
        base_given: target.base_given(),
        credentials: !target.credentials().is_empty(),
        admin_secret: target.admin_secret().is_some() && target.admin_secret() != target.credentials().token(),
        patience,
    };
    // A stream may be silent for as long as an answer is waited for, and is closed then.
    let clients = Http::new(Arc::clone(&target), patience * 2).and_then(|http| Ok((http, Http::unshared(target)?)));
    match clients {
        Ok((http, unshared)) => Probe { http, unshared, clock: Clock::start(), patience }.look(asked).await,
        Err(error) => Evidence::unreached(asked, Failure::Setup(error.to_string())),
    }
}

struct Probe {
    http: Http,
    /// With a connection for each request, as different visitors have.
    unshared: Http,
    clock: Clock,
    patience: Duration,
}

impl Probe {
    async fn look(&self, asked: Asked) -> Evidence {
        let (page, date) = match self.page().await {
            Ok(reply) => {
                let page = Page::read(reply.status.as_u16(), reply.elsewhere.clone(), &reply.headers, &reply.body);
                let date = self.ahead_by_date(&reply).filter(|_| page.cached.is_none());
                (Ok(page), date)
            }
            // Where a connection comes about, the endpoints may be better than the page.
            Err(failure @ Failure::TimedOut) => (Err(failure), None),
            Err(failure) => return Evidence::unreached(asked, failure),
        };
        let told = page.as_ref().ok().and_then(|page| page.settings.as_ref()?.base_path.clone());
        let mut evidence = Evidence { page, ahead_ms: date, ..Evidence::unreached(asked, Failure::TimedOut) };
        let mut open = None;
        for (url, origin) in places::candidates(self.http.target(), told.as_deref()) {
            let (base, stream) = self.base(&url, origin).await;
            let found = base.stream().is_some();
            evidence.bases.push(base);
            if found {
                open = stream.map(|stream| (url, stream));
                break;
            }
        }
        evidence.releases = self.releases().await;
        if let Some((base, stream)) = open {
            self.stream(&mut evidence, &base, stream).await;
        }
        evidence
    }

    /// What an open stream shows.
    async fn stream(&self, evidence: &mut Evidence, base: &Url, mut stream: Stream) {
        if let Some(ahead) = stream.greeted_ms.and_then(|at| self.ahead(i64::try_from(at).ok()?)) {
            evidence.ahead_ms = Some(ahead);
        }
        evidence.health = self.health(base).await;
        let (first, stats) = stream.subscribe(&self.http, self.patience).await;
        evidence.figures = stats.map(figures);
        evidence.subscriptions.push(first.clone());
        if first == Subscription::Silent {
            let tries = (0..FURTHER_TRIES).map(|_| self.ask_again(base, stream.is_sse()));
            evidence.subscriptions.extend(join_all(tries).await);
            evidence.stats_endpoint = self.has_stats_endpoint(base).await;
        }
        let ours = evidence.bases.last().and_then(Base::greeting).is_some_and(|greeting| greeting.server.is_some());
        evidence.invalidation = if ours {
            invalidation::of_skew_server(&self.http, base, self.patience).await
        } else {
            invalidation::of_a_recipe(&self.http, self.patience).await
        };
    }

    /// The page, as a browser asks for it that comes for the first time: only then the module sets its cookie.
    async fn page(&self) -> Result<Reply, Failure> {
        let url = self.http.target().url().clone();
        let request = self.http.get(url.clone()).header("sec-fetch-dest", "document").header(ACCEPT, "text/html");
        let answer = ask(request, MAX_PAGE_BYTES, self.patience).await;
        let Err(Failure::NoConnection(_)) = &answer else { return answer };
        // Where an address was given, the name is not looked up.
        if self.http.target().address().is_some() {
            return answer;
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return answer };
        // The client does not tell a name that leads nowhere from a host that takes no connection.
        let name = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
        if name.is_err() { Err(Failure::NoSuchName) } else { answer }
    }

    async fn base(&self, url: &Url, origin: Origin) -> (Base, Option<Stream>) {
        let transport = self.http.target().transport();
        let sse = async {
            if transport == TransportChoice::Ws {
                return (Opening::NotTried, None);
            }
            open_sse(&self.http, url, self.patience).await
        };
        let ((sse, mut stream), health) = tokio::join!(sse, self.health_once(&self.http, url));
        let mut ws = Opening::NotTried;
        if transport != TransportChoice::Sse && matches!(sse, Opening::NotTried | Opening::Missing(_)) {
            (ws, stream) = open_ws(&self.http, url, self.patience).await;
        }
        (Base { path: url.path().to_owned(), origin, healthy: health.is_some(), sse, ws }, stream)
    }

    async fn health(&self, base: &Url) -> Vec<Health> {
        let mut answers = Vec::new();
        for _ in 0..HEALTH_ANSWERS {
            match self.health_once(&self.unshared, base).await {
                Some(health) => answers.push(health),
                None => break,
            }
        }
        answers
    }

    async fn health_once(&self, http: &Http, base: &Url) -> Option<Health> {
        let request = http.get(below(base, "/health")).header(CACHE_CONTROL, "no-cache");
        let reply = ask(request, MAX_ANSWER_BYTES, self.patience).await.ok()?;
        let answer: HealthAnswer = serde_json::from_str(&reply.body).ok().filter(|_| reply.status == StatusCode::OK)?;
        let uptime_ms = i64::try_from(answer.uptime).ok()?.checked_mul(1_000)?;
        Some(Health { version: answer.version, started_ms: self.unix_ms().saturating_sub(uptime_ms) })
    }

    async fn ask_again(&self, base: &Url, sse: bool) -> Subscription {
        let (opening, stream) = if sse {
            open_sse(&self.http, base, self.patience).await
        } else {
            open_ws(&self.http, base, self.patience).await
        };
        match (stream, opening) {
            (Some(mut stream), _) => stream.subscribe(&self.http, self.patience).await.0,
            (None, Opening::Broken(cause)) => Subscription::Failed(cause),
            (None, _) => Subscription::Failed("no further stream came about".to_owned()),
        }
    }

    async fn has_stats_endpoint(&self, base: &Url) -> Option<bool> {
        let reply = ask(self.http.get(below(base, "/admin/stats")), MAX_PAGE_BYTES, self.patience).await.ok()?;
        Some(reply.status != StatusCode::NOT_FOUND)
    }

    async fn releases(&self) -> ReleaseList {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct OfModule {
            #[serde(rename = "skewProtection")]
            _part: IgnoredAny,
        }
        for url in self.http.target().release_urls() {
            let request = self.http.get(url).header(CACHE_CONTROL, "no-cache");
            let Ok(reply) = ask(request, MAX_PAGE_BYTES, self.patience).await else { continue };
            if reply.status == StatusCode::OK && Releases::decode(&reply.body).is_ok() {
                let of_module = serde_json::from_str::<OfModule>(&reply.body).is_ok();
                return if of_module { ReleaseList::OfModule } else { ReleaseList::Plain };
            }
        }
        ReleaseList::Missing
    }

    /// By how much the clock that wrote an answer's date is ahead. A date has whole seconds.
    fn ahead_by_date(&self, reply: &Reply) -> Option<i64> {
        let date = reply.headers.get(DATE)?.to_str().ok()?;
        self.ahead(jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond())
    }

    fn ahead(&self, at_ms: i64) -> Option<i64> {
        at_ms.checked_sub(self.unix_ms())
    }

    fn unix_ms(&self) -> i64 {
        i64::try_from(self.clock.now().unix_ms).unwrap_or(i64::MAX)
    }
}

/// What a stats message tells.
fn figures(stats: String) -> Figures {
    let mut site = Site::new(Watchers::LeftOut);
    site.observe(SourceEvent::Frame(stats), Now::default());
    let granted = site.stats.as_ref().and_then(|stats| stats.extra.get("granted")?.get("changes")?.as_bool());
    Figures {
        visitors: site.figures.total,
        all_at_root: site.route_tracking_seems_off(),
        by_changes: granted == Some(true),
        missing: site.missing.clone(),
    }
}
