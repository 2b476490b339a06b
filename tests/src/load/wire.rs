//! What a server says on one stream, read from bytes that come in any pieces: the answer's head, then events or frames.

use std::fmt;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// Server-sent events.
    Sse,
    /// WebSocket.
    Ws,
}

/// One thing that was said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// The head of the answer, with its status.
    Answer(u16),
    /// A message.
    Text(&'a str),
    /// A WebSocket ping, which wants its payload back.
    Ping(&'a [u8]),
    /// The end of a WebSocket or of a chunked answer.
    End,
}

/// Bytes that are neither HTTP nor WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonsense(&'static str);

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server wrote {}", self.0)
    }
}

impl std::error::Error for Nonsense {}

/// A decoder of one stream. It holds no buffer while nothing is half there.
#[derive(Debug)]
pub struct Wire {
    transport: Transport,
    stage: Stage,
    /// What came of a head or a chunk's size line.
    line: Vec<u8>,
    /// What came of a message.
    message: Vec<u8>,
    /// How much of it was searched for its end.
    searched: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    /// A body that is as long as its connection.
    Whole,
    /// In front of a chunk of a chunked body.
    ChunkSize,
    /// In a chunk with so many bytes left, the line break behind it included.
    Chunk(usize),
}

impl Wire {
    /// How messages travel here.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// A decoder of an answer that has not begun.
    pub fn new(transport: Transport) -> Self {
        Self { transport, stage: Stage::Head, line: Vec::new(), message: Vec::new(), searched: 0 }
    }

    /// A decoder of the body of an answer whose head was read elsewhere.
    pub fn of_body(transport: Transport) -> Self {
        Self { stage: Stage::Whole, ..Self::new(transport) }
    }

    /// Whether the head of the answer was read.
    pub fn is_answered(&self) -> bool {
        self.stage != Stage::Head
    }

    /// Takes the next bytes, and tells `hear` what they complete.
    ///
    /// # Errors
    ///
    /// When the bytes are none that a server should send.
    pub fn read(&mut self, bytes: &[u8], hear: &mut dyn FnMut(Said<'_>)) -> Result<(), Nonsense> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.stage {
                Stage::Head => rest = self.head(rest, hear)?,
                Stage::Whole => return self.body(rest, hear),
                Stage::ChunkSize => {
                    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                        self.line.extend_from_slice(rest);
                        return Ok(());
                    };
                    self.line.extend_from_slice(&rest[..end]);
                    rest = &rest[end + 1..];
                    let text = std::str::from_utf8(&self.line).map_err(|_| Nonsense("a chunk without a size"))?;
                    let size =
                        usize::from_str_radix(text.trim(), 16).map_err(|_| Nonsense("a chunk without a size"))?;
                    self.line = Vec::new();
                    if size == 0 {
                        hear(Said::End);
                    }
                    self.stage = Stage::Chunk(size + 2);
                }
                Stage::Chunk(left) => {
                    // The last two bytes are the line break behind the chunk.
                    let data = left.saturating_sub(2).min(rest.len());
                    if data > 0 {
                        self.body(&rest[..data], hear)?;
                    }
                    let taken = left.min(rest.len());
                    rest = &rest[taken..];
                    self.stage = if taken == left { Stage::ChunkSize } else { Stage::Chunk(left - taken) };
                }
            }
        }
        Ok(())
    }

    fn head<'a>(&mut self, bytes: &'a [u8], hear: &mut dyn FnMut(Said<'_>)) -> Result<&'a [u8], Nonsense> {
        let before = self.line.len();
        self.line.extend_from_slice(bytes);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut answer = httparse::Response::new(&mut headers);
        match answer.parse(&self.line) {
            Ok(httparse::Status::Complete(length)) => {
                let chunked = answer.headers.iter().any(|header| {
                    header.name.eq_ignore_ascii_case("transfer-encoding") && header.value.ends_with(b"chunked")
                });
                hear(Said::Answer(answer.code.unwrap_or(0)));
                self.stage = if chunked { Stage::ChunkSize } else { Stage::Whole };
                self.line = Vec::new();
                Ok(&bytes[length - before..])
            }
            Ok(httparse::Status::Partial) => Ok(&[]),
            Err(_) => Err(Nonsense("no head of an answer")),
        }
    }

    fn body(&mut self, bytes: &[u8], hear: &mut dyn FnMut(Said<'_>)) -> Result<(), Nonsense> {
        self.message.extend_from_slice(bytes);
        let message = std::mem::take(&mut self.message);
        let rest = match self.transport {
            Transport::Sse => events(&message, &mut self.searched, hear)?,
            Transport::Ws => frames(&message, hear)?,
        };
        if rest == message.len() {
            return Ok(());
        }
        self.message = message;
        self.message.drain(..rest);
        Ok(())
    }
}

/// Tells the events that are whole, and answers how many bytes they took.
fn events(bytes: &[u8], searched: &mut usize, hear: &mut dyn FnMut(Said<'_>)) -> Result<usize, Nonsense> {
    let mut start = 0;
    let mut from = std::mem::take(searched);
    while let Some(end) = empty_line(bytes, from) {
        for line in bytes[start..end].split(|byte| *byte == b'\n') {
            if let Some(data) = line.strip_prefix(b"data: ") {
                hear(Said::Text(std::str::from_utf8(data).map_err(|_| Nonsense("an event that is not UTF-8"))?));
            }
        }
        start = end + 2;
        from = start;
    }
    // The last byte may be the first of the end.
    *searched = (bytes.len() - start).saturating_sub(1);
    Ok(start)
}

/// Where the next two line breaks are. An event of megabytes has no line break inside, so this goes from one to the next.
fn empty_line(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        // Of the standard library, and so fast also where this is not optimized.
        at += (&bytes[at..]).skip_until(b'\n').unwrap_or(0);
        match bytes.get(at) {
            Some(b'\n') if at > from && bytes[at - 1] == b'\n' => return Some(at - 1),
            Some(_) => {}
            None => return None,
        }
    }
}

/// Tells the frames that are whole, and answers how many bytes they took.
fn frames(bytes: &[u8], hear: &mut dyn FnMut(Said<'_>)) -> Result<usize, Nonsense> {
    let mut start = 0;
    while let [first, second, rest @ ..] = &bytes[start..] {
        let (extended, length) = match (second & 0x7f, rest) {
            (126, [a, b, ..]) => (2, usize::from(u16::from_be_bytes([*a, *b]))),
            (127, [_, _, _, _, a, b, c, d, ..]) => (8, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
            (126 | 127, _) => break,
            (length, _) => (0, usize::from(length)),
        };
        let Some(payload) = rest.get(extended..extended + length) else { break };
        match first {
            0x81 => hear(Said::Text(std::str::from_utf8(payload).map_err(|_| Nonsense("a text that is not UTF-8"))?)),
            0x88 => hear(Said::End),
            0x89 => hear(Said::Ping(payload)),
            0x8a => {}
            _ => return Err(Nonsense("a frame that no server of ours has")),
        }
        start += 2 + extended + length;
    }
    Ok(start)
}

/// A client's frame. Its mask is zero, so that the payload goes as it is.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            let length = u16::try_from(length).expect("a client's messages are short");
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// A client's text message.
pub fn text(message: &str) -> Vec<u8> {
    frame(1, message.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard when the bytes come so many at a time.
    fn heard(transport: Transport, bytes: &[u8], pieces: usize) -> Vec<String> {
        let (mut wire, mut heard) = (Wire::new(transport), Vec::new());
        for piece in bytes.chunks(pieces) {
            wire.read(piece, &mut |said| heard.push(format!("{said:?}"))).unwrap();
        }
        assert!(wire.line.is_empty() && wire.message.is_empty(), "nothing is half there: {wire:?}");
        heard
    }

    #[test]
    fn events_are_read_whatever_pieces_they_come_in_chunked_or_not() {
        let plain = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n: hi\n\ndata: {\"a\":1}\n\nid: 7\ndata: b\n\n";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: {\"\r\nC\r\na\":1}\n\ndata:\r\n3\r\n b\n\r\n1\r\n\n\r\n";
        for pieces in 1..plain.len() {
            assert_eq!(heard(Transport::Sse, plain, pieces), ["Answer(200)", r#"Text("{\"a\":1}")"#, r#"Text("b")"#]);
        }
        for pieces in 1..chunked.len() {
            assert_eq!(heard(Transport::Sse, chunked, pieces), ["Answer(200)", r#"Text("{\"a\":1}")"#, r#"Text("b")"#]);
        }
        let ended = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(heard(Transport::Sse, ended, 1), ["Answer(200)", "End"]);
    }

    #[test]
    fn frames_are_read_whatever_pieces_they_come_in() {
        let long = "x".repeat(300);
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi\x89\x01p\x81\x7e\x01\x2c".to_vec();
        bytes.extend_from_slice(long.as_bytes());
        bytes.extend_from_slice(b"\x88\x00");
        for pieces in [1, 2, 3, 50, 1000] {
            let heard = heard(Transport::Ws, &bytes, pieces);
            assert_eq!(heard[..3], ["Answer(101)", r#"Text("hi")"#, "Ping([112])"]);
            assert_eq!(heard[3..], [format!("Text({long:?})"), "End".to_owned()]);
        }
    }

    #[test]
    fn what_is_no_http_is_told() {
        assert!(Wire::new(Transport::Sse).read(b"SSH-2.0\r\n\r\n", &mut |_| {}).is_err());
    }

    #[test]
    fn a_clients_frame_says_its_length() {
        assert_eq!(text("ab"), b"\x81\x82\0\0\0\0ab");
        assert_eq!(frame(9, &[7; 200])[..8], *b"\x89\xfe\x00\xc8\0\0\0\0");
    }
}
