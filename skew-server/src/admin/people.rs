//! The endpoints about people: who is here, and acting on somebody's connections. The log says how many were reached, never whose they are.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use skew_proto::text::cut;
use skew_proto::{
    InvalidateUserAnswer, InvalidateUserRequest, MessageAnswer, MessageRequest, RoutePattern, ServerMessage,
};
use url::form_urlencoded;

use super::{LOGGED_CHARS, admin};
use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::failure::ApiError;
use crate::handle::SendError;
use crate::hub::answer::{Invalidated, Mode};
use crate::json::answer;
use crate::posted::{Object, Posted, understood};
use crate::presence::exchange::Target;
use crate::visitor;

/// Users on a page, where the request does not say, and at most.
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 1000;

/// `GET {base}/admin/users`
pub(crate) async fn users(State(app): State<Shared>, parts: Parts) -> Result<Response, ApiError> {
    let who = looking(&app, &parts, "list users").await?;
    let (after, limit) = asked(parts.uri.query().unwrap_or_default())?;
    let page = app.hub.users(after.as_deref(), limit).await?;
    tracing::debug!(who, users = page.users.len(), "listed users");
    Ok(answer(StatusCode::OK, &page))
}

/// `GET {base}/admin/users/{id}`
pub(crate) async fn user(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    parts: Parts,
) -> Result<Response, ApiError> {
    let who = looking(&app, &parts, "look for a user").await?;
    let Ok(Path(id)) = id else { return Err(ApiError::bad_request("the user's id must be percent-encoded UTF-8")) };
    let presence = app.hub.user(&id).await?;
    tracing::debug!(who, here = presence.here, "looked for a user");
    Ok(answer(StatusCode::OK, &presence))
}

/// `POST {base}/admin/invalidate-user`
pub(crate) async fn invalidate_user(State(app): State<Shared>, posted: Posted<Object>) -> Result<Response, ApiError> {
    let grant = admin(&app, &posted.caller, None, "invalidate a user").await?;
    let InvalidateUserRequest { user, dry_run } = understood(posted.body)?;
    let mode = if dry_run { Mode::DryRun } else { Mode::Send };
    let Invalidated { matched, reached, .. } = app.hub.invalidate_user(&named(&user)?, mode).await?;
    if mode == Mode::Send {
        let who = cut(&grant.name, LOGGED_CHARS);
        tracing::info!(who, matched, reached, "invalidated a user");
    }
    Ok(answer(StatusCode::OK, &InvalidateUserAnswer { ok: true, user, matched, dry_run }))
}

/// `POST {base}/admin/message`
pub(crate) async fn message(State(app): State<Shared>, posted: Posted<Object>) -> Result<Response, ApiError> {
    let grant = admin(&app, &posted.caller, None, "send a message").await?;
    let request: MessageRequest = understood(posted.body)?;
    let message = request.message.as_object().ok_or_else(|| ApiError::bad_request("message must be an object"))?;
    if let Some(kind) = message.get("type").and_then(|kind| kind.as_str())
        && ServerMessage::TYPES.contains(&kind)
    {
        let own = format!("messages of the type {kind} are the server's own; give yours another");
        return Err(ApiError::bad_request(own));
    }
    let target = target(&request)?;
    let to = match target {
        Target::All => "all",
        Target::Route(_) => "a route",
        Target::User(_) => "a user",
        Target::Connection(_) => "a connection",
    };
    let reached = app.hub.message(target, message).await.map_err(|error| match error {
        SendError::Json(error) => ApiError::bad_request(error.to_string()),
        SendError::Stopped(_) | SendError::Closed => ApiError::unavailable(error.to_string()),
    })?;
    let who = cut(&grant.name, LOGGED_CHARS);
    tracing::info!(who, to, reached, "sent a message");
    Ok(answer(StatusCode::OK, &MessageAnswer { ok: true, reached }))
}

/// What the log calls an admin who only looks.
async fn looking(app: &App, parts: &Parts, action: &str) -> Result<String, ApiError> {
    let caller = Caller::of(parts, visitor::source(parts, app), app);
    Ok(cut(&admin(app, &caller, None, action).await?.name, LOGGED_CHARS))
}

/// Behind whom the page begins, and how many are on it.
fn asked(query: &str) -> Result<(Option<String>, usize), ApiError> {
    let (mut after, mut limit) = (None, PAGE);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "after" => after = Some(value.into_owned()),
            "limit" => {
                let range = || ApiError::bad_request(format!("limit must be a number from 1 to {LONGEST_PAGE}"));
                limit = value.parse().ok().filter(|limit| (1..=LONGEST_PAGE).contains(limit)).ok_or_else(range)?;
            }
            _ => {}
        }
    }
    Ok((after, limit))
}

/// To whom a message goes.
fn target(request: &MessageRequest) -> Result<Target, ApiError> {
    match request {
        MessageRequest { user: Some(user), connection: None, route: None, all: false, .. } => {
            Ok(Target::User(named(user)?.into()))
        }
        MessageRequest { user: None, connection: Some(id), route: None, all: false, .. } => {
            let id = id.parse().map_err(|_| ApiError::bad_request("connection must be an id as stats show it"))?;
            Ok(Target::Connection(id))
        }
        MessageRequest { user: None, connection: None, route: Some(route), kind, all: false, .. } => {
            let pattern = RoutePattern::new(kind.unwrap_or_default(), route);
            Ok(Target::Route(pattern.map_err(|error| ApiError::bad_request(error.to_string()))?))
        }
        MessageRequest { user: None, connection: None, route: None, all: true, .. } => Ok(Target::All),
        _ => Err(ApiError::bad_request("say to whom it goes by exactly one of user, connection, route and all")),
    }
}

fn named(user: &str) -> Result<String, ApiError> {
    if user.is_empty() { Err(ApiError::bad_request("user must not be empty")) } else { Ok(user.to_owned()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_says_behind_whom_and_how_many() {
        let asked = |query| asked(query).ok();
        assert_eq!(asked(""), Some((None, PAGE)));
        assert_eq!(asked("limit=1000&after=k%2Fim+x&more=1"), Some((Some("k/im x".into()), 1000)));
        for query in ["limit=0", "limit=1001", "limit=", "limit=-1", "limit=ten"] {
            assert_eq!(asked(query), None, "{query}");
        }
    }

    proptest! {
        #[test]
        fn a_message_goes_to_exactly_one_target(user: bool, connection: bool, route: bool, all: bool) {
            let mut body = json!({"message": {}});
            for (is_given, name, value) in [
                (user, "user", json!("kim")),
                (connection, "connection", json!("00000000-0000-4000-8000-000000000000")),
                (route, "route", json!("/")),
                (all, "all", json!(true)),
            ] {
                if is_given {
                    body[name] = value;
                }
            }
            let given = [user, connection, route, all].iter().filter(|is_given| **is_given).count();
            let request = serde_json::from_value(body).unwrap();
            prop_assert_eq!(target(&request).is_ok(), given == 1);
        }
    }

    #[test]
    fn what_can_be_no_target_is_refused() {
        for field in [json!({"connection": "42"}), json!({"user": ""}), json!({"route": "(", "match": "regex"})] {
            let mut body = json!({"message": {}});
            body.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
            assert!(target(&serde_json::from_value(body).unwrap()).is_err(), "{field}");
        }
    }
}
