//! The two POSTs by which a browser on SSE talks back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use skew_proto::{Ack, RouteBody, SubscribeBody, Subscription, Text};

use crate::app::Shared;
use crate::auth::{Caller, Refusal, Watch};
use crate::failure::ApiError;
use crate::hooks::Credentials;
use crate::hub::command::{Subscribed, Verdict};
use crate::id::ConnectionId;
use crate::json::answer;
use crate::posted::Posted;
use crate::presence::exchange::Order;
use crate::presence::others::Others;
use crate::visitor;

/// `POST {base}/route`
pub(crate) async fn route(State(app): State<Shared>, posted: Posted<RouteBody>) -> Result<Response, ApiError> {
    let RouteBody { connection_id, route } = posted.body;
    let (Some(connection_id), Some(route)) = (field("connectionId", connection_id)?, field("route", route)?) else {
        return Ok(answer(StatusCode::OK, &Ack { ok: false }));
    };
    let route = visitor::page(&route, &app).map_err(|error| ApiError::bad_request(error.to_string()))?;
    if let Some(connection_id) = ConnectionId::read(&connection_id).filter(|_| app.settings().config.route_tracking) {
        match app.hub.others_of(connection_id) {
            Some(others) => drop(others.order(Order::Navigate(connection_id, route.to_owned())).await),
            None => app.hub.navigate(connection_id, route.to_owned()).await?,
        }
    }
    Ok(answer(StatusCode::OK, &Ack { ok: true }))
}

/// `POST {base}/subscribe-stats`. A refusal comes on the stream.
pub(crate) async fn subscribe_stats(
    State(app): State<Shared>,
    posted: Posted<SubscribeBody>,
) -> Result<Response, ApiError> {
    let SubscribeBody { connection_id, extra } = posted.body;
    let connection_id = connection_id.filter(|id| !id.is_empty());
    let connection_id = connection_id.ok_or_else(|| ApiError::bad_request("Missing connectionId"))?;
    if let Some(connection_id) = ConnectionId::read(&connection_id) {
        let asked = Subscription::read(&extra);
        if let Some(others) = app.hub.others_of(connection_id) {
            forward(&app, others, connection_id, asked, posted.caller).await?;
            return Ok(answer(StatusCode::OK, &Ack { ok: true }));
        }
        let verdict = match Watch::begin(&app, connection_id, posted.caller.kept()).await {
            Ok(watch) => Verdict::Granted(asked, watch),
            Err(refusal @ Refusal::Slowed(_)) => return Err(refusal.into()),
            Err(_) => Verdict::Refused,
        };
        if app.hub.subscribe(connection_id, verdict).await? == Subscribed::TooMany {
            let message =
                "there are as many subscribers as this server allows; try again later, or raise --max-subscribers";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message));
        }
    }
    Ok(answer(StatusCode::OK, &Ack { ok: true }))
}

/// Has the instance that has the connection look whether it may have stats. Tries are counted here, where the client's address is known, and
/// what is not good here goes no further.
async fn forward(
    app: &Shared,
    others: &Others,
    connection_id: ConnectionId,
    asked: Subscription,
    caller: Caller,
) -> Result<(), ApiError> {
    let credentials = match app.live.reader(&caller).await {
        Ok(_) => caller.credentials,
        Err(refusal @ Refusal::Slowed(_)) => return Err(refusal.into()),
        Err(_) => Credentials::default(),
    };
    others.order(Order::Subscribe { connection_id, asked, credentials }).await;
    Ok(())
}

/// A field that must be a string where it is anything. A stock server takes what JavaScript calls falsy for missing.
fn field(name: &str, value: Option<Text>) -> Result<Option<String>, ApiError> {
    match value {
        None => Ok(None),
        Some(Text::Whole(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Text::Damaged(json)) if matches!(json.as_str(), "null" | "false" | "0") => Ok(None),
        Some(Text::Damaged(_)) => Err(ApiError::bad_request(format!("{name} must be a string"))),
    }
}
