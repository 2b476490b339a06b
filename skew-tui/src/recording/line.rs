//! One line of a recording: the header, or an event. `docs/recording.md` tells every field.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use skew_proto::{Release, Releases, text};

use super::hide::{self, Hidden, Veil};
use super::{Addresses, Entry, Users, VERSION};
use crate::output::unix_iso;
use crate::{SourceEvent, Transport};

/// What the first line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// When the recording began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// What the whole is called.
    pub site: String,
    /// What each recorded site is called.
    pub targets: Vec<String>,
    /// Whether visitors' addresses were kept.
    pub addresses: Addresses,
    /// Whether users' ids were kept.
    pub users: Users,
}

/// Why a line is none.
#[derive(Debug)]
pub(super) enum Refused {
    /// The first line of something else.
    Foreign,
    /// The first line of a later format.
    Newer(u64),
    /// No event. Holds nothing of the line itself.
    NotAnEvent(String),
}

/// What an event's line holds.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// An event.
    Entry(Entry),
    /// Something that a later program of the same format says, at a time.
    Unknown { at_ms: u64 },
    /// The recording ends here as it should.
    End { at_ms: u64 },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct First<'a> {
    skew: Cow<'a, str>,
    version: u64,
    started_at: Cow<'a, str>,
    #[serde(default)]
    site: String,
    targets: Vec<String>,
    #[serde(default)]
    masked: bool,
    #[serde(default)]
    user_ids: bool,
    #[serde(default)]
    client: String,
}

/// The format alone, which says whether the rest can be read.
#[derive(Deserialize)]
struct Format {
    skew: String,
    version: u64,
}

/// All fields of all events. A raw value can't be read through a tagged enum.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    // First, so that a person who looks at the file reads the time first.
    at: u64,
    #[serde(default)]
    target: usize,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
struct List {
    current: Option<String>,
    releases: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    version: String,
    released_at: Option<u64>,
}

impl Header {
    pub(super) fn encode(&self) -> Result<String, serde_json::Error> {
        text::json_line(&First {
            skew: "recording".into(),
            version: VERSION,
            started_at: unix_iso(self.started_at_ms).unwrap_or_default().into(),
            site: self.site.clone(),
            targets: self.targets.clone(),
            masked: self.addresses == Addresses::Masked,
            user_ids: self.users == Users::Kept,
            client: concat!("skew-tui ", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }

    pub(super) fn decode(line: &str) -> Result<Self, Refused> {
        match serde_json::from_str(line) {
            Ok(Format { skew, version }) if skew == "recording" && version > VERSION => {
                return Err(Refused::Newer(version));
            }
            Ok(Format { skew, version: 1.. }) if skew == "recording" => {}
            _ => return Err(Refused::Foreign),
        }
        let first: First<'_> = serde_json::from_str(line).map_err(|error| not_an_event(&error))?;
        let started_at = first.started_at.parse::<jiff::Timestamp>().ok();
        // A time before 1970 is no time of a recording.
        let started_at_ms = started_at.and_then(|at| at.as_millisecond().try_into().ok());
        Ok(Self {
            started_at_ms: started_at_ms.ok_or_else(|| Refused::NotAnEvent("startedAt is no time".to_owned()))?,
            site: first.site,
            targets: first.targets,
            addresses: if first.masked { Addresses::Masked } else { Addresses::Kept },
            users: if first.user_ids { Users::Kept } else { Users::Hidden },
        })
    }
}

/// An event as a line, with what is hidden left out.
pub(super) fn encode(at_ms: u64, target: usize, event: &SourceEvent, veil: &Veil) -> Result<String, serde_json::Error> {
    let fields = Fields { at: at_ms, target, ..Fields::default() };
    let fields = match event {
        SourceEvent::Connecting(transport) => {
            Fields { event: "connecting".into(), transport: name(*transport), ..fields }
        }
        SourceEvent::Open(transport) => Fields { event: "open".into(), transport: name(*transport), ..fields },
        SourceEvent::Frame(message) => return frame(fields, message, veil),
        SourceEvent::Subscribed => Fields { event: "subscribed".into(), ..fields },
        SourceEvent::Refused { status, reason } => {
            Fields { event: "refused".into(), status: Some(*status), reason: Some(reason.into()), ..fields }
        }
        SourceEvent::Stale => Fields { event: "stale".into(), ..fields },
        SourceEvent::Lost { reason, retry_ms } => {
            Fields { event: "lost".into(), reason: Some(reason.into()), retry_ms: Some(*retry_ms), ..fields }
        }
        SourceEvent::Releases(releases) => {
            let list = releases.releases.iter();
            let list = list.map(|one| Listed { version: one.version.clone(), released_at: one.released_at }).collect();
            let data = text::json_line(&List { current: releases.current.clone(), releases: list })?;
            return text::json_line(&Fields { event: "releases".into(), data: Some(raw(&data)?), ..fields });
        }
        SourceEvent::Failed(reason) => Fields { event: "failed".into(), reason: Some(reason.into()), ..fields },
    };
    text::json_line(&fields)
}

/// In the place of a message that no line could hold.
pub(super) fn omitted(at_ms: u64, target: usize, bytes: usize) -> Result<String, serde_json::Error> {
    text::json_line(&Fields { at: at_ms, target, event: "omitted".into(), bytes: Some(bytes), ..Fields::default() })
}

/// The last line.
pub(super) fn end(at_ms: u64) -> Result<String, serde_json::Error> {
    text::json_line(&Fields { at: at_ms, event: "end".into(), ..Fields::default() })
}

pub(super) fn decode(line: &str) -> Result<Line, Refused> {
    let fields: Fields<'_> = serde_json::from_str(line).map_err(|error| not_an_event(&error))?;
    let missing = |name: &str| Refused::NotAnEvent(format!("{name} is missing or unknown"));
    let transport = || fields.transport.as_deref().and_then(transport).ok_or_else(|| missing("transport"));
    let reason = || fields.reason.clone().map(Cow::into_owned).ok_or_else(|| missing("reason"));
    let event = match &*fields.event {
        "connecting" => SourceEvent::Connecting(transport()?),
        "open" => SourceEvent::Open(transport()?),
        "frame" => match (fields.data, fields.text) {
            (Some(data), _) => SourceEvent::Frame(data.get().to_owned()),
            (None, Some(text)) => SourceEvent::Frame(text.into_owned()),
            (None, None) => return Err(missing("data")),
        },
        "subscribed" => SourceEvent::Subscribed,
        "refused" => {
            SourceEvent::Refused { status: fields.status.ok_or_else(|| missing("status"))?, reason: reason()? }
        }
        "stale" => SourceEvent::Stale,
        "lost" => SourceEvent::Lost { reason: reason()?, retry_ms: fields.retry_ms.ok_or_else(|| missing("retryMs"))? },
        "releases" => {
            let data = fields.data.ok_or_else(|| missing("data"))?;
            let list: List = serde_json::from_str(data.get()).map_err(|error| not_an_event(&error))?;
            let release = |one: Listed| Release { version: one.version, released_at: one.released_at };
            let releases = list.releases.into_iter().map(release).collect();
            SourceEvent::Releases(Releases { current: list.current, releases })
        }
        "failed" => SourceEvent::Failed(reason()?),
        "end" => return Ok(Line::End { at_ms: fields.at }),
        _ => return Ok(Line::Unknown { at_ms: fields.at }),
    };
    Ok(Line::Entry(Entry { at_ms: fields.at, target: fields.target, event }))
}

fn frame(fields: Fields<'_>, message: &str, veil: &Veil) -> Result<String, serde_json::Error> {
    let fields = Fields { event: "frame".into(), ..fields };
    match hide::message(message, veil) {
        Hidden::Json(json) => text::json_line(&Fields { data: Some(raw(&json)?), ..fields }),
        Hidden::Text => text::json_line(&Fields { text: Some(message.into()), ..fields }),
    }
}

fn raw(json: &str) -> Result<&RawValue, serde_json::Error> {
    serde_json::from_str(json)
}

/// Where serde stopped, without the words of the line that it likes to quote.
fn not_an_event(error: &serde_json::Error) -> Refused {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is missing or of the wrong type",
        _ => "it is not valid JSON",
    };
    Refused::NotAnEvent(format!("{what}, at column {}", error.column()))
}

fn name(transport: Transport) -> Option<Cow<'static, str>> {
    Some(transport.to_string().into())
}

fn transport(name: &str) -> Option<Transport> {
    [Transport::Sse, Transport::Ws, Transport::Poll].into_iter().find(|transport| transport.to_string() == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// What a source can say, in any words.
    fn any_event() -> impl Strategy<Value = SourceEvent> {
        let transport = || prop::sample::select(vec![Transport::Sse, Transport::Ws, Transport::Poll]);
        let release =
            (any::<String>(), any::<Option<u64>>()).prop_map(|(version, released_at)| Release { version, released_at });
        prop_oneof![
            transport().prop_map(SourceEvent::Connecting),
            transport().prop_map(SourceEvent::Open),
            any::<String>().prop_map(SourceEvent::Frame),
            (any::<String>(), any::<String>())
                .prop_map(|(name, text)| SourceEvent::Frame(json!({ name: [text] }).to_string())),
            Just(SourceEvent::Subscribed),
            (any::<u16>(), any::<String>()).prop_map(|(status, reason)| SourceEvent::Refused { status, reason }),
            Just(SourceEvent::Stale),
            (any::<String>(), any::<u64>()).prop_map(|(reason, retry_ms)| SourceEvent::Lost { reason, retry_ms }),
            (any::<Option<String>>(), prop::collection::vec(release, 0..4))
                .prop_map(|(current, releases)| SourceEvent::Releases(Releases { current, releases })),
            any::<String>().prop_map(SourceEvent::Failed),
        ]
    }

    proptest! {
        #[test]
        fn every_event_reads_back_as_it_was_and_its_line_is_harmless(at_ms: u64, target: usize, event in any_event()) {
            let line = encode(at_ms, target, &event, &Veil::new(Addresses::Kept, Users::Kept)).unwrap();
            prop_assert!(!line.contains(text::is_harmful), "{line:?}");
            let Ok(Line::Entry(read)) = decode(&line) else { panic!("{line}") };
            prop_assert_eq!((read.at_ms, read.target), (at_ms, target));
            match (read.event, event) {
                // Harmful characters of a JSON text are escaped in it, which means the same.
                (SourceEvent::Frame(read), SourceEvent::Frame(event)) if read != event => {
                    let harmless = text::harmless_json(&event).into_owned();
                    prop_assert_eq!(&*read, harmless.trim());
                    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
                    prop_assert_eq!(parsed(&read), parsed(&event));
                }
                (read, event) => prop_assert_eq!(read, event),
            }
        }

        #[test]
        fn a_header_reads_back_as_it_was(
            ms in 0u64..4_102_444_800_000, site: String, targets: Vec<String>, masked: bool, named: bool,
        ) {
            let addresses = if masked { Addresses::Masked } else { Addresses::Kept };
            let users = if named { Users::Kept } else { Users::Hidden };
            let header = Header { started_at_ms: ms, site, targets, addresses, users };
            let line = header.encode().unwrap();
            prop_assert!(!line.contains(text::is_harmful));
            prop_assert_eq!(Header::decode(&line).unwrap(), header);
        }

        #[test]
        fn no_line_is_too_strange_to_be_read(line: String) {
            let _ = (decode(&line), Header::decode(&line));
        }
    }

    #[test]
    fn a_message_keeps_its_order_its_numbers_and_its_depth() {
        let deep =
            format!("{{\"type\":\"x\",\"z\":1.50,\"a\":1e400,\"deep\":{}{}}}", "[".repeat(9_000), "]".repeat(9_000));
        let event = SourceEvent::Frame(deep);
        let line = encode(1, 0, &event, &Veil::new(Addresses::Masked, Users::Hidden)).unwrap();
        assert!(matches!(decode(&line), Ok(Line::Entry(entry)) if entry.event == event));
    }

    #[test]
    fn a_line_begins_with_its_time_and_holds_the_message_as_json() {
        let event = SourceEvent::Frame("{\"type\":\"pong\"}".to_owned());
        let line = encode(17, 1, &event, &Veil::default()).unwrap();
        assert_eq!(line, r#"{"at":17,"target":1,"event":"frame","data":{"type":"pong"}}"#);
    }
}
