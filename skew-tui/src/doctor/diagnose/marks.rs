//! How a browser is marked with its build, and what else tells builds and times apart.

use crate::doctor::evidence::{Evidence, Origin, ReleaseList};
use crate::doctor::finding::{Finding, Id};
use crate::doctor::page::{CookieSetting, Page};

use super::open;

/// Clocks that differ by more than this make ages and sessions wrong, in milliseconds.
const AHEAD_MS: u64 = 30_000;

/// The module whose protocol is known from its sources, and the first that has a base path for each mount.
const KNOWN: (u64, u64) = (1, 3);

pub(super) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let page = evidence.page.as_ref().ok().filter(|page| page.elsewhere.is_none() && page.status < 400);
    let mut findings: Vec<_> = page.map(|page| cookie(evidence, page)).into_iter().flatten().collect();
    findings.extend(clock(evidence));
    findings.extend(module(evidence));
    findings.extend(releases(evidence));
    findings
}

fn cookie(evidence: &Evidence, page: &Page) -> Vec<Finding> {
    let title = "browsers are not marked with their build";
    let setting = page.settings.as_ref().map(|settings| &settings.cookie);
    if setting == Some(&CookieSetting::Off) {
        let seen = "the page's settings say cookie: false";
        let finding = Finding::warning(Id::NoVersionCookie, title, seen);
        return vec![finding.remedy("everybody counts as current after a new connection: take that setting out")];
    }
    let Some(name) = page.cookies.first() else {
        return vec![match &page.cached {
            _ if page.has_script => {
                Finding::ok(Id::VersionCookie, "browsers are marked with their build", "by the script of skew-server")
            }
            Some(cache) => Finding::note(Id::CachedPage, "the page comes from a cache, which marks nobody", cache)
                .remedy(
                    "a tab that loads it keeps the cookie of an older build and counts as that: let the cache pass \
                     pages to the server, or know that the share comes late",
                ),
            None => Finding::warning(Id::NoVersionCookie, title, "the page sets no version cookie").remedy(
                "a tab without one counts as current, so that the share can't be trusted. A page that is prerendered \
                 can't set it; one behind skew-server needs its script with data-build",
            ),
        }];
    };
    let mut findings =
        vec![Finding::ok(Id::VersionCookie, "browsers are marked with their build", format!("by {name}"))];
    let ours = open(evidence).is_some_and(|(.., greeting)| greeting.server.is_some());
    if name != skew_proto::wire::DEFAULT_COOKIE_NAME && ours {
        findings.push(
            Finding::note(Id::OtherCookieName, "the cookie has a name of its own", name)
                .remedy(format!("skew-server has to know it: --cookie-name {name}")),
        );
    }
    findings
}

fn clock(evidence: &Evidence) -> Option<Finding> {
    let ahead = evidence.ahead_ms?;
    let seconds = ahead.unsigned_abs() / 1_000;
    Some(if ahead.unsigned_abs() <= AHEAD_MS {
        Finding::ok(Id::Clock, "the clocks agree", format!("they differ by {seconds} s"))
    } else {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let seen = format!("the server's clock is {seconds} s {side} this machine's");
        Finding::warning(Id::ClockSkew, "the clocks differ", seen).remedy(
            "set the one that is wrong (NTP): ages are wrong by as much, and session cookies end too early or late",
        )
    })
}

fn module(evidence: &Evidence) -> Option<Finding> {
    let (base, _, greeting) = open(evidence)?;
    // A base path that is an old one has said so.
    if greeting.server.is_some() || base.origin == Origin::Old {
        return None;
    }
    let title = "the app's module is an old one";
    if !greeting.has_id {
        let finding = Finding::problem(Id::OldModule, title, "its first message tells no connectionId");
        return Some(finding.remedy("update nuxt-skew-protection to 1.3 or later: this one can't count connections"));
    }
    let page = evidence.page.as_ref().ok()?;
    let version = page.settings.as_ref()?.version.as_deref()?;
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse::<u64>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return None };
    let seen = format!("nuxt-skew-protection {version}");
    Some(if (major, minor) < KNOWN {
        Finding::note(Id::OldModule, title, seen)
            .remedy("update it to 1.3 or later, which keeps apps of different paths on one host apart")
    } else {
        Finding::ok(Id::Module, "the app's module is known", seen)
    })
}

fn releases(evidence: &Evidence) -> Option<Finding> {
    let (_, _, greeting) = open(evidence)?;
    match evidence.releases {
        ReleaseList::OfModule => {
            Some(Finding::ok(Id::ReleaseList, "there is a release list", "with the module's part"))
        }
        ReleaseList::Plain => Some(
            Finding::note(
                Id::NoReleaseList,
                "the release list knows the current build only",
                "no skewProtection in it",
            )
            .remedy("ages of older builds need the module's storage (bundleAssets) in the build"),
        ),
        // What says by itself when a build was released needs none.
        ReleaseList::Missing if greeting.server.is_some() => None,
        ReleaseList::Missing => Some(
            Finding::note(Id::NoReleaseList, "there is no release list", "no _nuxt/builds/latest.json")
                .remedy("ages of builds are unknown without it; have the proxy in front pass it"),
        ),
    }
}
