//! A connection's page: everything that is known of it, field by field.

use skew_proto::{Connection, text};

use super::site::Site;

/// What a field tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// The public id.
    Id,
    /// The build it had when it connected.
    Build,
    /// The page it shows.
    Route,
    /// Its address, where the server tells one.
    Address,
    /// Something else that the server sent of it, by the name it has there.
    Other(String),
}

impl Name {
    /// What it is called. The server chooses some of the words.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Id => "id",
            Self::Build => "build",
            Self::Route => "route",
            Self::Address => "address",
            Self::Other(name) => name,
        }
    }
}

/// A field, with its whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it tells.
    pub name: Name,
    /// Its whole text, as the server sent it; of what is no text, the JSON.
    pub text: String,
}

/// Whether a connection is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The server lists it.
    Connected,
    /// The server lists it no more. What is told of it is what was known last.
    Gone,
    /// It was never listed here.
    Unknown,
}

/// A connection's page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The connection as it was listed last.
    pub connection: Connection,
    /// Whether it is still there.
    pub standing: Standing,
    /// Its fields, one a row.
    pub fields: Vec<Field>,
}

impl Page {
    /// The page of a connection by what `site` lists, and where it lists it no more, by the page `before`.
    pub(super) fn of(id: &str, site: &Site, before: Option<Self>) -> Self {
        if let Some(connection) = site.connections().iter().find(|connection| connection.id == id) {
            let fields = fields(connection);
            return Self { connection: connection.clone(), standing: Standing::Connected, fields };
        }
        match before.filter(|page| page.connection.id == id && page.standing != Standing::Unknown) {
            Some(page) => Self { standing: Standing::Gone, ..page },
            None => {
                let connection = Connection { id: id.to_owned(), ..Connection::default() };
                let fields = vec![Field { name: Name::Id, text: id.to_owned() }];
                Self { connection, standing: Standing::Unknown, fields }
            }
        }
    }
}

fn fields(connection: &Connection) -> Vec<Field> {
    let field = |name, text: &str| Field { name, text: text.to_owned() };
    let known = [
        field(Name::Id, &connection.id),
        field(Name::Build, &connection.version),
        field(Name::Route, &connection.route),
    ];
    let address = connection.ip.as_deref().map(|ip| field(Name::Address, ip));
    let others = connection.extra.iter().map(|(name, value)| {
        let text = match value.as_str() {
            Some(text) => text.to_owned(),
            None => text::json_line(value).unwrap_or_default(),
        };
        Field { name: Name::Other(name.clone()), text }
    });
    known.into_iter().chain(address).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::super::site::Watchers;
    use super::*;
    use crate::{Now, SourceEvent};

    fn tell(site: &mut Site, connections: &str) {
        let stats =
            format!(r#"{{"type":"stats","total":1,"versions":{{}},"routes":{{}},"connections":[{connections}]}}"#);
        site.observe(SourceEvent::Frame(stats), Now::default());
    }

    #[test]
    fn a_page_tells_all_that_the_server_sent() {
        let mut site = Site::new(Watchers::LeftOut);
        tell(&mut site, r#"{"id":"a","version":"b1","route":"/","ip":"::1","instance":"i1","since":[1,"\u001b"]}"#);
        let page = Page::of("a", &site, None);
        let texts: Vec<&str> = page.fields.iter().map(|field| field.text.as_str()).collect();
        assert_eq!(texts, ["a", "b1", "/", "::1", "i1", r#"[1,"\u001b"]"#]);
        assert_eq!(page.fields[4].name, Name::Other("instance".into()));
    }

    #[test]
    fn of_a_connection_that_is_gone_the_last_word_stays() {
        let mut site = Site::new(Watchers::LeftOut);
        tell(&mut site, r#"{"id":"a","version":"b1","route":"/cart"}"#);
        let before = Page::of("a", &site, None);
        tell(&mut site, r#"{"id":"b","version":"b1","route":"/"}"#);
        let gone = Page::of("a", &site, Some(before.clone()));
        assert_eq!((gone.standing, &gone.fields), (Standing::Gone, &before.fields));
        assert_eq!(Page::of("a", &site, Some(gone)).standing, Standing::Gone);
        assert_eq!(Page::of("c", &site, Some(before)).standing, Standing::Unknown);
    }
}
