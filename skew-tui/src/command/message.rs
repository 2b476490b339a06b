//! `message URL JSON`: to whom it goes, and how many took it.

use serde::Serialize;
use serde_json::Value;
use skew_proto::{MessageRequest, RoutePattern, text};

use super::confirm::{can_ask, confirm, is_yes};
use super::invalidate::{lost, unwritten};
use super::stop::Stop;
use super::typed;
use crate::audit::{self, Action, Deed};
use crate::cli::{MessageArgs, Options};
use crate::output::{Sink, connections, iso};
use crate::people::send;
use crate::target::{Target, Targets};

/// What came of it, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    schema: u32,
    r#type: &'static str,
    at: Option<String>,
    /// What the target is called.
    site: &'a str,
    /// `user`, `connection`, `route` or `all`.
    to: &'a str,
    /// The id or the pattern; null where it went to everybody.
    name: Option<&'a str>,
    /// Connections that took it.
    reached: u64,
}

/// To whom a message goes, in words.
struct Address {
    to: &'static str,
    name: Option<String>,
}

/// Asks where it goes to everybody, writes it down, sends it to every target and prints how many took it.
pub(super) async fn run(targets: &Targets, args: &MessageArgs, options: &Options) -> Result<(), Stop> {
    if options.readonly {
        return Err(Stop::Usage("--readonly allows no message".to_owned()));
    }
    let (request, address) = read(args)?;
    if args.all && !args.yes {
        if !can_ask() {
            return Err(Stop::Usage("there is no terminal to confirm on; pass --yes".to_owned()));
        }
        confirm(&format!("Send this to everybody at {}? [y/N] ", targets.label()), is_yes).await?;
    }
    for target in targets.iter() {
        send_to(target, &request, &address, options).await?;
    }
    Ok(())
}

/// What can be refused before anything is sent.
fn read(args: &MessageArgs) -> Result<(MessageRequest, Address), Stop> {
    let usage = |words: &str| Stop::Usage(words.to_owned());
    if args.message == "-" && args.user.as_deref() == Some("-") {
        return Err(usage("standard input holds the message or the user's id, not both"));
    }
    let message: Value = serde_json::from_str(&typed::text(&args.message)?)
        .map_err(|error| Stop::Usage(format!("the message is no JSON: {error}")))?;
    if !message.is_object() {
        return Err(usage("the message must be a JSON object, by convention with a type of your own"));
    }
    let user = args.user.as_deref().map(typed::text).transpose()?;
    if let Some(route) = &args.route {
        RoutePattern::new(args.kind, route).map_err(|error| Stop::Usage(error.to_string()))?;
    }
    let (to, name) = match (&user, &args.connection, &args.route) {
        (Some(user), ..) => ("user", Some(user.clone())),
        (_, Some(connection), _) => ("connection", Some(connection.clone())),
        (.., Some(route)) => ("route", Some(route.clone())),
        _ => ("all", None),
    };
    if name.as_deref() == Some("") {
        return Err(usage("an empty id is nobody's"));
    }
    let kind = args.route.is_some().then_some(args.kind);
    let connection = args.connection.clone();
    let request = MessageRequest { message, user, connection, route: args.route.clone(), kind, all: args.all };
    Ok((request, Address { to, name }))
}

async fn send_to(target: &Target, request: &MessageRequest, address: &Address, options: &Options) -> Result<(), Stop> {
    let kind = request.message.get("type").and_then(Value::as_str).map(str::to_owned);
    let deed = Deed {
        command: audit::Command::Message,
        action: Action::Message { to: address.to.to_owned(), name: address.name.clone(), kind },
        // Only its answer can tell.
        server: None,
        expected: None,
    };
    let record = options.audit().begin(target, deed).map_err(|error| unwritten(&error))?;
    let answer = match send(target, request).await {
        Ok(answer) => answer,
        Err(error) => {
            record.conclude(error.outcome()).map_err(|unwritten| lost(&error.to_string(), &unwritten))?;
            return Err(error.into());
        }
    };
    let written = record.conclude(audit::Outcome::Sent { matched: Some(answer.reached) });
    let site = target.label();
    let line = if options.json {
        let sent = Sent {
            schema: 1,
            r#type: "sent",
            at: iso(crate::clock::Clock::start().now()),
            site: &site,
            to: address.to,
            name: address.name.as_deref(),
            reached: answer.reached,
        };
        text::json_line(&sent).map_err(|error| Stop::Failed(error.to_string()))?
    } else {
        format!("{site}: {} took it", connections(answer.reached))
    };
    Sink::new().line(&line).await?;
    written.map_err(|unwritten| lost("it was sent", &unwritten))
}
