//! Canned stories of a site, told to the real state: what the snapshots and the README's picture show.

use skew_proto::{Release, Releases};
use skew_tui::action::Access;
use skew_tui::feed::Happening;
use skew_tui::state::site::Watchers;
use skew_tui::state::{Event, Setup, State};
use skew_tui::{Now, SourceEvent, Transport};

/// 2026-11-22 10:00:00 UTC.
pub(crate) const BEGIN_MS: u64 = 1_795_341_600_000;
pub(crate) const MINUTE_MS: u64 = 60_000;

/// A moment, so many milliseconds after the program began.
pub(crate) fn at(ms: u64) -> Now {
    Now { monotonic_ms: ms, unix_ms: BEGIN_MS + ms }
}

/// A state that knows nothing yet.
pub(crate) fn begin() -> State {
    with_access(Access::Full)
}

pub(crate) fn with_access(access: Access) -> State {
    let label = "shop.example.com".to_owned();
    let targets = vec![label.clone()];
    State::new(Setup { label, targets, access, watchers: Watchers::LeftOut, ..Setup::default() }, at(0))
}

/// Tells a state what a source says, all at one moment.
pub(crate) fn tell(state: &mut State, ms: u64, events: impl IntoIterator<Item = SourceEvent>) {
    let happenings = events.into_iter().map(|event| Happening { from: 0, event, at: at(ms) }).collect();
    state.update(Event::Happened(happenings), at(ms));
}

pub(crate) fn frame(json: &serde_json::Value) -> SourceEvent {
    SourceEvent::Frame(json.to_string())
}

/// The stream is open and stats were asked for.
pub(crate) fn connected(state: &mut State) {
    connected_at(state, 10, "8f3a2c1d");
}

/// The same at another moment, of a server with such a build.
pub(crate) fn connected_at(state: &mut State, ms: u64, current: &str) {
    tell(state, ms, [SourceEvent::Connecting(Transport::Sse)]);
    let hello = serde_json::json!({"type": "connected", "version": current, "connectionId": "its-own"});
    tell(state, ms + 30, [SourceEvent::Open(Transport::Sse), frame(&hello), SourceEvent::Subscribed]);
}

/// The same with `skew-server`, which says who it is.
pub(crate) fn connected_to_ours(state: &mut State) {
    tell(state, 10, [SourceEvent::Connecting(Transport::Sse)]);
    let hello = serde_json::json!({
        "type": "connected", "version": "8f3a2c1d", "connectionId": "its-own",
        "server": {"name": "skew-server", "version": "0.1.0"},
    });
    tell(state, 40, [SourceEvent::Open(Transport::Sse), frame(&hello), SourceEvent::Subscribed]);
}

/// The site's release list.
pub(crate) fn releases() -> SourceEvent {
    let ages_min = [("8f3a2c1d", 14), ("5b90aa01", 2 * 24 * 60), ("c41d77e9", 9 * 24 * 60)];
    let release = |(version, age): (&str, u64)| Release {
        version: version.to_owned(),
        released_at: Some(BEGIN_MS - age * MINUTE_MS - 1_000),
    };
    SourceEvent::Releases(Releases {
        current: Some("8f3a2c1d".to_owned()),
        releases: ages_min.into_iter().map(release).collect(),
    })
}

/// One group of visitors: route, build, how many.
type Group<'a> = (&'a str, &'a str, usize);

/// A shop in the middle of a rollout.
pub(crate) const ROLLOUT: &[Group<'static>] = &[
    ("/", "8f3a2c1d", 374),
    ("/", "5b90aa01", 38),
    ("/products", "8f3a2c1d", 250),
    ("/products", "5b90aa01", 51),
    ("/products/espresso-machine", "8f3a2c1d", 160),
    ("/products/espresso-machine", "5b90aa01", 22),
    ("/products/espresso-machine", "c41d77e9", 6),
    ("/checkout", "8f3a2c1d", 120),
    ("/checkout", "5b90aa01", 14),
    ("/checkout/pay", "8f3a2c1d", 88),
    ("/checkout/pay", "5b90aa01", 9),
    ("/checkout-help", "8f3a2c1d", 41),
    ("/cart", "8f3a2c1d", 78),
    ("/cart", "5b90aa01", 11),
    ("/account/orders", "8f3a2c1d", 24),
    ("/account/orders", "c41d77e9", 8),
    ("/blog/how-we-roast", "8f3a2c1d", 12),
    ("/blog/how-we-roast", "c41d77e9", 12),
];

/// A `stats` message of groups of visitors, one's own connection and another `skew-tui`.
pub(crate) fn stats(groups: &[Group<'_>]) -> SourceEvent {
    let mut rest: Vec<Group<'_>> = groups.to_vec();
    let mut people = Vec::new();
    // In turns, so that the list looks as if people came as they like.
    while rest.iter().any(|(.., left)| *left > 0) {
        for (route, version, left) in rest.iter_mut().filter(|(.., left)| *left > 0) {
            *left -= 1;
            people.push((route.to_string(), version.to_string()));
        }
    }
    let mut versions = std::collections::BTreeMap::new();
    let mut routes = std::collections::BTreeMap::new();
    let watchers = ["2f9c31aa-you", "90b1d2c3-other"];
    let mut connections = Vec::new();
    for (at, (route, version)) in people.into_iter().enumerate() {
        let scrambled = (at as u32 + 7).wrapping_mul(2_654_435_761);
        connections.push(serde_json::json!({
            "id": format!("{scrambled:08x}-0000-4000-8000-{at:012}"), "version": version, "route": route,
            "ip": format!("203.0.113.{}", scrambled % 254 + 1),
        }));
        *versions.entry(version).or_insert(0u64) += 1;
        *routes.entry(route).or_insert(0u64) += 1;
    }
    for id in watchers {
        connections.insert(
            connections.len().min(3),
            serde_json::json!({"id": id, "version": "8f3a2c1d", "route": "/__skew/tui", "ip": "198.51.100.7"}),
        );
        *versions.entry("8f3a2c1d".to_owned()).or_default() += 1;
        *routes.entry("/__skew/tui".to_owned()).or_default() += 1;
    }
    frame(&serde_json::json!({
        "type": "stats", "total": connections.len(), "versions": versions, "routes": routes,
        "connections": connections, "yourId": watchers[0],
    }))
}

/// Live, in the middle of a rollout.
pub(crate) fn live() -> State {
    let mut state = begin();
    connected(&mut state);
    tell(&mut state, 60, [stats(ROLLOUT), releases()]);
    state
}

/// The same on `skew-server`.
pub(crate) fn live_on_ours() -> State {
    let mut state = begin();
    connected_to_ours(&mut state);
    tell(&mut state, 60, [stats(ROLLOUT), releases()]);
    state
}

/// The first try is under way.
pub(crate) fn connecting() -> State {
    let mut state = begin();
    tell(&mut state, 10, [SourceEvent::Connecting(Transport::Sse)]);
    state
}

fn lost() -> SourceEvent {
    SourceEvent::Lost { reason: "connection refused".to_owned(), retry_ms: 2_600 }
}

/// The site was never reached.
pub(crate) fn unreachable() -> State {
    let mut state = connecting();
    tell(&mut state, 30, [lost()]);
    state
}

/// The connection was lost after a minute, and the old figures stay.
pub(crate) fn reconnecting() -> State {
    let mut state = live();
    tell(&mut state, 72_000, [lost()]);
    state
}

/// The server's hook refused.
pub(crate) fn refused() -> State {
    let mut state = begin();
    connected(&mut state);
    tell(&mut state, 60, [frame(&serde_json::json!({"type": "stats-unauthorized"}))]);
    state
}

/// The server answered 401.
pub(crate) fn refused_by_status() -> State {
    let mut state = connecting();
    tell(&mut state, 60, [SourceEvent::Refused { status: 401, reason: "GET /__skew/sse: Unauthorized".to_owned() }]);
    state
}

/// Stats were asked for, and nothing came for so long that it means something.
pub(crate) fn silent() -> State {
    let mut state = begin();
    connected(&mut state);
    state.update(Event::Tick, at(5_040));
    state
}

/// Only `skew-tui`s are connected.
pub(crate) fn nobody() -> State {
    let mut state = begin();
    connected(&mut state);
    tell(&mut state, 60, [stats(&[])]);
    state
}

/// Route tracking is off.
pub(crate) fn everybody_at_the_root() -> State {
    let mut state = begin();
    connected(&mut state);
    tell(&mut state, 60, [stats(&[("/", "8f3a2c1d", 40), ("/", "5b90aa01", 3)]), releases()]);
    state
}

/// Visitors sent what would harm a terminal.
pub(crate) fn hostile() -> State {
    let mut state = begin();
    connected(&mut state);
    let groups = [
        ("/\u{1b}[2J\u{1b}]0;owned\u{7}", "8f3a2c1d", 3),
        ("/\u{202e}gnp.exe\u{200b}", "\u{9b}31m", 2),
        ("/größe/東京/🦀", "8f3a2c1d", 4),
        ("/e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}", "8f3a2c1d", 1),
        ("/\r\n\u{7f}newline", "v\u{feff}1", 1),
    ];
    tell(&mut state, 60, [stats(&groups), frame(&serde_json::json!({"type": "\u{1b}[31mapp\u{202e}"}))]);
    let lost = SourceEvent::Lost { reason: "\u{1b}]52;c;AAAA\u{7} reset".to_owned(), retry_ms: 900 };
    tell(&mut state, 70, [lost]);
    state
}

/// A poller sees no connection of its own.
pub(crate) fn polled() -> State {
    let mut state = begin();
    tell(&mut state, 10, [SourceEvent::Connecting(Transport::Poll), SourceEvent::Open(Transport::Poll)]);
    let stats = serde_json::json!({
        "type": "stats", "total": 3, "versions": {"8f3a2c1d": 2, "5b90aa01": 1}, "routes": {"/": 1, "/cart": 2},
        "connections": [
            {"id": "aaaaaaaa-1", "version": "8f3a2c1d", "route": "/"},
            {"id": "bbbbbbbb-2", "version": "8f3a2c1d", "route": "/cart"},
            {"id": "cccccccc-3", "version": "5b90aa01", "route": "/cart"},
        ],
    });
    tell(&mut state, 60, [frame(&stats), releases()]);
    state
}

/// The stats of [`stats`], of a `skew-server` that is two instances and knows who most of the visitors are: each has a tab and every
/// third one another.
pub(crate) fn stats_of_people(groups: &[Group<'_>], second: &str) -> SourceEvent {
    let SourceEvent::Frame(text) = stats(groups) else { unreachable!("stats are a frame") };
    let mut stats: serde_json::Value = serde_json::from_str(&text).expect("stats are JSON");
    let (mut users, mut anonymous) = (std::collections::BTreeSet::new(), 0u64);
    let mut instances = [
        ("web-1", "8f3a2c1d", 95, 0, std::collections::BTreeSet::new()),
        ("web-2", "5b90aa01", 4, 0, std::collections::BTreeSet::new()),
    ];
    let all = stats["connections"].as_array_mut().expect("a list");
    for (at, connection) in all.iter_mut().enumerate() {
        let instance = &mut instances[usize::from(at % 5 == 3)];
        connection["instance"] = instance.0.into();
        instance.3 += 1;
        if connection["route"] == "/__skew/tui" || at % 11 == 5 {
            anonymous += 1;
            continue;
        }
        let user = format!("u{:04}", if at % 4 == 3 { at / 2 } else { at });
        connection["user"] = user.clone().into();
        instance.4.insert(user.clone());
        users.insert(user);
    }
    stats["users"] = users.len().into();
    stats["anonymous"] = anonymous.into();
    stats["instances"] = (instances.iter())
        .map(|(name, build, age_min, connections, users)| {
            let mut one = serde_json::json!({"name": name, "epoch": BEGIN_MS - age_min * MINUTE_MS, "build": build, "server": "0.1.0",
                "connections": connections, "users": users.len(), "state": "live"});
            if *name == "web-2" && second != "live" {
                one["state"] = second.into();
                one["since"] = (BEGIN_MS - 12_000).into();
            }
            one
        })
        .collect();
    if second != "live" {
        stats["partial"] = serde_json::json!({"instances": ["web-2"], "since": BEGIN_MS - 12_000});
    }
    frame(&stats)
}

/// Live on a `skew-server` of two instances, of which the second is as told.
pub(crate) fn live_with_people(second: &str) -> State {
    let mut state = begin();
    connected_to_ours(&mut state);
    tell(&mut state, 60, [stats_of_people(ROLLOUT, second), releases()]);
    state
}
