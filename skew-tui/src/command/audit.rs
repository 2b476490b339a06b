//! `audit`: who acted on whose users, and what came of it.

use std::fmt::Write;

use skew_proto::text;
use unicode_width::UnicodeWidthStr;

use super::stop::Stop;
use crate::audit::{Acted, Action, Outcome, read, shown};
use crate::cli::Options;
use crate::output::{Sink, Voice};

/// Characters of a pattern, a name or a version that are shown.
const CHARS: usize = 40;

const HEADINGS: [&str; 7] = ["time (UTC)", "who", "action", "site", "what", "reached", "outcome"];

/// Prints the actions of the log, the oldest first: as a table, or its lines as they are.
pub(super) async fn run(site: Option<&str>, last: Option<usize>, options: &Options, voice: Voice) -> Result<(), Stop> {
    let audit = options.audit();
    let path = audit.file().map_err(|error| Stop::Usage(error.to_string()))?;
    let path = path.ok_or_else(|| Stop::Usage("--no-audit names no log to show; leave it away".to_owned()))?;
    let name = shown(path);
    let log = read(path).map_err(|error| Stop::Failed(format!("the audit log {name} can't be read: {error}")))?;
    let Some(log) = log else {
        voice.notice(&format!("nobody has acted yet: there is no {name}"));
        return Ok(());
    };
    for number in &log.damaged {
        voice.notice(&format!("{name}: line {number} is damaged and is left out"));
    }
    let wanted = |action: &&Acted| site.is_none_or(|site| is_of(action, site));
    let actions: Vec<&Acted> = log.actions.iter().filter(wanted).collect();
    let skipped = last.map_or(0, |last| actions.len().saturating_sub(last));
    let actions = &actions[skipped..];
    let mut sink = Sink::new();
    if options.json {
        for line in actions.iter().flat_map(|action| &action.lines) {
            let line = text::json_line(line).map_err(|error| Stop::Failed(error.to_string()))?;
            sink.line(&line).await?;
        }
        return Ok(());
    }
    if actions.is_empty() {
        voice.notice(&format!("{name} tells of no such action"));
        return Ok(());
    }
    Ok(sink.line(&table(actions)).await?)
}

/// Whether an action was one on a site, by what it is called or by its URL.
fn is_of(action: &Acted, site: &str) -> bool {
    let line = action.first();
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    line.target == site || bare(&line.url) == bare(site)
}

fn table(actions: &[&Acted]) -> String {
    let rows: Vec<[String; 7]> = actions.iter().map(|action| row(action)).collect();
    let mut widths = HEADINGS.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut out = line(&HEADINGS.map(str::to_owned), &widths);
    for (row, action) in rows.iter().zip(actions) {
        // Writing to a String can't fail.
        let _ = write!(out, "\n{}", line(row, &widths));
        let more = match action.outcome() {
            Outcome::Refused { error } | Outcome::Unknown { error } => Some(text::clean(error).into_owned()),
            Outcome::Started => Some("nothing is written of what came of it".to_owned()),
            Outcome::Sent { .. } | Outcome::Followed { .. } => None,
        };
        for said in more.into_iter().chain(action.followed().map(|followed| followed.to_string())) {
            let _ = write!(out, "\n    {said}");
        }
    }
    out
}

fn row(action: &Acted) -> [String; 7] {
    let first = action.first();
    let cut = |text: &str| text::cut(text, CHARS);
    let or_unknown = |text: Option<&str>| cut(text.unwrap_or("?"));
    let time = first.at.as_deref().map(|at| cut(&at.replace('T', " ").chars().take(19).collect::<String>()));
    let (name, what) = match &first.action {
        Action::Invalidate { pattern, kind } => ("invalidate", format!("{} ({kind})", cut(pattern))),
        Action::InvalidateUser { user_id } => ("invalidate", format!("user {}", cut(user_id))),
        Action::Message { to, name, .. } => ("message", format!("{to} {}", cut(name.as_deref().unwrap_or_default()))),
        Action::Release { version } => ("release", cut(version)),
    };
    let reached = match (action.outcome(), first.expected) {
        (Outcome::Sent { matched: Some(matched) }, _) => matched.to_string(),
        (_, Some(expected)) => format!("{expected} expected"),
        (_, None) => "?".to_owned(),
    };
    [
        time.unwrap_or_else(|| "?".to_owned()),
        format!("{}@{}", or_unknown(first.user.as_deref()), or_unknown(first.host.as_deref())),
        name.to_owned(),
        cut(&first.target),
        what,
        reached,
        action.outcome().to_string(),
    ]
}

fn line(cells: &[String; 7], widths: &[usize; 7]) -> String {
    let mut out = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', width + 2 - cell.width()));
    }
    out.truncate(out.trim_end().len());
    out
}
