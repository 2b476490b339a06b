//! Where the endpoints are, and whether a stream comes of them.

use crate::Transport;
use crate::doctor::evidence::{Base, Evidence, Opening, Origin, ReleaseList};
use crate::doctor::finding::{Finding, Id};

use super::stream;

pub(super) fn findings(evidence: &Evidence) -> Vec<Finding> {
    match stream(evidence) {
        Some((base, transport, opening)) => vec![place(evidence, base), opened(base, transport, opening, evidence)],
        None => vec![absent(evidence)],
    }
}

/// What it means that they are there.
fn place(evidence: &Evidence, base: &Base) -> Finding {
    let page_base = evidence.page.as_ref().ok().and_then(|page| page.settings.as_ref()?.base_path.as_deref());
    let seen = format!("below {}", base.path);
    let (asked, given) = (base.origin == Origin::Asked, evidence.asked.base_given);
    if asked && page_base.is_none_or(|page_base| page_base == base.path) {
        let of_the_root = base.path == "/__skew" && evidence.asked.path != "/" && !given && page_base.is_none();
        if !of_the_root {
            return Finding::ok(Id::Endpoints, "the endpoints are there", seen);
        }
        let seen = format!("below {}, and none below the URL's own path {}", base.path, evidence.asked.path);
        return Finding::note(Id::MountPath, "these are the endpoints of the app at the root of the host", seen)
            .remedy("if the app at this path has some of its own, name them by --base-path");
    }
    if asked {
        let page_base = page_base.unwrap_or_default();
        let seen = format!("below {}, and the page says {page_base}", base.path);
        return Finding::warning(Id::MountPath, "these may be the endpoints of another app on the host", seen)
            .remedy(format!("have the proxy in front of the app pass {page_base}/ to it, or pass --base-path"));
    }
    let remedy = format!("pass --base-path {}", base.path);
    match (base.origin, given) {
        (Origin::Old, _) => Finding::problem(Id::OldModule, "the app's module is older than version 1", seen)
            .remedy("update nuxt-skew-protection: it has neither stats nor connections to count"),
        (_, true) => {
            Finding::problem(Id::WrongBasePath, "the endpoints are not below --base-path", seen).remedy(remedy)
        }
        (_, false) => Finding::problem(Id::MountPath, "the app has its endpoints below another path", seen)
            .remedy(format!("{remedy}, or the app's own address as the URL")),
    }
}

fn opened(base: &Base, transport: Transport, opening: &Opening, evidence: &Evidence) -> Finding {
    let path = format!("{}/{transport}", base.path);
    let seconds = evidence.asked.patience.as_secs_f64();
    match opening {
        Opening::Open(greeting) => {
            let server = match &greeting.server {
                Some(server) => server.clone(),
                None => "a Nuxt app".to_owned(),
            };
            let build = greeting.version.as_deref().unwrap_or("unknown");
            let seen = format!("{path} of {server}, current build {build}");
            Finding::ok(Id::Stream, "messages come", seen)
        }
        Opening::Refused(said) => Finding::problem(Id::StreamRefused, "the stream is refused", said).remedy(
            "what guards this path wants credentials: pass them, or let the path through, as browsers need it, too",
        ),
        Opening::Redirected(to) => Finding::problem(Id::Redirected, "the stream is sent elsewhere", path)
            .remedy(format!("use {to} as the URL if that is the site you mean, or check the credentials")),
        Opening::Mute | Opening::Unanswered if base.healthy && transport == Transport::Sse => {
            let came = if *opening == Opening::Mute { "headers, but no message," } else { "nothing" };
            let seen = format!("{path} brought {came} within {seconds} s, while {}/health answered", base.path);
            Finding::problem(Id::SseBuffered, "something on the way keeps the stream back", seen).remedy(
                "turn buffering off for this path in the proxy or CDN in front: nginx `proxy_buffering off;` (and no \
                 `proxy_ignore_headers X-Accel-Buffering`), no compression of text/event-stream, no caching",
            )
        }
        Opening::Mute | Opening::Unanswered => {
            let seen = format!("{path} brought no message within {seconds} s, and {}/health no answer", base.path);
            Finding::problem(Id::ServerSilent, "the server is silent", seen)
                .remedy("see whether the server hangs or is overloaded, and its log")
        }
        Opening::Broken(cause) if transport == Transport::Ws => {
            Finding::problem(Id::WebSocketBlocked, "the WebSocket does not come about", cause).remedy(
                "have the proxy in front pass upgrades: nginx `proxy_http_version 1.1;` with `proxy_set_header Upgrade \
                 $http_upgrade;` and `proxy_set_header Connection \"upgrade\";`",
            )
        }
        Opening::Broken(cause) => Finding::problem(Id::StreamBroken, "the stream breaks at once", cause)
            .remedy("see the log of the server and of the proxy in front of it"),
        // Neither is a stream.
        Opening::NotTried | Opening::Missing(_) => absent(evidence),
    }
}

/// What it means that there are none.
fn absent(evidence: &Evidence) -> Finding {
    let page = evidence.page.as_ref().ok().and_then(|page| page.settings.as_ref());
    if let Some(adapter) = page.and_then(|settings| settings.adapter.as_deref()) {
        let seen = format!("the page names the adapter {adapter}");
        return Finding::problem(Id::AdapterStrategy, "the site's messages go over a service", seen)
            .remedy("connections are counted with updateStrategy 'sse' or 'ws' only");
    }
    let healthy = evidence.bases.iter().find(|base| base.healthy);
    let module = match (healthy, evidence.releases) {
        (Some(base), _) => Some(format!("{}/health answers, and neither sse nor ws is there", base.path)),
        (None, ReleaseList::OfModule) => {
            Some("the release list has the module's part, and no endpoint is there".to_owned())
        }
        (None, _) => None,
    };
    if let Some(seen) = module {
        return Finding::problem(Id::PollingStrategy, "the site is on the polling strategy", seen).remedy(
            "nobody is connected there to be counted: set updateStrategy to 'sse' or 'ws' (with \
             nitro.experimental.websocket), and connectionTracking; a site of static files can't have them",
        );
    }
    let said: Vec<_> = evidence.bases.iter().filter_map(|base| missing(&base.sse).or(missing(&base.ws))).collect();
    let tried = said.join("; ");
    match page {
        Some(_) => Finding::problem(Id::NoEndpoints, "the app has the module, and no endpoint answers", tried)
            .remedy("have the proxy in front pass the module's base path (/__skew/) to the app; or it is --base-path"),
        None => Finding::problem(Id::NoEndpoints, "there are no endpoints", tried).remedy(
            "check the URL; name the base path by --base-path where it is another one; or install \
             nuxt-skew-protection or skew-server",
        ),
    }
}

fn missing(opening: &Opening) -> Option<&str> {
    match opening {
        Opening::Missing(said) => Some(said),
        _ => None,
    }
}
