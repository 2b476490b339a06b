//! Where connections go, and how one is opened.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::wire::{Said, Transport, Wire};

/// As much as goes into a packet on most of the ways through the Internet.
const PACKET_BYTES: u32 = 1_460;

/// A server's stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    /// Where it listens.
    pub addr: SocketAddr,
    /// How it sends.
    pub transport: Transport,
    /// Path of the stream.
    pub path: String,
    /// Whether it says who one is, as a server of the protocol does, or just begins.
    pub hello: Hello,
    /// What is under it.
    pub under: Under,
}

/// What a stream goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Under {
    /// TCP alone.
    Tcp,
    /// TLS with whatever certificate the server has.
    Tls,
    /// TLS and HTTP/2, with one stream on each connection.
    Http2,
}

/// What comes first on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hello {
    /// A `connected` message with the connection's id.
    Connected,
    /// Nothing but the head of the answer.
    Head,
}

/// A stream that has begun.
#[derive(Debug)]
pub struct Stream<S = TcpStream> {
    /// The socket.
    pub socket: S,
    /// What decodes it.
    pub wire: Wire,
    /// The connection's id; empty where the server does not say.
    pub id: String,
}

impl Target {
    /// The stream of a server of the protocol.
    pub fn skew(addr: SocketAddr, transport: Transport) -> Self {
        let path = match transport {
            Transport::Sse => "/__skew/sse",
            Transport::Ws => "/__skew/ws",
        };
        Self { addr, transport, path: path.into(), hello: Hello::Connected, under: Under::Tcp }
    }

    /// The request of a stream; `headers` are lines, each with its end.
    pub fn request(&self, route: &str, headers: &str) -> String {
        let Self { addr, path, .. } = self;
        let own = match self.transport {
            Transport::Sse => "Accept: text/event-stream\r\n",
            Transport::Ws => {
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            }
        };
        format!("GET {path}?route={route} HTTP/1.1\r\nHost: {addr}\r\n{own}{headers}\r\n")
    }

    /// Opens a stream from that address, without TLS, and reads it up to its hello.
    ///
    /// # Errors
    ///
    /// When the server is not there, refuses, or ends the connection.
    pub async fn open(&self, source: Ipv4Addr, route: &str, headers: &str) -> io::Result<Stream> {
        let socket = connect(self.addr, source).await?;
        self.begin(socket, route, headers).await
    }

    /// Asks for the stream on a socket that is connected.
    ///
    /// # Errors
    ///
    /// When the server refuses or ends the connection.
    pub async fn begin<S>(&self, mut socket: S, route: &str, headers: &str) -> io::Result<Stream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        socket.write_all(self.request(route, headers).as_bytes()).await?;
        self.greet(socket, Wire::new(self.transport)).await
    }

    /// Reads a stream that was asked for up to its hello.
    ///
    /// # Errors
    ///
    /// When the server refuses or ends the connection.
    pub(super) async fn greet<S: AsyncRead + Unpin>(&self, mut socket: S, mut wire: Wire) -> io::Result<Stream<S>> {
        let (mut answered, mut id) = (wire.is_answered().then_some(200), None);
        let mut piece = [0; 2048];
        loop {
            let length = socket.read(&mut piece).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let heard = wire.read(&piece[..length], &mut |said| match said {
                Said::Answer(status) => answered = Some(status),
                Said::Text(text) if id.is_none() => id = Some(connection_id(text)),
                Said::Text(_) | Said::Ping(_) | Said::End => {}
            });
            heard.map_err(io::Error::other)?;
            match (answered, &mut id) {
                (Some(200 | 101), Some(id)) => return Ok(Stream { socket, wire, id: std::mem::take(id) }),
                (Some(200 | 101), None) if self.hello == Hello::Head => {
                    return Ok(Stream { socket, wire, id: String::new() });
                }
                (Some(200 | 101) | None, _) => {}
                (Some(status), _) => return Err(io::Error::other(format!("answered {status}"))),
            }
        }
    }
}

/// A socket from one of this machine's addresses, which needs a range of them: each has some 28,000 ports.
///
/// # Errors
///
/// When the server is not there or the address has no port left.
pub async fn connect(addr: SocketAddr, source: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = socket(source)?.connect(addr).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// A socket of which the systems on both sides take as little as they can before it is read. Over loopback a sender's would take a
/// megabyte, since its packets are so large.
///
/// # Errors
///
/// As for [`connect`].
pub async fn connect_narrow(addr: SocketAddr, source: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = socket(source)?;
    socket.set_recv_buffer_size(1)?;
    SockRef::from(&socket).set_tcp_mss(PACKET_BYTES)?;
    socket.connect(addr).await
}

fn socket(source: Ipv4Addr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Ports of connections that have ended just now are free again.
    socket.set_reuseaddr(true)?;
    socket.bind((source, 0).into())?;
    Ok(socket)
}

fn connection_id(text: &str) -> String {
    let message: Value = serde_json::from_str(text).unwrap_or_default();
    message["connectionId"].as_str().unwrap_or_default().to_owned()
}
