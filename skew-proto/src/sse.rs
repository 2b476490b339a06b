//! Server-sent events as bytes: writing one message, and reading a stream however it is split.
//!
//! Follows the HTML standard's event stream: lines end with `\r`, `\n` or `\r\n`, a byte order mark may come first, an
//! event ends at an empty line, and an unfinished event at the end of the stream is dropped.

/// One JSON message as the bytes of an event. `json` must hold no line breaks, as JSON written in one line does.
#[must_use]
pub fn frame(json: &str) -> String {
    debug_assert!(!json.contains(['\n', '\r']), "a line break would end the event early");
    format!("data: {json}\n\n")
}

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event` field, empty where there was none.
    pub name: String,
    /// The `data` lines, joined by newlines.
    pub data: String,
    /// The last `id` seen on the stream.
    pub id: String,
}

/// A line or an event grew over the limit. The decoder can't go on: its stream must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {limit} bytes")]
pub struct TooLarge {
    /// The limit that was given to [`Decoder::new`], in bytes.
    pub limit: usize,
}

/// Reads events from bytes that arrive in any pieces.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: Vec<u8>,
    event: Event,
    data_lines: usize,
    retry_ms: Option<u64>,
    after_cr: bool,
    first_line: bool,
}

impl Decoder {
    /// A decoder that holds at most `limit` bytes of an event.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            event: Event::default(),
            data_lines: 0,
            retry_ms: None,
            after_cr: false,
            first_line: true,
        }
    }

    /// The last `retry` field seen, in milliseconds.
    #[must_use]
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next bytes and appends the events that they complete to `events`.
    ///
    /// # Errors
    ///
    /// When an event outgrows the limit.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), TooLarge> {
        let mut rest = bytes;
        if std::mem::take(&mut self.after_cr) && rest.first() == Some(&b'\n') {
            rest = &rest[1..];
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            self.extend_line(&rest[..end])?;
            let after = match (rest[end], rest.get(end + 1)) {
                (b'\r', Some(b'\n')) => end + 2,
                (b'\r', None) => {
                    self.after_cr = true;
                    end + 1
                }
                _ => end + 1,
            };
            rest = &rest[after..];
            self.end_line(events);
        }
        self.extend_line(rest)
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + self.event.data.len() + bytes.len() > self.limit {
            return Err(TooLarge { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) {
        let line = std::mem::take(&mut self.line);
        let mut bytes = line.as_slice();
        if std::mem::take(&mut self.first_line) {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        if text.is_empty() {
            self.dispatch(events);
        } else {
            let (field, value) = text.split_once(':').unwrap_or((&text, ""));
            self.field(field, value.strip_prefix(' ').unwrap_or(value));
        }
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, field: &str, value: &str) {
        match field {
            "data" => {
                if self.data_lines > 0 {
                    self.event.data.push('\n');
                }
                self.data_lines += 1;
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            "id" if !value.contains('\0') => value.clone_into(&mut self.event.id),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok().or(self.retry_ms);
            }
            // Comments (an empty field name) and unknown fields are ignored, as the standard has it.
            _ => {}
        }
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let id = self.event.id.clone();
        let event = std::mem::replace(&mut self.event, Event { id, ..Event::default() });
        if std::mem::take(&mut self.data_lines) > 0 {
            events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::new(1 << 20);
        let mut events = Vec::new();
        for piece in pieces {
            decoder.push(piece, &mut events).unwrap();
        }
        events
    }

    fn data(events: &[Event]) -> Vec<&str> {
        events.iter().map(|event| event.data.as_str()).collect()
    }

    #[test]
    fn what_is_framed_is_read_back() {
        let bytes = frame(r#"{"type":"pong"}"#) + &frame("{}");
        assert_eq!(data(&decode(&[bytes.as_bytes()])), [r#"{"type":"pong"}"#, "{}"]);
    }

    #[test]
    fn all_line_ends_and_fields_of_the_standard_are_read() {
        let stream = b"\xef\xbb\xbfevent: a\rid: 7\r\ndata: x\ndata:y\r\rretry: 50\n: note\ndata\n\ndata: unfinished\n";
        let events = decode(&[stream]);
        assert_eq!(events[0], Event { name: "a".into(), data: "x\ny".into(), id: "7".into() });
        assert_eq!(events[1], Event { name: String::new(), data: String::new(), id: "7".into() });
        assert_eq!(events.len(), 2);
    }

    #[test]
    fn an_endless_line_is_cut_off() {
        let mut decoder = Decoder::new(100);
        let mut events = Vec::new();
        decoder.push(&[b'x'; 100], &mut events).unwrap();
        assert_eq!(decoder.push(b"x", &mut events), Err(TooLarge { limit: 100 }));
    }

    #[test]
    fn endless_data_lines_are_cut_off() {
        let mut decoder = Decoder::new(100);
        let mut events = Vec::new();
        let refused = (0..100).find_map(|_| decoder.push(b"data: 0123456789\n", &mut events).err());
        assert_eq!(refused, Some(TooLarge { limit: 100 }));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            parts in prop::collection::vec(prop_oneof![
                Just("data: a\u{e9}\u{6771}"), Just("data"), Just("\n"), Just("\r"), Just("\r\n"), Just("\u{feff}"),
                Just("id: 1"), Just(": c"), Just("event: e"), Just("retry: 9"), Just("x"),
            ], 0..40),
            cuts in prop::collection::vec(0usize..400, 0..12),
        ) {
            let stream = parts.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&pieces), decode(&[&stream]));
        }
    }
}
