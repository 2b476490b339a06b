//! A server that knows which build and which page every open browser tab of a site is on, tells those who may know, and reaches
//! the tabs: with the news of a release, a request to reload, or a message of the application's own.
//!
//! It speaks the protocol of the npm module `nuxt-skew-protection`, so that the module's browser client works against it
//! unchanged; sites without Nuxt take the script at `{base}/client.js`.
//!
//! The program `skew-server` is a thin shell around [`router`], [`listen`] and [`serve`]. An application that has an axum server already
//! merges the router into its own:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use skew_server::{Config, Secret};
//!
//! let config = Config {
//!     route_tracking: true,
//!     admin_secrets: vec![Secret::new("change me")?],
//!     ..Config::new("build-8f3a2c1d")
//! };
//! let (skew, handle) = skew_server::router(config, ())?;
//! let app: Router = Router::new().route("/", get(|| async { "hello" })).merge(skew);
//! assert_eq!(handle.stats().await?.total, 0);
//! # Ok(())
//! # }
//! ```

mod address;
mod admin;
mod app;
mod auth;
mod client;
mod clock;
mod config;
mod cookies;
mod events;
mod failure;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod guard;
mod handle;
mod hooks;
mod hub;
mod id;
mod instance;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod json;
mod limits;
mod live;
pub mod manifest;
mod metrics;
mod operator;
mod origin;
mod outbound;
mod posted;
mod presence;
mod routes;
mod serve;
mod session;
mod transport;
mod user;
mod visitor;
mod webhook;

pub use config::{
    AddressHeader, ClaimRule, Config, ConfigError, IpNet, JwtAlgorithm, JwtConfig, JwtError, JwtKeys, Limits, NotARate,
    Rate, RedisConfig, RedisUrlError, Secret, SessionConfig, UserConfig, UserHash, WebhookConfig,
};
pub use handle::{Handle, SendError, Stopped};
pub use hooks::{
    Credentials, Decision, Hooks, Identification, IdentityRequest, OpenedConnection, Sender, StatsRequest,
};
pub use hub::answer::{Current, Invalidated, Mode, Released};
pub use id::{NotAnId, PublicId};
pub use operator::{operator, serve_operator};
pub use presence::exchange::Target;
pub use routes::router;
pub use serve::{Edge, Tls, TlsError, listen, serve};
/// The types of the protocol, of which some are in this crate's own interface.
pub use skew_proto;
