use std::collections::HashSet;
use std::time::Duration;

use super::*;
use crate::doctor::evidence::{Asked, Figures, Health, Invalidation, Origin, ReleaseList, Subscription};
use crate::doctor::failure::{Failure, TlsFault};
use crate::doctor::finding::Severity;
use crate::doctor::page::{CookieSetting, ModuleSettings, Page};

fn base(sse: Opening) -> Base {
    Base { path: "/__skew".into(), origin: Origin::Asked, healthy: true, sse, ws: Opening::NotTried }
}

fn greeting(server: Option<&str>) -> Greeting {
    Greeting { version: Some("b2".into()), has_id: true, server: server.map(Into::into) }
}

fn settings() -> ModuleSettings {
    ModuleSettings {
        base_path: Some("/__skew".into()),
        cookie: CookieSetting::Named("__nkpv".into()),
        connection_tracking: Some(true),
        route_tracking: Some(true),
        version: Some("1.3.0".into()),
        adapter: None,
    }
}

/// A Nuxt app where everything is as it should be.
fn healthy() -> Evidence {
    let page = Page { status: 200, cookies: vec!["__nkpv".into()], settings: Some(settings()), ..Page::default() };
    let asked = Asked { path: "/".into(), credentials: true, patience: Duration::from_secs(5), ..Asked::default() };
    Evidence {
        page: Ok(page),
        bases: vec![base(Opening::Open(greeting(None)))],
        subscriptions: vec![Subscription::Shown],
        figures: Some(Figures { visitors: 7, all_at_root: false, ..Figures::default() }),
        health: vec![Health { version: "b2".into(), started_ms: 1_000 }; 6],
        ahead_ms: Some(-1_200),
        releases: ReleaseList::OfModule,
        stats_endpoint: None,
        invalidation: Invalidation::Guarded("/api/admin/invalidate-route answered 401 Unauthorized".into()),
        ..Evidence::unreached(asked, Failure::TimedOut)
    }
}

/// The healthy site with one thing changed.
fn but(change: impl FnOnce(&mut Evidence)) -> Evidence {
    let mut evidence = healthy();
    change(&mut evidence);
    evidence
}

fn page(change: impl FnOnce(&mut Page)) -> Evidence {
    but(|evidence| change(evidence.page.as_mut().unwrap()))
}

fn module(change: impl FnOnce(&mut ModuleSettings)) -> Evidence {
    page(|page| change(page.settings.as_mut().unwrap()))
}

fn sse(opening: Opening) -> Evidence {
    but(|evidence| {
        evidence.bases = vec![base(opening)];
        evidence.subscriptions.clear();
        evidence.figures = None;
    })
}

fn failed(failure: Failure) -> Evidence {
    Evidence::unreached(Asked { path: "/".into(), ..Asked::default() }, failure)
}

fn asked(subscriptions: &[Subscription]) -> Evidence {
    but(|evidence| {
        evidence.subscriptions = subscriptions.to_vec();
        evidence.figures = None;
    })
}

fn over_ws(subscription: Subscription) -> Evidence {
    let mut evidence = asked(&vec![subscription; 4]);
    evidence.bases[0].ws = std::mem::replace(&mut evidence.bases[0].sse, Opening::Missing("404".into()));
    evidence
}

fn invalidation(answer: Invalidation, admin_secret: bool) -> Evidence {
    but(|evidence| {
        evidence.invalidation = answer;
        evidence.asked.admin_secret = admin_secret;
    })
}

fn none_at_all() -> Evidence {
    let mut evidence = sse(Opening::Missing("/__skew/sse answered 404".into()));
    evidence.bases[0].ws = Opening::Missing("/__skew/ws answered 404".into());
    evidence.bases[0].healthy = false;
    evidence.page.as_mut().unwrap().settings = None;
    evidence.releases = ReleaseList::Missing;
    evidence
}

/// The findings that are not as they should be, but for the one that says what could not be looked at.
fn complaints(evidence: &Evidence) -> Vec<(Id, Severity)> {
    let findings = diagnose(evidence).into_iter();
    let findings = findings.filter(|finding| finding.severity > Severity::Ok && finding.id != Id::NotChecked);
    findings.map(|finding| (finding.id, finding.severity)).collect()
}

/// What is wrong, and what it is to be called.
fn cases() -> Vec<(Evidence, Id, Severity)> {
    use Severity::{Note, Problem, Warning};
    let tls = |fault| failed(Failure::Tls(fault));
    let elsewhere = |origin, path: &str, given| {
        but(|evidence| {
            evidence.bases[0].origin = origin;
            evidence.bases[0].path = path.into();
            evidence.asked.base_given = given;
        })
    };
    vec![
        (failed(Failure::NoSuchName), Id::NameNotFound, Problem),
        (failed(Failure::NoConnection("refused".into())), Id::Unreachable, Problem),
        (failed(Failure::TimedOut), Id::Unreachable, Problem),
        (failed(Failure::Other("invalid HTTP version".into())), Id::Unreachable, Problem),
        (failed(Failure::Setup("no certificates".into())), Id::TlsFailed, Problem),
        (tls(TlsFault::Expired), Id::TlsExpired, Problem),
        (tls(TlsFault::NotYetValid), Id::TlsExpired, Problem),
        (tls(TlsFault::UnknownAuthority), Id::TlsUnknownAuthority, Problem),
        (tls(TlsFault::OtherHost("not shop.test".into())), Id::TlsWrongHost, Problem),
        (tls(TlsFault::ClientCertificate("required".into())), Id::TlsClientCertificate, Problem),
        (tls(TlsFault::NotSpoken), Id::TlsNotSpoken, Problem),
        (tls(TlsFault::Other("no common version".into())), Id::TlsFailed, Problem),
        (but(|evidence| evidence.page = Err(Failure::TimedOut)), Id::PageFailing, Warning),
        (page(|page| page.status = 500), Id::PageFailing, Warning),
        (page(|page| page.status = 401), Id::PageFailing, Warning),
        (page(|page| page.elsewhere = Some("https://login.test".into())), Id::Redirected, Problem),
        (elsewhere(Origin::Page, "/skew", true), Id::WrongBasePath, Problem),
        (elsewhere(Origin::Usual, "/__skew", true), Id::WrongBasePath, Problem),
        (elsewhere(Origin::Page, "/shop/__skew", false), Id::MountPath, Problem),
        (module(|module| module.base_path = Some("/shop/__skew".into())), Id::MountPath, Warning),
        (
            but(|evidence| {
                evidence.asked.path = "/shop".into();
                evidence.page.as_mut().unwrap().settings.as_mut().unwrap().base_path = None;
            }),
            Id::MountPath,
            Note,
        ),
        (none_at_all(), Id::NoEndpoints, Problem),
        (
            {
                let mut evidence = none_at_all();
                evidence.page.as_mut().unwrap().settings = Some(settings());
                evidence
            },
            Id::NoEndpoints,
            Problem,
        ),
        (
            {
                let mut evidence = none_at_all();
                evidence.bases[0].healthy = true;
                evidence
            },
            Id::PollingStrategy,
            Problem,
        ),
        (
            {
                let mut evidence = none_at_all();
                evidence.releases = ReleaseList::OfModule;
                evidence
            },
            Id::PollingStrategy,
            Problem,
        ),
        (
            {
                let mut evidence = none_at_all();
                let adapter = Some("pusher".into());
                evidence.page.as_mut().unwrap().settings = Some(ModuleSettings { adapter, ..settings() });
                evidence
            },
            Id::AdapterStrategy,
            Problem,
        ),
        (sse(Opening::Refused("401".into())), Id::StreamRefused, Problem),
        (sse(Opening::Redirected("https://login.test".into())), Id::Redirected, Problem),
        (sse(Opening::Mute), Id::SseBuffered, Problem),
        (sse(Opening::Unanswered), Id::SseBuffered, Problem),
        (
            {
                let mut evidence = sse(Opening::Mute);
                evidence.bases[0].healthy = false;
                evidence
            },
            Id::ServerSilent,
            Problem,
        ),
        (sse(Opening::Broken("502".into())), Id::StreamBroken, Problem),
        (
            {
                let mut evidence = none_at_all();
                evidence.bases[0].ws = Opening::Broken("answered 426".into());
                evidence
            },
            Id::WebSocketBlocked,
            Problem,
        ),
        (asked(&[Subscription::Refused]), Id::StatsRefused, Problem),
        (asked(&[Subscription::Status(401, "401".into())]), Id::StatsRefused, Problem),
        (
            {
                let mut evidence = asked(&[Subscription::Refused]);
                evidence.asked.credentials = false;
                evidence
            },
            Id::NoCredentials,
            Note,
        ),
        (asked(&[Subscription::Status(404, "404".into())]), Id::TrackingOff, Problem),
        (asked(&[Subscription::Status(500, "500".into())]), Id::HookThrows, Problem),
        (asked(&[Subscription::Status(413, "413".into())]), Id::SubscriptionFailed, Problem),
        (asked(&[Subscription::Unanswered]), Id::HookThrows, Problem),
        (asked(&[Subscription::Failed("closed".into())]), Id::SubscriptionFailed, Problem),
        (asked(&vec![Subscription::Silent; 4]), Id::SubscriptionSilent, Problem),
        (asked(&[Subscription::Silent, Subscription::Shown]), Id::SubscriptionSilent, Problem),
        (over_ws(Subscription::Silent), Id::HookThrows, Problem),
        (
            {
                let mut evidence = over_ws(Subscription::Silent);
                evidence.page.as_mut().unwrap().settings.as_mut().unwrap().connection_tracking = Some(false);
                evidence
            },
            Id::TrackingOff,
            Problem,
        ),
        (but(|evidence| evidence.health[3].started_ms += 60_000), Id::SeveralProcesses, Warning),
        (but(|evidence| evidence.health[3].version = "b1".into()), Id::SeveralProcesses, Warning),
        (
            but(|evidence| evidence.figures = Some(Figures { visitors: 9, all_at_root: true, ..Figures::default() })),
            Id::RouteTrackingOff,
            Warning,
        ),
        (module(|module| module.route_tracking = Some(false)), Id::RouteTrackingOff, Warning),
        (but(|evidence| evidence.figures = Some(Figures::default())), Id::NobodyConnected, Note),
        (
            but(|evidence| {
                let missing = Some(skew_proto::Partial { instances: vec!["web-2".into()], since: 1 });
                evidence.figures = Some(Figures { visitors: 9, missing, ..Figures::default() });
            }),
            Id::InstancesSilent,
            Warning,
        ),
        (page(|page| page.cookies.clear()), Id::NoVersionCookie, Warning),
        (module(|module| module.cookie = CookieSetting::Off), Id::NoVersionCookie, Warning),
        (
            page(|page| {
                page.cookies.clear();
                page.cached = Some("age: 90".into());
            }),
            Id::CachedPage,
            Note,
        ),
        (
            but(|evidence| {
                evidence.bases = vec![base(Opening::Open(greeting(Some("skew-server 0.1.0"))))];
                evidence.page.as_mut().unwrap().cookies = vec!["__nkpv_shop".into()];
            }),
            Id::OtherCookieName,
            Note,
        ),
        (but(|evidence| evidence.ahead_ms = Some(31_000)), Id::ClockSkew, Warning),
        (but(|evidence| evidence.ahead_ms = Some(-31_000)), Id::ClockSkew, Warning),
        (module(|module| module.version = Some("1.1.0".into())), Id::OldModule, Note),
        (
            but(|evidence| {
                evidence.bases = vec![base(Opening::Open(Greeting { has_id: false, ..greeting(None) }))];
            }),
            Id::OldModule,
            Problem,
        ),
        (
            {
                let mut evidence = elsewhere(Origin::Old, "/_skew", false);
                evidence.bases[0].sse = Opening::Open(Greeting { has_id: false, ..greeting(None) });
                evidence
            },
            Id::OldModule,
            Problem,
        ),
        (but(|evidence| evidence.releases = ReleaseList::Missing), Id::NoReleaseList, Note),
        (but(|evidence| evidence.releases = ReleaseList::Plain), Id::NoReleaseList, Note),
        (invalidation(Invalidation::Missing("404".into()), false), Id::InvalidationMissing, Warning),
        (invalidation(Invalidation::Refused("403".into()), true), Id::InvalidationRefused, Problem),
        (invalidation(Invalidation::Refused("403".into()), false), Id::InvalidationRefused, Note),
        (invalidation(Invalidation::Unguarded("200".into()), false), Id::InvalidationOpen, Problem),
        (invalidation(Invalidation::Failed("500".into()), false), Id::InvalidationFailing, Warning),
    ]
}

#[test]
fn nothing_is_wrong_with_a_site_where_everything_is_as_it_should_be() {
    assert_eq!(complaints(&healthy()), []);
    let ours = but(|evidence| {
        evidence.bases = vec![base(Opening::Open(greeting(Some("skew-server 0.1.0"))))];
        evidence.releases = ReleaseList::Missing;
        evidence.invalidation = Invalidation::Counted;
        evidence.page = Ok(Page { status: 200, has_script: true, ..Page::default() });
    });
    assert_eq!(complaints(&ours), []);
}

#[test]
fn every_fault_has_a_finding_of_its_own_and_no_other() {
    for (evidence, id, severity) in cases() {
        assert_eq!(complaints(&evidence), [(id, severity)], "{evidence:#?}");
    }
}

#[test]
fn every_finding_is_made_by_something_and_every_fault_has_a_remedy() {
    let all = cases().into_iter().map(|(evidence, ..)| evidence).chain([healthy()]);
    let findings: Vec<_> = all.flat_map(|evidence| diagnose(&evidence)).collect();
    let made: HashSet<_> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(Id::ALL.iter().filter(|id| !made.contains(id)).collect::<Vec<_>>(), Vec::<&Id>::new());
    for finding in findings {
        assert!(!finding.title.is_empty() && !finding.evidence.is_empty(), "{finding:?}");
        assert_eq!(finding.remedy.is_some(), finding.severity > Severity::Ok, "{finding:?}");
    }
}

#[test]
fn some_answers_of_several_tell_of_several_processes() {
    let remedy = |evidence: &Evidence| {
        let found = diagnose(evidence).into_iter().find(|finding| finding.id == Id::SubscriptionSilent);
        found.unwrap().remedy.unwrap()
    };
    let some = asked(&[Subscription::Silent, Subscription::Silent, Subscription::Shown]);
    assert!(remedy(&some).contains("sticky") && !remedy(&some).contains("hook"));
    let none = asked(&[Subscription::Silent, Subscription::Silent]);
    assert!(remedy(&none).contains("sticky") && remedy(&none).contains("skew:authorize-stats"));
    let mut two = asked(&[Subscription::Silent, Subscription::Silent]);
    two.health[0].started_ms = 900_000;
    assert!(!remedy(&two).contains("hook"), "the uptimes have told that there are several");
}

#[test]
fn what_could_not_be_looked_at_is_said() {
    let unchecked = |evidence: &Evidence| {
        diagnose(evidence).into_iter().find(|finding| finding.id == Id::NotChecked).map(|finding| finding.evidence)
    };
    assert_eq!(unchecked(&healthy()), None);
    assert!(unchecked(&asked(&[Subscription::Refused])).unwrap().contains("routes"));
    assert!(unchecked(&sse(Opening::Mute)).unwrap().contains("invalidations"));
    assert!(unchecked(&failed(Failure::TimedOut)).is_some());
}
