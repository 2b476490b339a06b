//! Bytes that have ended other servers. The program is one process: after each of them it must be there and answer.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::spawned::{Program, command};
use crate::support::{Sse, answer, client, soon};

const KEY: &str = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";

/// A handshake with more headers in it.
fn handshake(more: &[u8]) -> Vec<u8> {
    let head = format!("GET /__skew/ws HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n{KEY}");
    [head.as_bytes(), more, b"\r\n"].concat()
}

/// A frame with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    match length {
        0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        126..65536 => frame.extend([0xfe, (length >> 8) as u8, (length & 255) as u8]),
        _ => frame.extend([&[0xff][..], &(length as u64).to_be_bytes()].concat()),
    }
    [&frame[..], &[0; 4], payload].concat()
}

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// What it is, and the bytes.
fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    let talk = |frames: Vec<Vec<u8>>| [handshake(b""), frames.concat()].concat();
    let many = (0..2000).map(|at| format!("x-{at}: x\r\n")).collect::<String>();
    let deep = [br#"{"connectionId":"x","route":"#.to_vec(), nested(4000), b"}".to_vec()].concat();
    let long = vec![b'x'; 1 << 20];
    let get = |path: &[u8], headers: &[u8]| [b"GET ", path, b" HTTP/1.1\r\nhost: a\r\n", headers, b"\r\n"].concat();
    vec![
        // CVE-2024-37890: ws, with more headers than Node would keep.
        ("many headers in a handshake", handshake(many.as_bytes())),
        // CVE-2023-43669: tungstenite read a head without an end again and again from its beginning.
        ("a long header in a handshake", handshake(&[b"x: ", &long[..], b"\r\n"].concat())),
        ("a head that never ends", get(b"/__skew/ws", &[b"x: ", &long[..]].concat())),
        ("a long target", get(&[b"/__skew/sse?route=/", &long[..]].concat(), b"")),
        // Granian ended a worker over bytes of a subprotocol that are not ASCII.
        ("a subprotocol that is not ASCII", handshake(b"sec-websocket-protocol: \xff\xfe, caf\xc3\xa9\r\n")),
        ("extensions that are not ASCII", handshake(b"sec-websocket-extensions: permessage-deflate; \xff=1\r\n")),
        ("a key that is not ASCII", get(b"/__skew/ws", b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: \xff\r\n")),
        // CVE-2021-32640: ws, whose expression for a subprotocol took quadratic time.
        ("spaces in a subprotocol", handshake(&[b"sec-websocket-protocol: b", &vec![b' '; 16_000][..], b"x\r\n"].concat())),
        ("headers of odd bytes", get(b"/__skew/sse", b"cookie: __nkpv=\xff; nuxt-session=\xfe\r\norigin: \xff\r\nauthorization: Bearer \xff\r\nx-forwarded-for: \xff\r\nx-nuxt-session-session: \xff\r\n")),
        ("no host and two", b"GET /__skew/health HTTP/1.1\r\n\r\nGET /__skew/health HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_vec()),
        ("a target of odd bytes", get(b"/__skew/\xff\xfe?route=%", b"")),
        ("a target that is a whole URL", get(b"http://evil.example/__skew/health", b"")),
        ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec()),
        ("a length that is no number", b"POST /__skew/route HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n".to_vec()),
        ("two lengths", b"POST /__skew/route HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        ("a length and chunks", b"POST /__skew/route HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec()),
        ("a huge chunk", b"POST /__skew/route HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{".to_vec()),
        ("an expectation", b"POST /__skew/route HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        ("JSON that is nested too deep", post("/__skew/route", "", &deep)),
        ("an action that is nested too deep", post("/api/admin/invalidate-route", "", &deep)),
        ("half a character in JSON", post("/__skew/route", "", br#"{"connectionId":"\ud800","route":"/\udc00"}"#)),
        ("bytes that are no text in JSON", post("/__skew/subscribe-stats", "", b"{\"connectionId\":\"\xff\"}")),
        ("a session of asterisks", post("/__skew/subscribe-stats", "cookie: nuxt-session=Fe26.2*******\r\n", br#"{"connectionId":"x"}"#)),
        ("a session in chunks that are not there", post("/__skew/subscribe-stats", "cookie: nuxt-session=__chunked__4294967295\r\n", br#"{"connectionId":"x"}"#)),
        ("a token of dots", post("/__skew/subscribe-stats", "authorization: Bearer ...\r\n", br#"{"connectionId":"x"}"#)),
        ("a length of a frame beyond memory", talk(vec![b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00x".to_vec()])),
        ("a frame of 16 MiB announced", talk(vec![b"\x81\xff\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00x".to_vec()])),
        ("a frame without a mask", talk(vec![b"\x81\x04ping".to_vec()])),
        ("reserved bits and opcodes", talk(vec![frame(0xf1, b"ping"), frame(0x8b, b"")])),
        ("a ping that is too long", talk(vec![frame(0x89, &[b'x'; 200])])),
        ("a continuation of nothing", talk(vec![frame(0x80, b"x")])),
        // ws again: each of very many empty pieces took a piece of memory.
        ("a message of empty pieces", talk([vec![frame(0x01, b"")], vec![frame(0x00, b""); 20_000]].concat())),
        ("a message that is no text", talk(vec![frame(0x81, b"\xff\xfe")])),
        ("a message that is too long", talk(vec![frame(0x81, &long)])),
        ("null", talk(vec![frame(0x81, b"null")])),
        ("a deep message", talk(vec![frame(0x81, &nested(4000))])),
        ("an end with a reason that is no text", talk(vec![frame(0x88, b"\x03\xe8\xff\xfe")])),
        ("an end with half a code", talk(vec![frame(0x88, b"\x03")])),
        ("an end with a code that nobody may send", talk(vec![frame(0x88, &1005_u16.to_be_bytes())])),
        ("a message after the end", talk(vec![frame(0x88, b""), frame(0x81, b"ping")])),
    ]
}

#[tokio::test]
async fn no_packet_ends_the_process_or_harms_another_connection() {
    let mut command = command(&["--build-id", "b1", "--listen", "127.0.0.1:0", "--route-tracking"]);
    command.env("SKEW_ADMIN_SECRET", "adm1n").env("NUXT_SESSION_PASSWORD", "p".repeat(32));
    let mut program = Program::start(command).await;
    let base = program.url.clone();
    let address = base.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut bystander = Sse::open(&format!("{base}/sse?route=/bystander"), &[]).await;

    for (what, bytes) in packets() {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        // A server that has had enough closes while we write: then the rest is not its concern.
        let written = socket.write_all(&bytes).await;
        if written.is_ok() && socket.shutdown().await.is_ok() {
            let mut rest = Vec::new();
            let _ = soon(what, socket.read_to_end(&mut rest)).await;
        }
        let health = answer(client().get(format!("{base}/health"))).await;
        assert_eq!((health.status, &health.body["ok"]), (200, &true.into()), "after {what}");
        assert!(program.child.try_wait().unwrap().is_none(), "{what} ends the process");
    }

    // The bystander is still there, and alone once all of these are gone.
    let stats = soon("everybody else's end", async {
        loop {
            let request = client().get(format!("{base}/admin/stats")).bearer_auth("adm1n");
            let stats = answer(request).await.body;
            if stats["total"] == 1 {
                return stats;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    assert_eq!(stats.await["routes"], serde_json::json!({"/bystander": 1}));
    bystander.assert_quiet().await;
    program.child.start_kill().unwrap();
    while let Some(line) = program.log.next_line().await.unwrap() {
        assert!(!line.contains("panic"), "{line}");
        assert!(!line.contains("adm1n"), "{line}");
    }
}
