//! What connections cost, as far as it can be counted. Times are for the benchmark.
#![cfg(target_os = "linux")]

use std::net::Ipv4Addr;
use std::time::Duration;

use skew_tests::PATIENCE;
use skew_tests::cost::resident_kib;
use skew_tests::http;
use skew_tests::load::allow_open_files;
use skew_tests::load::subscriber::{Subscriber, Wish};
use skew_tests::load::target::{Stream, Target};
use skew_tests::load::wire::{Said, Transport, text};
use skew_tests::nuxt::ADMIN_SECRET;
use skew_tests::server::SkewServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

const ROUTE: &str = "/products/shoes";

async fn server() -> SkewServer {
    SkewServer::start("release-0", &["--route-tracking"]).await
}

async fn open(target: &Target, count: usize) -> Vec<Stream> {
    allow_open_files(count as u64 + 200);
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let stream = target.open(Ipv4Addr::LOCALHOST, ROUTE, "Cookie: __nkpv=build-1\r\n").await;
        streams.push(stream.expect("the server takes a connection"));
    }
    streams
}

/// The next message that is no keepalive.
async fn heard(stream: &mut Stream) -> String {
    let (mut heard, mut piece) = (None, [0; 4096]);
    while heard.is_none() {
        let read = timeout(PATIENCE, stream.socket.read(&mut piece)).await.expect("a message comes in time");
        let length = read.expect("the connection lives");
        assert!(length > 0, "the server has ended the connection");
        let understood = stream.wire.read(&piece[..length], &mut |said| match said {
            Said::Text(text) if !text.contains("keepalive") => heard = Some(text.to_owned()),
            Said::Text(_) | Said::Ping(_) | Said::Answer(_) | Said::End => {}
        });
        understood.expect("the server writes what it should");
    }
    heard.unwrap_or_default()
}

#[tokio::test]
async fn a_version_is_the_same_bytes_for_everybody() {
    let server = server().await;
    let mut streams = open(&Target::skew(server.addr, Transport::Sse), 40).await;
    streams.extend(open(&Target::skew(server.addr, Transport::Ws), 40).await);
    let release = http::client().post(format!("http://{}/__skew/admin/release", server.addr)).bearer_auth(ADMIN_SECRET);
    let (status, answer) = http::json(release.json(&serde_json::json!({"version": "release-1"}))).await;
    assert_eq!((status, answer["reached"].as_u64()), (200, Some(80)), "{answer}");
    let first = heard(&mut streams[0]).await;
    assert!(first.contains("release-1"), "{first}");
    for stream in &mut streams[1..] {
        assert_eq!(heard(stream).await, first);
    }
}

/// Bytes on the wire for one who has moved, beside so many who have not.
async fn bytes_of_a_move(others: usize) -> u64 {
    let server = server().await;
    let target = Target::skew(server.addr, Transport::Ws);
    let mut streams = open(&target, others + 1).await;
    let mut subscriber = Subscriber::start(&target, ADMIN_SECRET, Wish::Changes).await.expect("the server takes one");
    let told = subscriber.total(others as u64 + 2, PATIENCE).await;
    assert!(told.is_some(), "the first snapshot comes");
    // Whatever else was due comes with the next tick.
    sleep(Duration::from_millis(500)).await;
    assert_eq!(subscriber.take().snapshots, 1);
    let moves = text(r#"{"type":"route-update","route":"/products/boots"}"#);
    streams[0].socket.write_all(&moves).await.expect("the server reads");
    let told = async {
        loop {
            let heard = subscriber.take();
            if heard.changes > 0 {
                return heard;
            }
            assert_eq!(heard.snapshots, 0, "a change is no snapshot");
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, told).await.expect("a change is told").bytes
}

#[tokio::test]
async fn a_change_is_a_few_bytes_however_many_are_connected() {
    let (few, many) = (bytes_of_a_move(5).await, bytes_of_a_move(500).await);
    assert!(few < 400, "{few} bytes");
    // Longer numbers.
    assert!(many < few + 16, "{few} bytes beside few became {many} beside many");
}

/// What one process gains for each of so many connections; the goals for it are for a release build and many more.
async fn bytes_each(transport: Transport) -> u64 {
    const COUNT: usize = 2_000;
    let server = server().await;
    let target = Target::skew(server.addr, transport);
    let warm = open(&target, 10).await;
    let before = resident_kib(server.process.pid());
    let streams = open(&target, COUNT).await;
    let bytes = (resident_kib(server.process.pid()) - before) * 1024 / COUNT as u64;
    drop((warm, streams));
    bytes
}

#[tokio::test]
async fn an_idle_stream_of_events_takes_less_than_8_kb() {
    let bytes = bytes_each(Transport::Sse).await;
    assert!(bytes < 8_000, "{bytes} bytes");
}

#[tokio::test]
async fn an_idle_websocket_takes_less_than_8_kb() {
    let bytes = bytes_each(Transport::Ws).await;
    assert!(bytes < 8_000, "{bytes} bytes");
}
