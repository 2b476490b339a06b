//! A small reverse proxy: everything under `/__skew/` goes to one server, everything else to another.
//!
//! It forwards one request for each connection (`Connection: close`, but for WebSocket upgrades) and then only moves
//! bytes, so that streams stream.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What goes to the first server.
const SKEW: &str = "/__skew/";
const MAX_HEAD: usize = 64 * 1024;

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port, in front of `skew` for `/__skew/` and of `site` for all else.
    pub async fn start(skew: SocketAddr, site: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let task = tokio::spawn(async move {
            while let Ok((client, peer)) = listener.accept().await {
                // A side that hangs up ends the connection: nobody is left to tell.
                tokio::spawn(async move { forward(client, peer, skew, site).await.ok() });
            }
        });
        Self { addr, task }
    }

    /// A URL of the site as the proxy shows it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut client: TcpStream, peer: SocketAddr, skew: SocketAddr, site: SocketAddr) -> io::Result<()> {
    let mut received = Vec::new();
    let (head, target) = loop {
        if client.read_buf(&mut received).await? == 0 || received.len() > MAX_HEAD {
            return Ok(());
        }
        if let Some((length, path, head)) = rewrite(&received, peer)? {
            let target = if path.starts_with(SKEW) { skew } else { site };
            received.drain(..length);
            break (head, target);
        }
    };
    let mut server = TcpStream::connect(target).await?;
    server.write_all(&head).await?;
    server.write_all(&received).await?;

    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::select! {
        moved = copy(&mut from_client, &mut to_server) => moved?,
        moved = copy(&mut from_server, &mut to_client) => moved?,
    };
    Ok(())
}

/// The length of the request's head, its path, and the head to send on; none while it is not complete.
fn rewrite(received: &[u8], peer: SocketAddr) -> io::Result<Option<(usize, String, Vec<u8>)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(received).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let path = request.path.unwrap_or("/").to_owned();
    let upgrades = request.headers.iter().any(|header| header.name.eq_ignore_ascii_case("upgrade"));

    let mut head = format!("{} {path} HTTP/1.1\r\n", request.method.unwrap_or("GET")).into_bytes();
    for header in request.headers.iter() {
        let ours = ["connection", "keep-alive", "x-forwarded-for"];
        if !ours.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
            head.extend([header.name.as_bytes(), b": ", header.value, b"\r\n"].concat());
        }
    }
    let connection = if upgrades { "Upgrade" } else { "close" };
    head.extend(format!("X-Forwarded-For: {}\r\nConnection: {connection}\r\n\r\n", peer.ip()).bytes());
    Ok(Some((length, path, head)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// A server for one connection: says which it is and what it was sent, then echoes.
    async fn server(name: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(format!("{name}\n").as_bytes()).await.expect("the proxy reads");
                let (mut read, mut write) = stream.split();
                let _ = copy(&mut read, &mut write).await;
            }
        });
        addr
    }

    async fn answer(request: &str) -> String {
        let proxy = Proxy::start(server("skew").await, server("site").await).await;
        let mut stream = TcpStream::connect(proxy.addr).await.expect("the proxy listens");
        // In two pieces, as networks do.
        let (first, second) = request.split_at(9);
        stream.write_all(first.as_bytes()).await.expect("sent");
        stream.write_all(second.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"END") {
            assert_ne!(timeout(SOON, stream.read_buf(&mut answer)).await.expect("streamed").expect("read"), 0);
        }
        String::from_utf8(answer).expect("text")
    }

    #[tokio::test]
    async fn the_stream_goes_to_one_server_and_the_site_to_the_other() {
        let stream = answer("GET /__skew/sse?route=/ HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\nEND").await;
        assert_eq!(
            stream,
            "skew\nGET /__skew/sse?route=/ HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\nEND"
        );
        let page = answer("GET /__skewed HTTP/1.1\r\nHost: x\r\n\r\nEND").await;
        assert!(page.starts_with("site\nGET /__skewed HTTP/1.1\r\n"), "{page}");
    }

    #[tokio::test]
    async fn an_upgrade_stays_one_and_a_forged_address_does_not() {
        let request = "GET /__skew/ws HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nEND";
        let stream = answer(request).await;
        assert!(stream.ends_with("Upgrade: websocket\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: Upgrade\r\n\r\nEND"));
        assert!(!stream.contains("6.6.6.6"));
    }
}
