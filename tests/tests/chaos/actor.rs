//! One after another the lives of a connection: most of them bad.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use skew_tests::PATIENCE;
use skew_tests::load::caller::Caller;
use skew_tests::load::target::{Stream, Target, connect, connect_narrow};
use skew_tests::load::wire::{Said, Transport, frame, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout, timeout_at};

use crate::oracle::Held;
use crate::{Site, pause};

pub(crate) struct Actor {
    site: Arc<Site>,
    source: Ipv4Addr,
    dice: StdRng,
}

/// How a connection ends.
#[derive(Clone, Copy)]
enum Exit {
    Close,
    /// By a packet that says so, with nothing in order.
    Reset,
    /// First the half that writes.
    Half,
}

impl Actor {
    pub(crate) fn new(site: Arc<Site>, source: Ipv4Addr, dice: StdRng) -> Self {
        Self { site, source, dice }
    }

    /// Opens a connection as everybody should.
    pub(crate) async fn arrive(mut self) -> Option<Held> {
        pause(&mut self.dice, 0..3_000).await;
        Some(self.settle().await)
    }

    /// Lives until then. Whoever is open then and reads has moved to another page, or a new connection comes in its place, or none.
    pub(crate) async fn live(mut self, end: Instant) -> Option<Held> {
        pause(&mut self.dice, 0..15_000).await;
        while Instant::now() < end {
            // Whatever comes of a life: the server may have had enough of it.
            let _ = match self.dice.random_range(0..10) {
                0..=3 => match self.browse(end).await {
                    Ok(held @ Some(_)) => return held,
                    Ok(None) => Ok(()),
                    Err(error) => panic!("the server ended one who did no harm: {error}"),
                },
                4 => self.stall(end).await,
                5 => self.drip(end).await,
                6 => self.garbage_head().await,
                7 => self.garbage_later().await,
                8 => self.odd_page().await,
                _ => self.leave_early().await,
            };
            // Five thousand who never rest would only measure how many requests a debug build answers.
            let rest = Instant::now() + Duration::from_millis(self.dice.random_range(0..8_000));
            sleep(rest.min(end) - Instant::now()).await;
        }
        if self.dice.random() { Some(self.settle().await) } else { None }
    }

    /// A connection that stays, on a page of its choice.
    async fn settle(&mut self) -> Held {
        let (version, route) = (self.version(), self.route());
        let stream = self.open(&version, &route).await;
        Held { version, route, _stream: Some(stream) }
    }

    async fn open(&mut self, version: &str, route: &str) -> Stream {
        let (target, cookie) = (self.target(), format!("Cookie: __nkpv={version}\r\n"));
        let opened = timeout(PATIENCE, target.open(self.source, route, &cookie)).await;
        let opened = opened.unwrap_or_else(|_| panic!("no stream within {PATIENCE:?}"));
        opened.unwrap_or_else(|error| panic!("no stream for one who does no harm: {error}"))
    }

    /// Goes from page to page. Open at the end it stays so.
    async fn browse(&mut self, end: Instant) -> io::Result<Option<Held>> {
        let (version, mut route) = (self.version(), self.route());
        let mut stream = self.open(&version, &route).await;
        let mut caller = Caller::new(self.site.sse.addr, self.source);
        for _ in 0..self.dice.random_range(0..8) {
            let until = Instant::now() + Duration::from_millis(self.dice.random_range(500..16_000));
            read_until(&mut stream, until.min(end)).await?;
            if Instant::now() >= end {
                break;
            }
            route = self.route();
            match stream.wire.transport() {
                Transport::Ws => {
                    let message = text(&format!(r#"{{"type":"route-update","route":"{route}"}}"#));
                    stream.socket.write_all(&message).await?;
                }
                Transport::Sse => {
                    let body = format!(r#"{{"connectionId":"{}","route":"{route}"}}"#, stream.id);
                    let status = caller.post("/__skew/route", "", &body).await?;
                    if status != 200 {
                        return Err(io::Error::other(format!("a page was answered {status}")));
                    }
                }
            }
        }
        if Instant::now() >= end {
            return Ok(Some(Held { version, route, _stream: Some(stream) }));
        }
        self.exit(stream.socket).await?;
        Ok(None)
    }

    /// Opens and never reads again.
    async fn stall(&mut self, end: Instant) -> io::Result<()> {
        let target = self.target();
        let socket = connect_narrow(target.addr, self.source).await?;
        let stream = target.begin(socket, "/stalled", "").await?;
        let until = Instant::now() + Duration::from_millis(self.dice.random_range(1_000..60_000));
        sleep(until.min(end) - Instant::now()).await;
        self.exit(stream.socket).await
    }

    /// Sends its head a byte at a time, and may leave in the middle.
    async fn drip(&mut self, end: Instant) -> io::Result<()> {
        let target = self.target();
        let head = target.request("/drip", "");
        let mut socket = connect(target.addr, self.source).await?;
        let most = self.dice.random_range(1..=2 * head.len()).min(head.len());
        let ms = self.dice.random_range(50..1_000);
        for byte in &head.as_bytes()[..most] {
            if Instant::now() >= end {
                break;
            }
            socket.write_all(&[*byte]).await?;
            sleep(Duration::from_millis(ms)).await;
        }
        self.exit(socket).await
    }

    /// Sends what is no request.
    async fn garbage_head(&mut self) -> io::Result<()> {
        let mut socket = connect(self.site.sse.addr, self.source).await?;
        let mut bytes = vec![0; self.dice.random_range(1..4_000)];
        self.dice.fill_bytes(&mut bytes);
        match self.dice.random_range(0..4) {
            // Something like HTTP.
            0 => bytes.splice(0..0, *b"GET /__skew/sse HTTP/1.1\r\n").for_each(drop),
            // A body that is none.
            1 => {
                let head = "POST /__skew/route HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n";
                bytes.splice(0..0, head.bytes()).for_each(drop);
            }
            // A head without an end.
            2 => bytes = b"GET / HTTP/1.1\r\nA: ".iter().copied().chain(std::iter::repeat_n(b'a', 60_000)).collect(),
            _ => {}
        }
        socket.write_all(&bytes).await?;
        let until = Instant::now() + Duration::from_millis(self.dice.random_range(10..2_000));
        let _ = timeout_at(until.into(), socket.read(&mut [0; 1024])).await;
        self.exit(socket).await
    }

    /// Opens as everybody should, and then sends garbage.
    async fn garbage_later(&mut self) -> io::Result<()> {
        let (version, route) = (self.version(), "/garbage");
        let mut stream = self.open(&version, route).await;
        let mut bytes = vec![0; self.dice.random_range(1..2_000)];
        self.dice.fill_bytes(&mut bytes);
        let garbage = match self.dice.random_range(0..6) {
            // Frames that no client may send: not masked, reserved, too long, no UTF-8, the rest of nothing.
            0 => bytes,
            1 => b"\x81\x05hello".to_vec(),
            2 => frame(3, b"reserved"),
            3 => b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec(),
            4 => frame(1, &bytes),
            _ => frame(0, b"the rest"),
        };
        stream.socket.write_all(&garbage).await?;
        let until = Instant::now() + Duration::from_millis(self.dice.random_range(10..3_000));
        // The server may end it; then it is ended.
        read_until(&mut stream, until).await?;
        self.exit(stream.socket).await
    }

    /// A page that is none, and messages that mean nothing.
    async fn odd_page(&mut self) -> io::Result<()> {
        let odd = ["", "%00%0d%0a", "no-page", "/a&route=/b", "/%e2%80%ae", "/%1b[2J", "https://x/y"];
        let long = "/x".repeat(2_000);
        let route = odd.get(self.dice.random_range(0..=odd.len())).copied().unwrap_or(&long);
        let mut stream = self.target().open(self.source, route, "Cookie: __nkpv=__proto__\r\n").await?;
        for message in ["{", r#"{"type":"route-update","route":["/a"]}"#, r#"{"type":"subscribe-stats"}"#, "ping"] {
            pause(&mut self.dice, 1..300).await;
            match stream.wire.transport() {
                Transport::Ws => stream.socket.write_all(&text(message)).await?,
                Transport::Sse => {
                    // Refused or not, it is answered.
                    Caller::new(self.site.sse.addr, self.source).post("/__skew/route", "", message).await?;
                }
            }
        }
        read_until(&mut stream, Instant::now() + Duration::from_millis(500)).await?;
        self.exit(stream.socket).await
    }

    /// Is gone before it is answered.
    async fn leave_early(&mut self) -> io::Result<()> {
        let target = self.target();
        let mut socket = connect(target.addr, self.source).await?;
        if self.dice.random() {
            socket.write_all(target.request("/early", "").as_bytes()).await?;
        }
        self.exit(socket).await
    }

    async fn exit(&mut self, socket: TcpStream) -> io::Result<()> {
        match [Exit::Close, Exit::Reset, Exit::Half][self.dice.random_range(0..3)] {
            Exit::Close => {}
            Exit::Reset => socket.set_zero_linger()?,
            Exit::Half => {
                let mut socket = socket;
                socket.shutdown().await?;
                pause(&mut self.dice, 1..3_000).await;
            }
        }
        Ok(())
    }

    fn target(&mut self) -> Target {
        if self.dice.random() { self.site.sse.clone() } else { self.site.ws.clone() }
    }

    fn version(&mut self) -> String {
        format!("build-{}", self.dice.random_range(0..5))
    }

    fn route(&mut self) -> String {
        format!("/products/{}", self.dice.random_range(0..40))
    }
}

/// Reads what comes until then, and answers pings.
async fn read_until(stream: &mut Stream, until: Instant) -> io::Result<()> {
    let mut piece = [0; 1024];
    while let Ok(read) = timeout_at(until.into(), stream.socket.read(&mut piece)).await {
        let (length, mut pongs) = (read?, Vec::new());
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let understood = stream.wire.read(&piece[..length], &mut |said| {
            if let Said::Ping(payload) = said {
                pongs.push(frame(10, payload));
            }
        });
        understood.map_err(io::Error::other)?;
        for pong in pongs {
            stream.socket.write_all(&pong).await?;
        }
    }
    Ok(())
}
