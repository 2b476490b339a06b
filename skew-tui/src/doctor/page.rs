//! What a page of the site tells about the site: its cookies, and the settings that the module writes into every page.

use reqwest::header::{AGE, HeaderMap, SET_COOKIE};
use skew_proto::wire;

/// Headers by which caches say that an answer is theirs, and not the server's.
const CACHE_HEADERS: [&str; 4] = ["x-cache", "cf-cache-status", "x-vercel-cache", "x-nf-cache"];

/// A page, as a browser gets it that comes for the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where it sends to, where that is another origin.
    pub elsewhere: Option<String>,
    /// The header that says that it comes from a cache.
    pub cached: Option<String>,
    /// Names of the version cookies that it sets.
    pub cookies: Vec<String>,
    /// Whether it loads the script of `skew-server`, which sets the cookie by itself.
    pub has_script: bool,
    /// The module's settings, where it has some.
    pub settings: Option<ModuleSettings>,
}

/// The module's public settings, as far as they can be read. Modules before 1.3 tell no base path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleSettings {
    /// `basePath`
    pub base_path: Option<String>,
    /// `cookie`
    pub cookie: CookieSetting,
    /// `connectionTracking`
    pub connection_tracking: Option<bool>,
    /// `routeTracking`
    pub route_tracking: Option<bool>,
    /// `version`, of the module.
    pub version: Option<String>,
    /// `adapterName`, of a service that carries the messages.
    pub adapter: Option<String>,
}

/// How the module is told to mark a browser with its build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CookieSetting {
    /// It can't be read.
    #[default]
    Unknown,
    /// Not at all.
    Off,
    /// With a cookie of this name.
    Named(String),
}

impl Page {
    /// Reads an answer.
    pub(super) fn read(status: u16, elsewhere: Option<String>, headers: &HeaderMap, body: &str) -> Self {
        let settings = ModuleSettings::read(body);
        let named = match settings.as_ref().map(|settings| &settings.cookie) {
            Some(CookieSetting::Named(name)) => Some(name.as_str()),
            _ => None,
        };
        let set = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()?.split_once('='));
        let ours = |name: &&str| name.starts_with(wire::DEFAULT_COOKIE_NAME) || Some(*name) == named;
        Self {
            status,
            elsewhere,
            cached: cached(headers),
            cookies: set.map(|(name, _)| name.trim()).filter(ours).map(str::to_owned).collect(),
            has_script: body.contains("/client.js") && body.contains("data-build"),
            settings,
        }
    }
}

fn cached(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let hit = CACHE_HEADERS.into_iter().find_map(|name| {
        let value = text(name)?;
        value.to_ascii_lowercase().contains("hit").then(|| format!("{name}: {value}"))
    });
    let age = || text(AGE.as_str()).filter(|age| age.parse::<u64>().is_ok_and(|age| age > 0));
    hit.or_else(|| age().map(|age| format!("age: {age}")))
}

impl ModuleSettings {
    /// Finds the settings in a page: Nuxt writes them as a JavaScript value into a script of every page.
    pub(super) fn read(html: &str) -> Option<Self> {
        // The name stands in other places of a page, too: only an object counts that has a field of the module's.
        html.match_indices("skewProtection:{").find_map(|(at, name)| {
            let fields = fields(&html[at + name.len()..]);
            let find = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
            let text = |name: &str| find(name).and_then(string);
            find("reloadStrategy").or(find("cookie"))?;
            let cookie = match find("cookie") {
                Some("false" | "!1") => CookieSetting::Off,
                Some(object) => {
                    let inner = object.strip_prefix('{').map(self::fields).unwrap_or_default();
                    let name = inner.iter().find(|(name, _)| *name == "name").and_then(|(_, value)| string(value));
                    name.map_or(CookieSetting::Unknown, CookieSetting::Named)
                }
                None => CookieSetting::Unknown,
            };
            Some(Self {
                base_path: text("basePath"),
                cookie,
                connection_tracking: find("connectionTracking").and_then(switch),
                route_tracking: find("routeTracking").and_then(switch),
                version: text("version"),
                adapter: text("adapterName"),
            })
        })
    }
}

/// Names and values of an object of JavaScript, of which the opening brace has been read. Ends at what is no such thing.
fn fields(text: &str) -> Vec<(&str, &str)> {
    let mut fields = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once(':') {
        let name = name.trim().trim_matches(['"', '\'']);
        let Some(end) = value_end(after) else { break };
        if name.contains(['}', '{', ';', '<']) {
            break;
        }
        fields.push((name, after[..end].trim()));
        match after[end..].strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    fields
}

/// Where a value ends: at the first comma or closing bracket that is not within it.
fn value_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[' | '(') => depth += 1,
            (None, '}' | ']' | ')' | ',') if depth == 0 => return Some(at),
            (None, '}' | ']' | ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// A string's text. `\u002F` and the like are how Nuxt writes a slash.
fn string(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// A switch. What was left out is off.
fn switch(value: &str) -> Option<bool> {
    match value {
        "true" | "!0" => Some(true),
        "false" | "!1" | "void 0" | "undefined" | "null" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = r#"<script>window.__NUXT__={};window.__NUXT__.config={public:{reloadOnForce:true,skewProtection:{basePath:"\u002Fshop\u002F__skew",cookie:{path:"/",sameSite:"lax",maxAge:604800,name:"__nkpv_shop"},debug:false,connectionTracking:true,routeTracking:void 0,ipTracking:true,reloadStrategy:"prompt",multiTab:true,version:"1.3.0"},"nuxt-robots":{version:"6.2.3"}},app:{baseURL:"/shop/"}}</script>"#;

    #[test]
    fn the_modules_settings_are_read_from_a_page() {
        assert_eq!(
            ModuleSettings::read(PAGE),
            Some(ModuleSettings {
                base_path: Some("/shop/__skew".into()),
                cookie: CookieSetting::Named("__nkpv_shop".into()),
                connection_tracking: Some(true),
                route_tracking: Some(false),
                version: Some("1.3.0".into()),
                adapter: None,
            })
        );
        let off = ModuleSettings::read(r#"skewProtection:{cookie:!1,reloadStrategy:a,version:b,adapterName:"ably"}"#);
        let off = off.unwrap();
        assert_eq!((off.cookie, off.version, off.adapter.as_deref()), (CookieSetting::Off, None, Some("ably")));
    }

    #[test]
    fn a_page_without_the_module_has_no_settings() {
        for page in ["", "<html>", "skewProtection:{", "skewProtection:{versions:{a:1}}", "{skewProtection: 1}"] {
            assert_eq!(ModuleSettings::read(page), None, "{page}");
        }
    }

    #[test]
    fn cookies_of_others_are_none_of_ours() {
        let mut headers = HeaderMap::new();
        for cookie in ["session=__nkpv", "__nkpv_shop=b1; Path=/", "mine=b1"] {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        assert_eq!(Page::read(200, None, &headers, "").cookies, ["__nkpv_shop"]);
        let named = PAGE.replace("__nkpv_shop", "mine");
        assert_eq!(Page::read(200, None, &headers, &named).cookies, ["__nkpv_shop", "mine"]);
    }

    #[test]
    fn a_cache_is_known_by_its_headers() {
        let cached = |name: &'static str, value: &str| {
            cached(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
        };
        assert_eq!(cached("x-cache", "HIT from edge").as_deref(), Some("x-cache: HIT from edge"));
        assert_eq!(cached("cf-cache-status", "DYNAMIC"), None);
        assert_eq!(cached("age", "12").as_deref(), Some("age: 12"));
        assert_eq!(cached("age", "0"), None);
    }

    proptest! {
        #[test]
        fn any_page_can_be_read(before in ".{0,40}", inside in "[a-z{}\\[\\]\"':,\\\\ é]{0,80}") {
            let _ = ModuleSettings::read(&format!("{before}skewProtection:{{{inside}"));
        }
    }
}
