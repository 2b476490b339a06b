//! A server with a crowd that is not there: it says what a stock server or ours with so many tabs would say, as often as one likes.
//! Real tabs by the ten thousand would measure themselves.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// Tabs that come, go and move in each snapshot.
const MOVES: usize = 10;

/// Routes that there are.
const ROUTES: usize = 50;

const BUILDS: [&str; 3] = ["8f3a2c1d-new", "5b90aa01-old", "c41d77e9-older"];

/// How a server tells that tabs come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// By a whole snapshot each time, as a stock server.
    Snapshots,
    /// By a snapshot and then by what has changed, as ours where it is asked to.
    Changes,
}

/// A running server. Dropping it ends it.
pub struct Crowd {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    _accepting: JoinSet<()>,
}

impl Crowd {
    /// Starts it with so many tabs. Who subscribes gets one snapshot, and with `every` another one, or the changes, each time: a
    /// few tabs are others.
    pub async fn start(tabs: usize, every: Option<Duration>, telling: Telling) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let subscribed = Arc::new(Notify::new());
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let subscribed = Arc::clone(&subscribed);
                open.spawn(async move {
                    // A peer that is gone needs no answer.
                    let _ = answer(socket, tabs, every, telling, &subscribed).await;
                });
            }
        });
        Self { port, _accepting: accepting }
    }

    /// The site's URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn answer(
    mut socket: TcpStream,
    tabs: usize,
    every: Option<Duration>,
    telling: Telling,
    subscribed: &Notify,
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    loop {
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut piece = [0; 4096];
            match socket.read(&mut piece).await? {
                0 => return Ok(()),
                length => head.extend_from_slice(&piece[..length]),
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        if head.starts_with("GET /__skew/sse") {
            return stream(socket, tabs, every, telling, subscribed).await;
        }
        let body = if head.starts_with("POST /__skew/subscribe-stats") {
            subscribed.notify_one();
            ("200 OK", r#"{"ok":true}"#)
        } else {
            ("404 Not Found", r#"{"error":true}"#)
        };
        let (status, body) = body;
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        socket.write_all(answer.as_bytes()).await?;
    }
}

async fn stream(
    mut socket: TcpStream,
    tabs: usize,
    every: Option<Duration>,
    telling: Telling,
    subscribed: &Notify,
) -> std::io::Result<()> {
    let server = match telling {
        Telling::Snapshots => "",
        Telling::Changes => r#","server":{"name":"skew-server","version":"0"}"#,
    };
    let hello =
        format!(r#"{{"type":"connected","version":"{}","connectionId":"secret","timestamp":1{server}}}"#, BUILDS[0]);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    socket.write_all(format!("{head}data: {hello}\n\n").as_bytes()).await?;
    subscribed.notified().await;
    let mut people = People::new(tabs);
    socket.write_all(people.snapshot(telling).as_bytes()).await?;
    let mut ticks = interval(every.unwrap_or(Duration::from_secs(30)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match every {
            Some(_) => {
                let changes = people.change();
                let news = if telling == Telling::Changes { changes } else { people.snapshot(telling) };
                socket.write_all(news.as_bytes()).await?;
            }
            None => socket.write_all(b"data: {\"type\":\"keepalive\",\"timestamp\":1}\n\n").await?,
        }
    }
}

/// Everybody, by build, route and the number that their id is made of.
struct People {
    tabs: Vec<(usize, usize, usize)>,
    came: usize,
}

impl People {
    fn new(tabs: usize) -> Self {
        let tabs: Vec<_> = (0..tabs).map(|at| (at % BUILDS.len(), at * 7 % ROUTES, at)).collect();
        Self { came: tabs.len(), tabs }
    }

    /// A few leave, and as many come on the newest build: the changes that ours says for it, as an event.
    fn change(&mut self) -> String {
        let (before, since) = (self.counts(), self.came);
        let mut closed = Vec::new();
        for _ in 0..MOVES.min(self.tabs.len()) {
            let at = self.came * 31 % self.tabs.len();
            closed.push(format!(r#""{}""#, id(self.tabs.remove(at).2)));
            self.tabs.push((0, self.came % ROUTES, self.came));
            self.came += 1;
        }
        let after = self.counts();
        let opened: Vec<_> = self.tabs.iter().filter(|tab| tab.2 >= since).map(connection).collect();
        let changed = |before: &[u64], after: &[u64], name: &dyn Fn(usize) -> String| {
            let counts = before.iter().zip(after).enumerate().filter(|(_, (was, is))| was != is);
            counts.map(|(at, (_, is))| format!(r#""{}":{is}"#, name(at))).collect::<Vec<_>>().join(",")
        };
        format!(
            r#"data: {{"type":"stats-changes","since":{since},"seq":{},"total":{},"versions":{{{}}},"routes":{{{}}},"opened":[{}],"closed":[{}]}}{}"#,
            self.came,
            self.tabs.len() + 1,
            changed(&before.0, &after.0, &|at| BUILDS[at].to_owned()),
            changed(&before.1, &after.1, &|at| format!("/products/{at}")),
            opened.join(","),
            closed.join(","),
            "\n\n"
        )
    }

    /// How many are on each build, who watches among them, and on each route.
    fn counts(&self) -> ([u64; BUILDS.len()], [u64; ROUTES]) {
        let (mut builds, mut routes) = ([0; BUILDS.len()], [0; ROUTES]);
        for (build, route, _) in &self.tabs {
            builds[*build] += 1;
            routes[*route] += 1;
        }
        builds[0] += 1;
        (builds, routes)
    }

    /// A server's `stats`, as an event. Ours numbers them.
    fn snapshot(&self, telling: Telling) -> String {
        let (builds, routes) = self.counts();
        let mut text = String::with_capacity(150 * self.tabs.len() + 4096);
        let total = self.tabs.len() + 1;
        let own = r#"{"id":"me","version":"8f3a2c1d-new","route":"/__skew/tui","ip":"127.0.0.1"}"#;
        let _ = write!(text, r#"data: {{"type":"stats","total":{total},"versions":{{"#);
        let counts = BUILDS.iter().zip(builds).map(|(build, count)| format!(r#""{build}":{count}"#));
        text.push_str(&counts.collect::<Vec<_>>().join(","));
        text.push_str(r#"},"routes":{"/__skew/tui":1"#);
        for (route, count) in routes.iter().enumerate().filter(|(_, count)| **count > 0) {
            let _ = write!(text, r#","/products/{route}":{count}"#);
        }
        let _ = write!(text, r#"}},"connections":[{own}"#);
        for tab in &self.tabs {
            text.push(',');
            text.push_str(&connection(tab));
        }
        text.push_str(r#"],"yourId":"me""#);
        if telling == Telling::Changes {
            let _ = write!(text, r#","seq":{},"granted":{{"changes":true,"list":"all"}}"#, self.came);
        }
        text.push_str("}\n\n");
        text
    }
}

fn id(number: usize) -> String {
    let scrambled = (number as u32).wrapping_mul(2_654_435_761);
    format!("{scrambled:08x}-0000-4000-8000-{number:012}")
}

fn connection((build, route, number): &(usize, usize, usize)) -> String {
    let (id, build) = (id(*number), BUILDS[*build]);
    let ip = format!("203.0.{}.{}", number / 250 % 250, number % 250);
    format!(r#"{{"id":"{id}","version":"{build}","route":"/products/{route}","ip":"{ip}"}}"#)
}
