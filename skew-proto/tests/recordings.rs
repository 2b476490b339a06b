//! Everything a real `nuxt-skew-protection` 1.3.0 server said in the recordings, on SSE and on WebSocket.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use skew_proto::{ClientMessage, InvalidateAnswer, ServerMessage, Stats, sse};

#[derive(serde::Deserialize)]
struct Line {
    conn: String,
    dir: String,
    data: String,
}

fn lines(recording: &str) -> Vec<Line> {
    recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn last_stats(messages: &[ServerMessage]) -> &Stats {
    let stats = messages.iter().rev().find_map(|message| match message {
        ServerMessage::Stats(stats) => Some(stats.as_ref()),
        _ => None,
    });
    stats.expect("the recording holds stats")
}

/// Our types write what they read, field for field.
fn assert_same_json(text: &str, message: &ServerMessage) {
    let read: serde_json::Value = serde_json::from_str(text).unwrap();
    let written: serde_json::Value = serde_json::from_str(&message.encode()).unwrap();
    assert_eq!(read, written);
}

#[test]
fn the_sse_recording_decodes_whole_and_without_damage() {
    let mut decoder = sse::Decoder::new(1 << 20);
    let mut events = Vec::new();
    for line in lines(include_str!("vectors/nuxt-sse.jsonl")) {
        match line.dir.as_str() {
            "bytes" if line.conn == "admin" => decoder.push(line.data.as_bytes(), &mut events).unwrap(),
            "answer 200" if line.conn == "ops" => {
                let answer: InvalidateAnswer = serde_json::from_str(&line.data).unwrap();
                assert_eq!((answer.ok, answer.route.as_str()), (true, "/check"));
            }
            _ => {}
        }
    }
    let messages: Vec<_> = events.iter().map(|event| ServerMessage::decode(&event.data).unwrap()).collect();
    for (event, message) in events.iter().zip(&messages) {
        assert!(!matches!(message, ServerMessage::Other(_)), "{message:?}");
        assert_same_json(&event.data, message);
    }
    let kinds: Vec<_> = messages.iter().map(ServerMessage::kind).collect();
    assert_eq!(kinds[..3], ["connected", "stats-unauthorized", "stats"]);
    let stats = last_stats(&messages);
    assert!(stats.damage.is_empty());
    assert_eq!((stats.total, stats.routes["/admin"]), (1, 1));
    assert_eq!(stats.your_id.as_ref(), Some(&stats.connections[0].id));
}

#[test]
fn the_websocket_recording_decodes_both_ways() {
    let mut messages = Vec::new();
    for line in lines(include_str!("vectors/nuxt-ws.jsonl")) {
        match line.dir.as_str() {
            "text" => {
                let message = ServerMessage::decode(&line.data).unwrap();
                assert_same_json(&line.data, &message);
                messages.push(message);
            }
            "sent" if line.data == "{not json" => assert!(ClientMessage::decode(&line.data).is_err()),
            "sent" => assert_ne!(ClientMessage::decode(&line.data).unwrap(), ClientMessage::Other),
            _ => {}
        }
    }
    assert!(messages.iter().any(|message| matches!(message, ServerMessage::Version(version) if version.force)));
    assert!(last_stats(&messages).damage.is_empty());
}
