//! POSTs on a connection that is kept.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::target::connect;

/// One who sends requests one after another, and connects anew where the server has had enough.
#[derive(Debug)]
pub struct Caller {
    addr: SocketAddr,
    source: Ipv4Addr,
    socket: Option<TcpStream>,
}

impl Caller {
    /// One who is not connected yet.
    pub fn new(addr: SocketAddr, source: Ipv4Addr) -> Self {
        Self { addr, source, socket: None }
    }

    /// Posts JSON, with `headers` as further lines, each with its end, and answers the status.
    ///
    /// # Errors
    ///
    /// When the server is not there or does not answer in full.
    pub async fn post(&mut self, path: &str, headers: &str, json: &str) -> io::Result<u16> {
        let (addr, length) = (self.addr, json.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{json}"
        );
        if let Some(socket) = self.socket.take()
            && let Some(status) = self.ask(socket, &request).await?
        {
            return Ok(status);
        }
        // A kept connection may have ended since the last answer.
        let socket = connect(self.addr, self.source).await?;
        self.ask(socket, &request).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Nothing where the connection ends before there is an answer.
    async fn ask(&mut self, mut socket: TcpStream, request: &str) -> io::Result<Option<u16>> {
        let mut bytes = Vec::new();
        let written = socket.write_all(request.as_bytes()).await;
        loop {
            let read = match &written {
                Ok(()) => socket.read_buf(&mut bytes).await,
                Err(_) => Ok(0),
            };
            match read {
                Ok(1..) => {}
                Ok(_) | Err(_) if bytes.is_empty() => return Ok(None),
                Ok(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => return Err(error),
            }
            if let Some((status, kept)) = answer(&bytes)? {
                self.socket = kept.then_some(socket);
                return Ok(Some(status));
            }
        }
    }
}

/// The status of an answer that is whole, and whether the connection is kept.
fn answer(bytes: &[u8]) -> io::Result<Option<(u16, bool)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let header = |name: &str| {
        let header = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let body = &bytes[head..];
    let whole = match header("content-length").map(str::parse) {
        Some(Ok(length)) => body.len() >= length,
        // Chunked: the last chunk is empty.
        _ => body.ends_with(b"0\r\n\r\n"),
    };
    let kept = header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
    Ok(whole.then_some((answer.code.unwrap_or(0), kept)))
}
