//! Texts: what tabs and servers say, sessions, and the bytes of a stream.

use serde_json::Value;
use skew_proto::sse::{self, Decoder, Event};
use skew_proto::{
    ClientMessage, InvalidateRequest, ReleaseRequest, RouteBody, RoutePattern, ServerMessage, StatsChanges,
    SubscribeBody, Subscription, Text,
};

use crate::auth::seal::{self, Stretch};

/// A text that a tab sends on a WebSocket.
pub fn client_messages(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let decoded = ClientMessage::decode(text);
    if let Ok(Value::Object(object)) = serde_json::from_str(text) {
        let ping = matches!(decoded, Ok(ClientMessage::Ping));
        assert!(!ping || object.get("type").is_some_and(|kind| kind == "ping"), "{text:?} is no ping");
    } else {
        assert!(matches!(decoded, Ok(ClientMessage::Ping) | Err(_)) || text.trim_start().starts_with('{'), "{text:?}");
    }
    match decoded {
        Ok(ClientMessage::RouteUpdate(update)) => {
            let Some(Text::Whole(route)) = update.route.clone() else { return };
            let again = ClientMessage::decode(&ClientMessage::route_update(&route)).expect("what is written is read");
            assert_eq!(again, ClientMessage::RouteUpdate(update));
            assert_path(&route);
        }
        Ok(ClientMessage::SubscribeStats(request)) => {
            let again = ClientMessage::decode(&ClientMessage::subscribe_stats(&request));
            let Ok(ClientMessage::SubscribeStats(again)) = again else { panic!("what is written is read: {again:?}") };
            let subscription = Subscription::read(&request.extra);
            // Not the fields themselves: of a huge number the last digit may differ.
            assert_eq!(Subscription::read(&again.extra), subscription);
            assert_eq!(Subscription::read(&subscription.fields()), subscription);
        }
        Ok(ClientMessage::Ping | ClientMessage::Other) | Err(_) => {}
    }
}

fn assert_path(route: &str) {
    if let Ok(path) = super::path(route) {
        assert!(route.starts_with(path) && path.starts_with('/') && !path.contains(['?', '#']), "{route:?}");
        super::assert_route(path);
    }
}

/// The body of a POST, of every endpoint.
pub fn bodies(data: &[u8]) {
    if let Ok(body) = serde_json::from_slice::<RouteBody>(data)
        && let Some(Text::Whole(route)) = body.route
    {
        assert_path(&route);
    }
    if let Ok(body) = serde_json::from_slice::<SubscribeBody>(data) {
        let again = serde_json::to_vec(&body).expect("it was read");
        let again: SubscribeBody = serde_json::from_slice(&again).expect("what is written is read");
        assert_eq!(again.connection_id, body.connection_id);
        assert_eq!(Subscription::read(&again.extra), Subscription::read(&body.extra));
    }
    if let Ok(request) = serde_json::from_slice::<InvalidateRequest>(data)
        && let Ok(pattern) = RoutePattern::new(request.kind.unwrap_or_default(), &request.route)
    {
        // A pattern of any kind is matched in time that grows with the route alone.
        let _ = pattern.matches("/checkout/a/b/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
        assert!(!request.route.is_empty() && request.route.len() <= skew_proto::wire::MAX_ROUTE_BYTES);
    }
    if let Ok(request) = serde_json::from_slice::<ReleaseRequest>(data)
        && crate::config::is_version(&request.version)
    {
        super::assert_version(&request.version);
    }
}

/// A sealed session: no text opens but the ones that the application has sealed.
pub fn seals(data: &[u8]) {
    const PASSWORD: &[u8] = b"an-example-password-of-32-chars-or-more";
    const NOW_MS: u64 = 1_795_325_225_073;
    let Ok(text) = std::str::from_utf8(data) else { return };
    if [Stretch::Once, Stretch::Long].iter().any(|stretch| seal::open(text, PASSWORD, *stretch, NOW_MS).is_ok()) {
        let vectors = include_str!("../../tests/vectors/nuxt-session.json");
        assert!(vectors.contains(&format!("\"sealed\": \"{text}\"")), "{text:?} opens");
    }
}

/// A stream of events, the first byte of which says where it is split.
pub fn events(data: &[u8]) {
    let Some((split, stream)) = data.split_first() else { return };
    for limit in [64, 1 << 20] {
        let whole = read(limit, &[stream]);
        let size = usize::from(*split % 16) + 1;
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(read(limit, &pieces), whole, "split into pieces of {size}");
        let (first, second) = stream.split_at(usize::from(*split).min(stream.len()));
        assert_eq!(read(limit, &[first, second]), whole, "split at {split}");
        assert!(whole.0.iter().all(|event| event.data.len() <= limit * 3 && event.id.len() <= limit * 3));
    }
    if let Ok(text) = std::str::from_utf8(stream)
        && !text.contains(['\r', '\n'])
    {
        let framed = sse::frame(text);
        let (events, error, _) = read(1 << 20, &[framed.as_bytes()]);
        let data: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
        assert_eq!((data, error), (vec![text], None), "what is framed is read");
    }
}

fn read(limit: usize, pieces: &[&[u8]]) -> (Vec<Event>, Option<sse::TooLarge>, Option<u64>) {
    let (mut decoder, mut events) = (Decoder::new(limit), Vec::new());
    let error = pieces.iter().find_map(|piece| decoder.push(piece, &mut events).err());
    (events, error, decoder.retry_ms())
}

/// A text that a server sends to `skew-tui`.
pub fn server_messages(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(message) = ServerMessage::decode(text) else { return };
    let encoded = message.encode();
    assert!(!encoded.contains(['\n', '\r']), "an event's line ends early: {encoded:?}");
    let again = ServerMessage::decode(&encoded).expect("what is written is read");
    assert_eq!(again.kind(), message.kind());
    let ServerMessage::Stats(stats) = message else { return };
    let Some(seq) = stats.seq().unwrap_or_default().checked_add(1) else { return };
    // Everybody leaves.
    let mut changed = stats.clone();
    let changes = StatsChanges {
        since: 0,
        seq,
        closed: stats.connections.iter().map(|connection| connection.id.clone()).collect(),
        ..StatsChanges::default()
    };
    changed.apply(changes).expect("there is no gap");
    assert!(changed.connections.is_empty());
}
