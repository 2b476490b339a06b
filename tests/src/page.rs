//! A site without Nuxt: one HTML page, served at every path.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running server of one page; it ends when it is dropped. A [`crate::proxy::Proxy`] gives it a stream.
#[derive(Debug)]
pub struct PlainPage {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl PlainPage {
    /// Serves `html` on a free loopback port.
    pub async fn start(html: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
        let answer = format!("{head}Content-Length: {}\r\n\r\n{html}", html.len());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answer.clone();
                // A browser that hangs up early has had enough.
                tokio::spawn(async move { serve(stream, &answer).await.ok() });
            }
        });
        Self { addr, task }
    }
}

impl Drop for PlainPage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    // The head only: nobody posts to a plain page.
    while stream.read_line(&mut line).await? > 2 {
        line.clear();
    }
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
