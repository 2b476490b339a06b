//! `release URL VERSION`: what it changes, the question, and the server's answer.

use serde::Serialize;
use skew_proto::text;

use super::confirm::{can_ask, confirm, is_yes};
use super::invalidate::{lost, unwritten};
use super::stop::Stop;
use crate::audit::{self, Action, Deed};
use crate::cli::Options;
use crate::output::{Sink, connections, iso};
use crate::release::{ReleaseError, release};
use crate::target::{Target, Targets};

/// Characters of a build that are shown.
const CHARS: usize = 60;

/// What came of it, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Released<'a> {
    schema: u32,
    r#type: &'static str,
    at: Option<String>,
    /// What the target is called.
    site: &'a str,
    /// The build that is current now.
    version: &'a str,
    /// The build that was current before.
    previous: &'a str,
    /// Connections that were told.
    reached: u64,
}

/// Asks, writes it down, tells every target which build is current, and prints what each answered.
pub(super) async fn run(targets: &Targets, version: &str, yes: bool, options: &Options) -> Result<(), Stop> {
    if options.readonly {
        return Err(Stop::Usage("--readonly allows no release".to_owned()));
    }
    if !yes {
        if !can_ask() {
            return Err(Stop::Usage("there is no terminal to confirm on; pass --yes".to_owned()));
        }
        let version = text::cut(version, CHARS);
        let question = format!("Tell everybody at {} that {version} is current? [y/N] ", targets.label());
        confirm(&question, is_yes).await?;
    }
    for target in targets.iter() {
        release_at(target, version, options).await?;
    }
    Ok(())
}

async fn release_at(target: &Target, version: &str, options: &Options) -> Result<(), Stop> {
    let deed = Deed {
        command: audit::Command::Release,
        action: Action::Release { version: version.to_owned() },
        // Only its answer can tell.
        server: None,
        expected: None,
    };
    let record = options.audit().begin(target, deed).map_err(|error| unwritten(&error))?;
    let answer = match release(target, version).await {
        Ok(answer) => answer,
        Err(error) => {
            record.conclude(error.outcome()).map_err(|unwritten| lost(&error.to_string(), &unwritten))?;
            return Err(error.into());
        }
    };
    let written = record.conclude(audit::Outcome::Sent { matched: Some(answer.reached) });
    let site = target.label();
    let line = if options.json {
        let released = Released {
            schema: 1,
            r#type: "release",
            at: iso(crate::clock::Clock::start().now()),
            site: &site,
            version: &answer.version,
            previous: &answer.previous,
            reached: answer.reached,
        };
        text::json_line(&released).map_err(|error| Stop::Failed(error.to_string()))?
    } else {
        let [version, previous] = [&answer.version, &answer.previous].map(|build| text::cut(build, CHARS));
        format!("{site}: {version} is current, {previous} was; {} told", connections(answer.reached))
    };
    Sink::new().line(&line).await?;
    written.map_err(|unwritten| lost("it was released", &unwritten))
}

impl From<ReleaseError> for Stop {
    fn from(error: ReleaseError) -> Self {
        let message = error.to_string();
        match error {
            ReleaseError::NoSecret | ReleaseError::Unauthorized(_) => Self::Unauthorized(message),
            ReleaseError::NoEndpoint(_) | ReleaseError::Rejected(_) | ReleaseError::Unknown(_) => Self::Failed(message),
        }
    }
}
