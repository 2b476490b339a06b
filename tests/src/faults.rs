//! A line over TCP that fails on command: cut, slow, or open and dead in one direction or both.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Connections end, and new ones end at once.
    Cut,
    /// All that goes either way comes this much later.
    Slow(Duration),
    /// Nothing goes that way until the fault is over; then all of it comes, late.
    Held(Way),
    /// What goes that way is lost, and nobody is told. A connection that has lost something ends with the fault: what comes after a hole is
    /// no protocol.
    Lost(Way),
    /// Messages that Redis publishes are lost, and all that comes after them on the same connection. Answers to commands, which come on
    /// another, are not: as after a fail-over that a subscription has not noticed.
    Deaf,
}

/// How a message begins that Redis publishes.
const MESSAGE: &[u8] = b"*3\r\n$7\r\nmessage";

/// Directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// Both.
    Both,
}

impl Way {
    fn is(self, way: Self) -> bool {
        self == way || self == Self::Both
    }
}

/// A line from an address of its own to a server. It ends when it is dropped.
#[derive(Debug)]
pub struct Line {
    /// Where it begins.
    pub addr: SocketAddr,
    fault: watch::Sender<Fault>,
    _running: JoinSet<()>,
}

impl Line {
    /// Listens on a free loopback port, in front of that server.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let (fault, faults) = watch::channel(Fault::None);
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let faults = faults.clone();
                if *faults.borrow() == Fault::Cut {
                    // By a packet that says so, as where nobody listens.
                    let _ = client.set_zero_linger();
                    continue;
                }
                // Whoever hangs up ends the connection: nobody is left to tell.
                open.spawn(async move { connect(client, server, faults).await.ok() });
                while open.try_join_next().is_some() {}
            }
        });
        Self { addr, fault, _running: running }
    }

    /// Makes this the line's fault from now on, in place of the one before.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// What is wrong with it now.
    pub fn fault(&self) -> Fault {
        *self.fault.borrow()
    }
}

async fn connect(client: TcpStream, server: SocketAddr, faults: watch::Receiver<Fault>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = faults.clone();
    tokio::select! {
        moved = carry(from_client, to_server, Way::Up, faults.clone()) => moved,
        moved = carry(from_server, to_client, Way::Down, faults.clone()) => moved,
        _ = cut.wait_for(|fault| *fault == Fault::Cut) => Ok(()),
    }
}

/// Carries bytes one way, until there are no more or something was lost and that is over.
async fn carry(
    from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    faults: watch::Receiver<Fault>,
) -> io::Result<()> {
    let (tell, mut pieces) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = read(from, tell);
    // It ends the reading by its own end.
    let writing = async move {
        let mut faults = faults;
        let mut lost = false;
        loop {
            let piece = tokio::select! {
                piece = pieces.recv() => piece,
                _ = faults.wait_for(|fault| lost && !is_lost(*fault, way, MESSAGE)) => None,
            };
            let Some((came, bytes)) = piece else { return Ok(()) };
            let fault = *faults
                .wait_for(|fault| !matches!(fault, Fault::Held(held) if held.is(way)))
                .await
                .map_err(io::Error::other)?;
            if is_lost(fault, way, if lost { MESSAGE } else { &bytes }) {
                lost = true;
                continue;
            }
            if let Fault::Slow(time) = fault {
                sleep_until(came + time).await;
            }
            to.write_all(&bytes).await?;
        }
    };
    // What was read before the end is still carried.
    let (read, written) = tokio::join!(reading, writing);
    read.and(written)
}

fn is_lost(fault: Fault, way: Way, bytes: &[u8]) -> bool {
    match fault {
        Fault::Lost(lost) => lost.is(way),
        Fault::Deaf => way == Way::Down && bytes.starts_with(MESSAGE),
        Fault::None | Fault::Cut | Fault::Slow(_) | Fault::Held(_) => false,
    }
}

async fn read(mut from: OwnedReadHalf, tell: mpsc::UnboundedSender<(Instant, Vec<u8>)>) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = tokio::select! {
            length = from.read(&mut piece) => length?,
            () = tell.closed() => return Ok(()),
        };
        if length == 0 || tell.send((Instant::now(), piece[..length].to_vec())).is_err() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::PATIENCE;

    /// Long enough to show that nothing comes.
    const MOMENT: Duration = Duration::from_millis(150);

    /// A server that sends back what it is sent, behind a line.
    async fn line() -> (Line, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let line = Line::to(listener.local_addr().expect("an address")).await;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        let client = TcpStream::connect(line.addr).await.expect("the line listens");
        (line, client)
    }

    async fn answer(client: &mut TcpStream, patience: Duration) -> Option<Vec<u8>> {
        let mut piece = [0; 64];
        let length = timeout(patience, client.read(&mut piece)).await.ok()?.unwrap_or(0);
        Some(piece[..length].to_vec())
    }

    #[tokio::test]
    async fn a_line_without_fault_carries_both_ways() {
        let (_line, mut client) = line().await;
        client.write_all(b"hello").await.unwrap();
        assert_eq!(answer(&mut client, PATIENCE).await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_cut_line_ends_connections_and_takes_none_until_it_is_mended() {
        let (line, mut client) = line().await;
        client.write_all(b"a").await.unwrap();
        answer(&mut client, PATIENCE).await.unwrap();
        line.set(Fault::Cut);
        assert_eq!(answer(&mut client, PATIENCE).await.unwrap(), b"");
        let mut another = TcpStream::connect(line.addr).await.unwrap();
        assert_eq!(answer(&mut another, PATIENCE).await.unwrap(), b"");
        line.set(Fault::None);
        let mut another = TcpStream::connect(line.addr).await.unwrap();
        another.write_all(b"b").await.unwrap();
        assert_eq!(answer(&mut another, PATIENCE).await.unwrap(), b"b");
    }

    #[tokio::test]
    async fn what_is_held_comes_late_and_whole() {
        for way in [Way::Up, Way::Down, Way::Both] {
            let (line, mut client) = line().await;
            line.set(Fault::Held(way));
            client.write_all(b"late").await.unwrap();
            assert_eq!(answer(&mut client, MOMENT).await, None, "{way:?}");
            line.set(Fault::None);
            assert_eq!(answer(&mut client, PATIENCE).await.unwrap(), b"late");
        }
    }

    #[tokio::test]
    async fn what_is_lost_never_comes_and_ends_the_connection_afterwards() {
        for way in [Way::Up, Way::Down, Way::Both] {
            let (line, mut client) = line().await;
            line.set(Fault::Lost(way));
            client.write_all(b"lost").await.unwrap();
            assert_eq!(answer(&mut client, MOMENT).await, None, "{way:?}");
            line.set(Fault::None);
            assert_eq!(answer(&mut client, PATIENCE).await.unwrap(), b"", "{way:?}");
        }
    }

    #[tokio::test]
    async fn a_slow_line_takes_its_time() {
        let (line, mut client) = line().await;
        line.set(Fault::Slow(MOMENT));
        let start = Instant::now();
        client.write_all(b"slow").await.unwrap();
        assert_eq!(answer(&mut client, PATIENCE).await.unwrap(), b"slow");
        assert!(start.elapsed() >= MOMENT);
    }
}
