//! A whole site of Nuxt pages, with one of two servers for their streams, and one way to use either.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use crate::browser::{Browser, Person};
use crate::http;
use crate::nuxt::{ADMIN_SECRET, NuxtApp, Strategy};
use crate::proxy::Proxy;
use crate::server::SkewServer;

/// Makes four tests of each of these functions of `(Peer, Strategy)`: either server, over either transport.
#[macro_export]
macro_rules! everywhere {
    ($($name:ident),* $(,)?) => {
        $crate::everywhere!(@ stock_sse, Stock, Sse: $($name)*);
        $crate::everywhere!(@ stock_ws, Stock, Ws: $($name)*);
        $crate::everywhere!(@ ours_sse, Ours, Sse: $($name)*);
        $crate::everywhere!(@ ours_ws, Ours, Ws: $($name)*);
    };
    (@ $module:ident, $peer:ident, $strategy:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::site::Peer::$peer, $crate::nuxt::Strategy::$strategy).await;
            })*
        }
    };
}

/// Who serves the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The app itself, with the module's server.
    Stock,
    /// `skew-server`, behind a reverse proxy that gives it `/__skew/`.
    Ours,
}

/// A running site. Its current build is the app's own ([`Strategy::build_id`]) until [`Site::deploy`].
#[derive(Debug)]
pub struct Site {
    app: NuxtApp,
    ours: Option<(SkewServer, Proxy)>,
}

impl Site {
    /// Starts a site; for `env` see [`NuxtApp::start`].
    pub async fn start(peer: Peer, strategy: Strategy, env: &[(&str, &str)]) -> Self {
        let app = NuxtApp::start(strategy, env).await;
        let ours = match peer {
            Peer::Stock => None,
            Peer::Ours => {
                let args = ["--route-tracking", "--ip-tracking", "--trusted-proxy", "127.0.0.1/32"];
                let server = SkewServer::start(strategy.build_id(), &args).await;
                let proxy = Proxy::start(server.addr, SocketAddr::from((Ipv4Addr::LOCALHOST, app.port))).await;
                Some((server, proxy))
            }
        };
        Self { app, ours }
    }

    /// Puts another build in the place of this one: everything goes down and comes back at the same address.
    pub async fn deploy(&mut self, build_id: &str) {
        self.app.restart(&[("NUXT_APP_BUILD_ID", build_id)]).await;
        if let Some((server, _)) = &mut self.ours {
            server.restart(build_id).await;
        }
    }

    /// Where the site is, as visitors see it.
    pub fn addr(&self) -> SocketAddr {
        match &self.ours {
            Some((_, proxy)) => proxy.addr,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, self.app.port)),
        }
    }

    /// A URL of the site.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// A session of that role, by nuxt-auth-utils: the value of the cookie `nuxt-session`.
    pub async fn login(&self, role: &str) -> String {
        self.app.login(role).await
    }

    /// A person whose browser has such a session.
    pub async fn logged_in(&self, browser: &Browser, role: &str) -> Person {
        let person = browser.person().await;
        person.set_cookie(&self.url("/"), "nuxt-session", &self.login(role).await).await;
        person
    }

    /// The stats by the server's own endpoint for them.
    pub async fn stats(&self) -> Value {
        let request = http::client().get(self.url(&self.admin("stats"))).bearer_auth(ADMIN_SECRET);
        http::json(request).await.1
    }

    /// An invalidation by the server's own endpoint: the status and body of the answer.
    pub async fn invalidate(&self, route: &str, secret: &str) -> (u16, Value) {
        // A stock app wants the secret in the body, ours as a bearer token.
        let body = json!({ "route": route, "secret": secret });
        http::json(http::client().post(self.url(&self.admin("invalidate-route"))).bearer_auth(secret).json(&body)).await
    }

    fn admin(&self, endpoint: &str) -> String {
        let base = if self.ours.is_some() { "/__skew" } else { "/api" };
        format!("{base}/admin/{endpoint}")
    }
}
