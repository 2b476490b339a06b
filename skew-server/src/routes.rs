//! A server as a router: what is started, and which path leads to which handler.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::{any, get, post};
use skew_proto::wire;
use tokio::sync::mpsc;

use crate::app::{App, Shared};
use crate::config::{Config, ConfigError};
use crate::guard::guarded;
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::hub::Hub;
use crate::live::Live;
use crate::{admin, client, presence, transport, webhook};

/// Starts a server and returns its endpoints, to be served or merged into an application's own, and the handle to speak to it.
///
/// The server sees client addresses where the router is served by [`serve`](crate::serve) or with
/// [`into_make_service_with_connect_info`](Router::into_make_service_with_connect_info) of a `SocketAddr`. It runs on the tokio
/// runtime it is called on, until handle and router are gone.
///
/// # Errors
///
/// When the configuration can't be used.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn router(config: Config, hooks: impl Hooks) -> Result<(Router, Handle), ConfigError> {
    let base = config.checked()?.base_path;
    let hooks: Arc<dyn Hooks> = Arc::new(hooks);
    let live = Arc::new(Live::new(config, hooks.clone())?);
    let (sender, commands) = mpsc::unbounded_channel();
    let handle = presence::start(Handle::new(sender, live.clone()));
    let (hub, sending) = (Hub::new(live.clone(), hooks).run(commands), webhook::run(live.clone()));
    tokio::spawn(async move {
        // Nothing is sent any more once the hub has ended, and nobody is left who could tell.
        tokio::select! {
            () = hub => {}
            () = sending => {}
        }
    });

    let app: Shared = Arc::new(App { live, hub: handle.clone(), started: Instant::now() });
    Ok((routes(&base, app), handle))
}

fn routes(base: &str, app: Shared) -> Router {
    let at = |path: &str| format!("{base}{path}");
    let mut router = Router::new()
        .route(&at("/sse"), get(transport::sse::open))
        .route(&at("/ws"), get(transport::ws::open))
        .route(&at("/route"), post(transport::post::route))
        .route(&at("/subscribe-stats"), post(transport::post::subscribe_stats))
        .route(&at("/health"), get(transport::health))
        .route(&at("/client.js"), get(client::script))
        .route(&at("/admin/stats"), get(admin::stats))
        .route(&at("/admin/invalidate-route"), post(admin::invalidate))
        .route(&at("/admin/release"), post(admin::release))
        .route(&at("/admin/users"), get(admin::people::users))
        .route(&at("/admin/users/{id}"), get(admin::people::user))
        .route(&at("/admin/message"), post(admin::people::message))
        .route(&at("/admin/invalidate-user"), post(admin::people::invalidate_user))
        .route(&at("/admin/{*rest}"), any(admin::unknown));
    // Below `/api` the endpoints are those of the recipe already.
    if app.settings().config.recipe_endpoints && at("/admin/stats") != wire::RECIPE_STATS_PATH {
        router = router
            .route(wire::RECIPE_STATS_PATH, get(admin::stats))
            .route(wire::RECIPE_INVALIDATE_PATH, post(admin::invalidate));
    }
    router.layer(map_response(guarded)).with_state(app)
}
