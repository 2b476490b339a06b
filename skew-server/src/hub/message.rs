//! A message as bytes, encoded once and shared by everybody it goes to.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use skew_proto::{ServerMessage, sse};

const SSE_HEAD: &str = "data: ";
const SSE_TAIL: &str = "\n\n";
const LINE_BREAKS: [char; 2] = ['\n', '\r'];

/// One message, held as its SSE frame; a WebSocket takes the JSON inside of the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message(Bytes);

impl Message {
    pub(crate) fn new(message: &ServerMessage) -> Self {
        Self(sse::frame(&message.encode()).into())
    }

    /// An application's own message, of any shape that is JSON.
    pub(crate) fn custom<T: Serialize + ?Sized>(message: &T) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::to_string(message)?;
        // JSON that the application has written by itself may be on many lines, and there they are white space.
        if json.contains(LINE_BREAKS) {
            json = json.replace(LINE_BREAKS, " ");
        }
        Ok(Self(sse::frame(&json).into()))
    }

    /// A message that another instance has written.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis there are no messages of others"))]
    pub(crate) fn of_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<serde::de::IgnoredAny>(json)?;
        Ok(Self(sse::frame(&json.replace(LINE_BREAKS, " ")).into()))
    }

    /// JSON on one line.
    pub(crate) fn raw(json: &str) -> Self {
        Self(sse::frame(json).into())
    }

    /// Its bytes on SSE.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn sse(&self) -> Bytes {
        self.0.clone()
    }

    pub(crate) fn json(&self) -> Bytes {
        self.0.slice(SSE_HEAD.len()..self.0.len() - SSE_TAIL.len())
    }
}

/// All stats as bytes. What differs by receiver is spliced in behind what all receivers share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    shared: Bytes,
    /// Fields for one kind of receivers, each behind a comma.
    marks: Arc<str>,
}

const STATS_HEAD: &str = r#"data: {"type":"stats","#;

impl Snapshot {
    /// `body` is a JSON object that is not empty.
    pub(crate) fn new<T: Serialize>(body: &T) -> Result<Self, serde_json::Error> {
        let mut bytes = STATS_HEAD.as_bytes().to_vec();
        let start = bytes.len();
        serde_json::to_writer(&mut bytes, body)?;
        bytes.remove(start);
        bytes.pop();
        Ok(Self { shared: bytes.into(), marks: "".into() })
    }

    /// The same with more fields, such as `,"seq":7`.
    pub(crate) fn marked(self, marks: &str) -> Self {
        Self { marks: marks.into(), ..self }
    }

    /// The bytes that all receivers share.
    pub(crate) fn len(&self) -> usize {
        self.shared.len()
    }

    /// The body again, as `GET admin/stats` answers it.
    pub(crate) fn body(&self) -> Bytes {
        [b"{", &self.shared[STATS_HEAD.len()..], b"}"].concat().into()
    }

    /// The SSE frame for one receiver, in two parts of which the first is shared.
    pub(crate) fn sse(&self, your_id: &str) -> [Bytes; 2] {
        [self.shared.clone(), (self.tail(your_id) + SSE_TAIL).into()]
    }

    /// The WebSocket text for one receiver. A text is one piece, so this copies.
    pub(crate) fn json(&self, your_id: &str) -> Bytes {
        [&self.shared[SSE_HEAD.len()..], self.tail(your_id).as_bytes()].concat().into()
    }

    /// Ids are ours and need no escaping.
    fn tail(&self, your_id: &str) -> String {
        format!(r#"{},"yourId":"{your_id}"}}"#, self.marks)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_transports_read_the_same_bytes() {
        let message = Message::custom(&json!({"type": "welcome", "text": "a\nb\rc"})).unwrap();
        assert_eq!(&message.sse()[..], b"data: {\"text\":\"a\\nb\\rc\",\"type\":\"welcome\"}\n\n");
        assert_eq!(&message.json()[..], br#"{"text":"a\nb\rc","type":"welcome"}"#);
        assert_eq!(message.sse().as_ptr_range().start as usize + 6, message.json().as_ptr() as usize);
    }

    #[test]
    fn an_applications_own_json_may_be_on_many_lines() {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str("{\n\"text\":\r\n\"a\\nb\"}").unwrap();
        let message = Message::custom(&raw).unwrap();
        assert_eq!(&message.sse()[..], b"data: { \"text\":  \"a\\nb\"}\n\n");
    }

    #[test]
    fn your_id_is_the_only_part_that_differs() {
        let snapshot = Snapshot::new(&json!({"total": 1})).unwrap();
        assert_eq!(&snapshot.body()[..], br#"{"total":1}"#);
        assert_eq!(&snapshot.json("me")[..], br#"{"type":"stats","total":1,"yourId":"me"}"#);
        let [shared, own] = snapshot.sse("me");
        assert_eq!([&shared[..], &own[..]].concat(), b"data: {\"type\":\"stats\",\"total\":1,\"yourId\":\"me\"}\n\n");
        assert_eq!(shared.as_ptr(), snapshot.sse("you")[0].as_ptr());
        let marked = snapshot.marked(r#","seq":7"#);
        assert_eq!(&marked.json("me")[..], br#"{"type":"stats","total":1,"seq":7,"yourId":"me"}"#);
    }
}
