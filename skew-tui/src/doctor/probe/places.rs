//! Base paths to look at.

use reqwest::Url;
use skew_proto::wire;

use crate::doctor::evidence::Origin;
use crate::target::{Target, below};

/// Where the module had its endpoints before version 1.
const OLD_BASE_PATH: &str = "/_skew";

/// All base paths to try, the likeliest first, each once. `told` is what the page says.
pub(super) fn candidates(target: &Target, told: Option<&str>) -> Vec<(Url, Origin)> {
    let mut root = target.url().clone();
    root.set_path("/");
    let mounts = [target.url().clone(), root.clone()];
    // A page is not believed where it names no plain path.
    let told = told.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains(['?', '#', '\\']));

    let asked = target.bases().iter().map(|url| (url.clone(), Origin::Asked));
    let told = told.map(|path| (below(&root, path.trim_end_matches('/')), Origin::Page));
    let usual = mounts.iter().map(|mount| (below(mount, wire::DEFAULT_BASE_PATH), Origin::Usual));
    let old = mounts.iter().map(|mount| (below(mount, OLD_BASE_PATH), Origin::Old));
    let mut candidates: Vec<(Url, Origin)> = Vec::new();
    for candidate in asked.chain(told).chain(usual).chain(old) {
        if candidates.iter().all(|(url, _)| *url != candidate.0) {
            candidates.push(candidate);
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Settings;

    fn shown(url: &str, base_path: Option<&str>, told: Option<&str>) -> Vec<(String, Origin)> {
        let settings = Settings { url: url.into(), base_path: base_path.map(Into::into), ..Settings::default() };
        let candidates = candidates(&Target::new(settings).unwrap(), told);
        candidates.into_iter().map(|(url, origin)| (url.path().to_owned(), origin)).collect()
    }

    #[test]
    fn what_was_asked_for_comes_first_and_nothing_comes_twice() {
        assert_eq!(
            shown("https://x.test", None, Some("/__skew")),
            [("/__skew".into(), Origin::Asked), ("/_skew".into(), Origin::Old)]
        );
        assert_eq!(
            shown("https://x.test/shop", Some("/wrong"), Some("/shop/skew/")),
            [
                ("/wrong".into(), Origin::Asked),
                ("/shop/skew".into(), Origin::Page),
                ("/shop/__skew".into(), Origin::Usual),
                ("/__skew".into(), Origin::Usual),
                ("/shop/_skew".into(), Origin::Old),
                ("/_skew".into(), Origin::Old),
            ]
        );
    }

    #[test]
    fn a_page_can_not_lead_elsewhere() {
        for told in ["//evil.test/__skew", "https://evil.test", "", "/a?b", "\\\\evil"] {
            assert_eq!(shown("https://x.test", None, Some(told)).len(), 2, "{told}");
        }
    }
}
