//! `users URL`: who is here.

use serde::Serialize;
use skew_proto::{Connection, text};

use super::stop::Stop;
use crate::cli::Options;
use crate::output::{Sink, Voice, connections, iso, unix_iso, users};
use crate::people::{PeopleError, Users};
use crate::state::site::unheard;
use crate::target::Targets;

/// Characters of an id, a build or a route that are shown.
const CHARS: usize = 60;

/// Connections of a user that are shown.
const SHOWN: usize = 5;

/// A user, as they are printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Here<'a> {
    schema: u32,
    r#type: &'static str,
    at: Option<String>,
    /// What the target is called.
    site: &'a str,
    user: &'a str,
    /// Since when they are here, by the server's clock.
    since: Option<String>,
    /// Their connections.
    connections: &'a [Connection],
}

/// Prints the users of every target, a page at a time.
pub(super) async fn run(targets: &Targets, options: &Options, voice: Voice) -> Result<(), Stop> {
    let mut sink = Sink::new();
    for target in targets.iter() {
        let site = target.label();
        let mut pages = Users::of(target);
        let (mut listed, mut total, mut partial) = (0, 0, None);
        while let Some(page) = pages.next().await? {
            (total, partial) = (page.total, page.partial.or(partial));
            for one in &page.users {
                listed += 1;
                if !options.json {
                    for line in lines(&one.user, one.since, &one.connections) {
                        sink.line(&line).await?;
                    }
                    continue;
                }
                let here = Here {
                    schema: 1,
                    r#type: "user",
                    at: iso(crate::clock::Clock::start().now()),
                    site: &site,
                    user: &one.user,
                    since: one.since.and_then(unix_iso),
                    connections: if options.no_connections { &[] } else { &one.connections },
                };
                let line = text::json_line(&here).map_err(|error| Stop::Failed(error.to_string()))?;
                sink.line(&line).await?;
            }
        }
        if !options.json {
            let came = if listed == total { String::new() } else { format!(" ({listed} listed: they come and go)") };
            sink.line(&format!("{site}: {}{came}", users(total))).await?;
        }
        if let Some(partial) = partial {
            voice.notice(&format!("partial: the server has not heard from {}", unheard(&partial)));
        }
    }
    Ok(())
}

fn lines(user: &str, since: Option<u64>, tabs: &[Connection]) -> Vec<String> {
    let since = since.and_then(unix_iso).map(|since| format!(", since {since}")).unwrap_or_default();
    let mut lines = vec![format!("{}  {}{since}", text::cut(user, CHARS), connections(tabs.len() as u64))];
    lines.extend(tabs.iter().take(SHOWN).map(|tab| {
        let [id, version, route] = [&tab.id, &tab.version, &tab.route].map(|word| text::cut(word, CHARS));
        let instance = tab.instance().map(|name| format!("  on {}", text::cut(name, CHARS))).unwrap_or_default();
        format!("    {id:<12}  {version:<12}  {route}{instance}")
    }));
    if tabs.len() > SHOWN {
        lines.push(format!("    and {} more", tabs.len() - SHOWN));
    }
    lines
}

impl From<PeopleError> for Stop {
    fn from(error: PeopleError) -> Self {
        let message = error.to_string();
        match error {
            PeopleError::NoSecret | PeopleError::Unauthorized(_) => Self::Unauthorized(message),
            PeopleError::NoEndpoint(_) | PeopleError::Rejected(_) | PeopleError::Unknown(_) => Self::Failed(message),
        }
    }
}
