//! What two servers say, without what must differ: ids, times, and what is documented as added by ours.

use serde_json::{Map, Value, json};
use skew_tests::site::Peer;

/// Fields that `skew-server` adds to messages, by their type. docs/protocol.md has the same list.
pub(crate) const OURS_ADDS: [(&str, &[&str]); 3] = [
    ("connected", &["server"]),
    ("version", &["timestamp"]),
    ("stats", &["users", "anonymous", "current", "releasedAt", "releases"]),
];

/// Fields that `skew-server` adds to the answer of the invalidation recipe.
const OURS_ADDS_TO_ANSWERS: [&str; 3] = ["match", "matched", "routes"];

/// Fields of a stock server's error that ours does not copy. What the `message` says is each one's own.
const OF_STOCK_ERRORS: [&str; 4] = ["url", "statusMessage", "data", "message"];

/// A message with its ids as places in the list of connections and without times.
pub(crate) fn message(peer: Peer, mut message: Value) -> Value {
    numbered(&mut message);
    let kind = message["type"].as_str().expect("every message has a type").to_owned();
    let fields = message.as_object_mut().expect("a message is an object");
    if let Some(time) = fields.remove("timestamp") {
        assert!(time.is_u64(), "{kind}: {time}");
        // The app of the tests adds it to its invalidations, too.
        if kind != "version" {
            fields.insert("timestamp".into(), json!("a time"));
        }
    }
    for extra in OURS_ADDS.iter().filter(|(of, _)| *of == kind).flat_map(|(_, fields)| *fields) {
        let found = fields.remove(*extra).is_some();
        assert!(!found || peer == Peer::Ours, "the stock server has {extra}, too");
    }
    if let Some(id) = fields.get_mut("connectionId") {
        let text = id.as_str().expect("an id is a text");
        assert!(text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]), "{text} is a UUID");
        *id = json!("a UUID");
    }
    message
}

/// An answer to a request: the status, and the body without times and wording.
pub(crate) fn answer(peer: Peer, (status, mut body): (u16, Value)) -> Value {
    numbered(&mut body);
    if let Some(fields) = body.as_object_mut() {
        let error = fields.contains_key("error");
        match peer {
            Peer::Stock if error => remove(fields, &OF_STOCK_ERRORS),
            Peer::Ours if error => remove(fields, &["message"]),
            Peer::Ours if fields.contains_key("matched") => remove(fields, &OURS_ADDS_TO_ANSWERS),
            Peer::Ours => remove(fields, OURS_ADDS[2].1),
            Peer::Stock => {}
        }
        if let Some(uptime) = fields.get_mut("uptime") {
            assert!(uptime.is_u64(), "{uptime}");
            *uptime = json!("a time");
        }
    }
    json!([status, body])
}

fn remove(fields: &mut Map<String, Value>, names: &[&str]) {
    fields.retain(|name, _| !names.contains(&name.as_str()));
}

/// Ids become places in the list.
fn numbered(body: &mut Value) {
    let Some(list) = body["connections"].as_array().cloned() else { return };
    let place = |id: &Value| json!(list.iter().position(|entry| entry["id"] == *id).expect("the id is in the list"));
    if let Some(your_id) = body.get("yourId").cloned() {
        body["yourId"] = place(&your_id);
    }
    for entry in body["connections"].as_array_mut().into_iter().flatten() {
        entry["id"] = place(&entry["id"]);
    }
}

/// What one server said in a script, line by line.
pub(crate) struct Transcript {
    pub(crate) peer: Peer,
    pub(crate) lines: Vec<String>,
}

impl Transcript {
    pub(crate) fn of(peer: Peer) -> Self {
        Self { peer, lines: Vec::new() }
    }

    /// A message that somebody heard.
    pub(crate) fn heard(&mut self, who: &str, heard: Value) {
        self.lines.push(format!("{who}: {}", message(self.peer, heard)));
    }

    /// An answer that somebody got.
    pub(crate) fn answered(&mut self, what: &str, got: (u16, Value)) {
        self.lines.push(format!("{what}: {}", answer(self.peer, got)));
    }
}

/// Holds that both servers said the same.
pub(crate) fn assert_same(stock: &Transcript, ours: &Transcript) {
    for (at, (stock, ours)) in stock.lines.iter().zip(&ours.lines).enumerate() {
        assert_eq!(stock, ours, "line {at}");
    }
    assert_eq!(stock.lines.len(), ours.lines.len());
}
