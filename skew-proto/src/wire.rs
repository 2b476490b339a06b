//! Names and numbers that both sides of the wire take for granted.

/// Base path of the endpoints for an app at the root of its host.
pub const DEFAULT_BASE_PATH: &str = "/__skew";

/// Cookie that carries a browser's build, for an app at the root of its host.
pub const DEFAULT_COOKIE_NAME: &str = "__nkpv";

/// Route that every `skew-tui` opens its stream with, so that all of them know each other and none counts as a visitor.
pub const TUI_ROUTE: &str = "/__skew/tui";

/// Where a route or version counts that is too long or damaged. No real route has this name: routes begin with `/`.
pub const OTHER: &str = "other";

/// Where an operator's stats recipe of the module's documentation lives.
pub const RECIPE_STATS_PATH: &str = "/api/admin/stats";

/// Where an operator's invalidation recipe of the module's documentation lives.
pub const RECIPE_INVALIDATE_PATH: &str = "/api/admin/invalidate-route";

/// Longest request body that a server reads, in bytes.
pub const MAX_BODY_BYTES: usize = 8 * 1024;

/// Longest route that is kept as it is, in bytes.
pub const MAX_ROUTE_BYTES: usize = 512;

/// Longest version that is kept as it is, in bytes.
pub const MAX_VERSION_BYTES: usize = 128;

/// Time between two `keepalive` messages on SSE, in milliseconds.
pub const KEEPALIVE_MS: u64 = 30_000;
