//! An application with its own axum server takes the skew endpoints into it, greets every tab, decides who sees stats, and asks
//! the tabs of a page to reload.
//!
//! `cargo run -p skew-server --example embed`, then open <http://127.0.0.1:3000> in two tabs and press the button in one.

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::{get, post};
use serde_json::json;
use skew_server::skew_proto::{MatchKind, RoutePattern};
use skew_server::{Config, Decision, Hooks, Mode, OpenedConnection, PublicId, Sender, StatsRequest};
use tokio::net::TcpListener;

struct Application;

impl Hooks for Application {
    fn connection_open(&self, connection: &OpenedConnection<'_>, sender: Sender) {
        println!("{} opened {}", connection.id, connection.route);
        // Only a connection that has closed meanwhile refuses it.
        let _ = sender.send(&json!({"type": "welcome"}));
    }

    fn connection_close(&self, id: PublicId) {
        println!("{id} closed");
    }

    fn route_update(&self, id: PublicId, route: &str) {
        println!("{id} went to {route}");
    }

    fn authorize_stats<'a>(&'a self, request: StatsRequest<'a>) -> Option<Decision<'a>> {
        // A real application looks its session up here.
        let cookies = request.credentials.cookie.as_deref().unwrap_or_default();
        let is_admin = cookies.split(';').any(|cookie| cookie.trim() == "admin=yes");
        Some(Box::pin(async move { is_admin }))
    }
}

const PAGE: &str = r#"<!doctype html><title>embed</title><h1>A page</h1><form method="post" action="/reload"><button>reload every tab</button></form>
<script src="/__skew/client.js" data-build="build-1"></script>"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config { route_tracking: true, ..Config::new("build-1") };
    let (skew, handle) = skew_server::router(config, Application)?;

    let everybody = RoutePattern::new(MatchKind::Prefix, "/")?;
    // What acts is a POST: a link can be followed by a crawler or a preview.
    let reload = post(move || async move {
        let outcome = handle.invalidate(everybody, Mode::Send).await;
        outcome.map_or_else(|error| error.to_string(), |told| format!("told {} tabs", told.matched))
    });
    let app = Router::new().route("/", get(|| async { Html(PAGE) })).route("/reload", reload).merge(skew);

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("open http://{}", listener.local_addr()?);
    // With the client's address, which address tracking and trusted proxies need.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
