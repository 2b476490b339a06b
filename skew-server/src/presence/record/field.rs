//! The fields of an instance's sections, as entries of a hash.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{MAX_COUNT, MAX_RECORD_BYTES, MAX_TEXT_BYTES, Unread, number};
use crate::id::PublicId;
use crate::presence::exchange::SharedRow;

/// Whom or what an entry of the figures is about.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Figure {
    Version(Arc<str>),
    Route(Arc<str>),
    /// A user; the value is since when they are here.
    User(Arc<str>),
    Anonymous,
    /// What the instance knows of builds and invalidations.
    Knowledge,
}

impl Figure {
    /// The name of the field.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Version(version) => format!("v:{version}"),
            Self::Route(route) => format!("r:{route}"),
            Self::User(user) => format!("u:{user}"),
            Self::Anonymous => "a".into(),
            Self::Knowledge => "k".into(),
        }
    }

    /// Reads the name of a field; nothing for one that this program does not know.
    ///
    /// # Errors
    ///
    /// When the name is too long to be one.
    pub(crate) fn read(name: &str, names: &mut Names) -> Result<Option<Self>, Unread> {
        let figure = match (name, name.split_once(':')) {
            ("a", _) => Self::Anonymous,
            ("k", _) => Self::Knowledge,
            (_, Some((_, text))) if text.len() > MAX_TEXT_BYTES => return Err(Unread::Damaged),
            (_, Some(("v", text))) => Self::Version(names.share(text)),
            (_, Some(("r", text))) => Self::Route(names.share(text)),
            (_, Some(("u", text))) => Self::User(text.into()),
            _ => return Ok(None),
        };
        Ok(Some(figure))
    }
}

/// A user's id is not for a log.
impl std::fmt::Debug for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(_) => f.write_str("u:…"),
            _ => f.write_str(&self.name()),
        }
    }
}

/// Texts that many entries have, each held once.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<Arc<str>, ()>);

impl Names {
    /// Texts that are remembered; past it each entry has a copy of its own.
    const LIMIT: usize = 20_000;

    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some((shared, ())) = self.0.get_key_value(text) {
            return shared.clone();
        }
        let shared: Arc<str> = text.into();
        if self.0.len() >= Self::LIMIT {
            self.0.clear();
        }
        self.0.insert(shared.clone(), ());
        shared
    }
}

/// Reads a count of connections.
pub(crate) fn count(value: &str) -> Result<u64, Unread> {
    number(value).and_then(|count| if count <= MAX_COUNT { Ok(count) } else { Err(Unread::Damaged) })
}

/// Reads a time, in milliseconds since 1970.
pub(crate) fn time(value: &str) -> Result<u64, Unread> {
    number(value)
}

/// A connection as the value of a field; the field's name is its public id.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    v: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    r: std::borrow::Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    u: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<std::net::IpAddr>,
}

pub(crate) fn encode_row(row: &SharedRow) -> String {
    let SharedRow { version, route, user, ip } = row;
    let row = Row { v: (&**version).into(), r: (&**route).into(), u: user.as_deref().map(Into::into), ip: *ip };
    serde_json::to_string(&row).unwrap_or_default()
}

/// Reads a connection.
///
/// # Errors
///
/// When its name is no id, or its value no row.
pub(crate) fn read_row(name: &str, value: &str, names: &mut Names) -> Result<(PublicId, SharedRow), Unread> {
    let id = name.parse().map_err(|_| Unread::Damaged)?;
    if value.len() > MAX_RECORD_BYTES {
        return Err(Unread::Damaged);
    }
    let row: Row<'_> = serde_json::from_str(value).map_err(|_| Unread::Damaged)?;
    if [Some(&row.v), Some(&row.r), row.u.as_ref()].iter().flatten().any(|text| text.len() > MAX_TEXT_BYTES) {
        return Err(Unread::Damaged);
    }
    let user = row.u.map(|user| names.share(&user));
    Ok((id, SharedRow { version: names.share(&row.v), route: names.share(&row.r), user, ip: row.ip }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_field_survives_a_round_trip(text in "\\PC{0,40}", kind in 0..5) {
            let text: Arc<str> = text.into();
            let figure = match kind {
                0 => Figure::Version(text),
                1 => Figure::Route(text),
                2 => Figure::User(text),
                3 => Figure::Anonymous,
                _ => Figure::Knowledge,
            };
            prop_assert_eq!(Figure::read(&figure.name(), &mut Names::default()), Ok(Some(figure)));
        }

        #[test]
        fn a_row_survives_a_round_trip(version in "\\PC{0,20}", route in "/\\PC{0,20}", user in prop::option::of("\\PC{0,20}"), ip: Option<std::net::IpAddr>) {
            let row = SharedRow { version: version.into(), route: route.into(), user: user.map(Into::into), ip };
            let id = PublicId::random();
            let read = read_row(&id.to_string(), &encode_row(&row), &mut Names::default());
            prop_assert_eq!(read, Ok((id, row)));
        }

        #[test]
        fn any_text_is_read_or_refused(name in "\\PC{0,20}|[vru]:.*", value in "\\PC{0,20}|[0-9]{0,30}|\\{.*\\}") {
            let names = &mut Names::default();
            let _ = (Figure::read(&name, names), read_row(&name, &value, names));
            prop_assert!(count(&value).is_err() || time(&value).is_ok());
        }
    }

    #[test]
    fn what_is_unknown_is_no_damage_and_what_is_vast_is() {
        let names = &mut Names::default();
        for unknown in ["", "x:1", "z", "kk"] {
            assert_eq!(Figure::read(unknown, names), Ok(None));
        }
        assert_eq!(Figure::read(&format!("u:{}", "x".repeat(MAX_TEXT_BYTES + 1)), names), Err(Unread::Damaged));
        for number in ["-1", "1.5", "+1", "01", "1099511627777", "18446744073709551616"] {
            assert_eq!(count(number), Err(Unread::Damaged), "{number}");
        }
        assert!(!format!("{:?}", Figure::User("ann".into())).contains("ann"));
    }
}
