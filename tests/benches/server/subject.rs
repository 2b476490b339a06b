//! A server that is measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;
use skew_tests::binaries::built_or;
use skew_tests::cost::{cpu_ticks, resident_kib};
use skew_tests::http::{self, Client};
use skew_tests::load::caller::Caller;
use skew_tests::load::orders::now_us;
use skew_tests::load::target::{Hello, Target, Under};
use skew_tests::load::wire::Transport;
use skew_tests::nuxt::{ADMIN_SECRET, NuxtApp, Strategy};
use skew_tests::peers::Nchan;
use skew_tests::process::Process;
use skew_tests::server::SkewServer;
use tokio::process::Command;
use tokio::time::sleep;

use crate::axum_peer;

/// The `version` message that peers are given to pass on.
const VERSION: &str = r#"{"type":"version","version":"build-2","force":true,"timestamp":1795000000000}"#;

/// A running server; it ends when it is dropped.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    running: Running,
}

enum Running {
    Skew(SkewServer),
    Axum(Process),
    Nchan(Nchan),
    Nuxt(NuxtApp),
}

impl Subject {
    pub(crate) async fn skew(name: &'static str, transport: Transport) -> Self {
        let program = built_or("BENCH_SERVER", "skew-server");
        let server = SkewServer::start_program(&program, "build-2", &["--route-tracking"]).await;
        Self { name, target: Target::skew(server.addr, transport), running: Running::Skew(server) }
    }

    /// Nothing where this server has no TLS.
    pub(crate) async fn skew_tls(name: &'static str, under: Under) -> Option<Self> {
        let program = built_or("BENCH_SERVER", "skew-server");
        let help = std::process::Command::new(&program).arg("--help").output().expect("the server can be started");
        if !String::from_utf8_lossy(&help.stdout).contains("--tls-cert") {
            eprintln!("left out: {} has no TLS", program.display());
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a name can be certified");
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, own.cert.pem()).expect("a temporary file can be written");
        std::fs::write(&key, own.signing_key.serialize_pem()).expect("a temporary file can be written");
        let files = [&certificate, &key].map(|path| path.to_str().expect("a temporary path is UTF-8"));
        let args = ["--route-tracking", "--tls-cert", files[0], "--tls-key", files[1]];
        let server = SkewServer::start_program(&program, "build-2", &args).await;
        let target = Target { under, ..Target::skew(server.addr, Transport::Sse) };
        Some(Self { name, target, running: Running::Skew(server) })
    }

    pub(crate) async fn axum() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a running program has a path"));
        command.arg(axum_peer::MODE);
        let mut process = Process::spawn("the axum server", command);
        let address = |line: &str| line.strip_prefix("listening on ")?.parse::<SocketAddr>().ok();
        let addr = process.stdout.until("the address of the axum server", address).await;
        Self { name: "axum `Sse`", target: channel(addr), running: Running::Axum(process) }
    }

    /// Nothing where it is not installed.
    pub(crate) async fn nchan() -> Option<Self> {
        let Some(nchan) = Nchan::start().await else {
            eprintln!("left out: nginx with nchan is not installed (Debian: nginx-light libnginx-mod-nchan)");
            return None;
        };
        Some(Self { name: "nginx with nchan", target: channel(nchan.addr), running: Running::Nchan(nchan) })
    }

    /// Nothing where the app is not built.
    pub(crate) async fn nuxt(strategy: Strategy) -> Option<Self> {
        if !strategy.is_built() {
            eprintln!("left out: the Nuxt app is not built (tests/run does it)");
            return None;
        }
        let (name, transport) = match strategy {
            Strategy::Sse => ("stock Nuxt app, SSE", Transport::Sse),
            Strategy::Ws => ("stock Nuxt app, WS", Transport::Ws),
        };
        let app = NuxtApp::start(strategy, &[]).await;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, app.port));
        Some(Self { name, target: Target::skew(addr, transport), running: Running::Nuxt(app) })
    }

    /// Whether it is the module's own server.
    pub(crate) fn is_stock(&self) -> bool {
        matches!(self.running, Running::Nuxt(_))
    }

    /// Sends a `version` message to everybody, and answers when, in microseconds.
    pub(crate) async fn broadcast(&self) -> u64 {
        let bearer = format!("Authorization: Bearer {ADMIN_SECRET}\r\n");
        let mut caller = Caller::new(self.target.addr, Ipv4Addr::LOCALHOST);
        let everybody = json!({"route": "/", "secret": ADMIN_SECRET}).to_string();
        let start = now_us();
        let answer = match &self.running {
            Running::Skew(_) if self.target.under != Under::Tcp => self.broadcast_over_tls(everybody).await,
            Running::Skew(_) => caller.post("/__skew/admin/invalidate-route", &bearer, &everybody).await,
            Running::Nuxt(_) => caller.post("/api/admin/invalidate-route", "", &everybody).await,
            Running::Axum(_) | Running::Nchan(_) => caller.post("/pub", "", VERSION).await,
        };
        let status = answer.expect("the server answers");
        assert!(matches!(status, 200..300), "{} answered a broadcast with {status}", self.name);
        start
    }

    async fn broadcast_over_tls(&self, body: String) -> std::io::Result<u16> {
        let client = Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build();
        let url = format!("https://{}/__skew/admin/invalidate-route", self.target.addr);
        let request = client.map_err(std::io::Error::other)?.post(url).bearer_auth(ADMIN_SECRET);
        let answer = request.header("Content-Type", "application/json").body(body).send().await;
        Ok(answer.map_err(std::io::Error::other)?.status().as_u16())
    }

    /// Sends a `version` message to those on that page, and answers how many they are; ours alone can.
    pub(crate) async fn send_to(&self, client: &Client, route: &str) -> u64 {
        let url = format!("http://{}/__skew/admin/invalidate-route", self.target.addr);
        let body = json!({"route": route, "match": "exact"});
        let (status, answer) = http::json(client.post(url).bearer_auth(ADMIN_SECRET).json(&body)).await;
        assert_eq!(status, 200, "{answer}");
        answer["matched"].as_u64().unwrap_or(0)
    }

    /// Resident memory in bytes, when it has stopped to change.
    pub(crate) async fn resident(&self) -> u64 {
        let mut before = resident_kib(self.pid());
        for _ in 0..20 {
            sleep(Duration::from_millis(500)).await;
            let now = resident_kib(self.pid());
            if now == before {
                break;
            }
            before = now;
        }
        before * 1024
    }

    /// Time on a processor so far, in hundredths of a second.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        cpu_ticks(self.pid())
    }

    fn pid(&self) -> u32 {
        match &self.running {
            Running::Skew(server) => server.process.pid(),
            Running::Axum(process) => process.pid(),
            Running::Nchan(nchan) => nchan.process.pid(),
            Running::Nuxt(app) => app.process.pid(),
        }
    }
}

/// A stream that is no part of the protocol.
fn channel(addr: SocketAddr) -> Target {
    Target { addr, transport: Transport::Sse, path: "/sub".into(), hello: Hello::Head, under: Under::Tcp }
}
