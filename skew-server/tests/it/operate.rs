//! Running the program: probes and metrics.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::spawned::{PROGRAM, Program, command};
use super::support::{Sse, Ws, client, soon};

const ARGUMENTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--build-id", "b1"];

/// Status, content type and body.
pub(crate) async fn get(url: &str) -> (u16, String, String) {
    let answer = soon("an answer", client().get(url).send()).await.unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.unwrap())
}

pub(crate) async fn until_status(url: &str, status: u16) {
    soon("the status", async {
        while get(url).await.0 != status {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A figure of the metrics.
pub(crate) fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing: {text}")).parse().unwrap()
}

#[tokio::test]
async fn probes_and_metrics_are_on_an_address_of_their_own() {
    let (program, operator) = Program::start_with_operator(command(&ARGUMENTS)).await;
    assert_eq!(get(&format!("{operator}/livez")).await.0, 200);
    until_status(&format!("{operator}/readyz"), 200).await;
    let _sse = Sse::open(&format!("{}/sse", program.url), &[]).await;
    let address = program.url.split('/').nth(2).unwrap().parse().unwrap();
    let _ws = Ws::open(address, "/__skew/ws", &[]).await;
    let (status, kind, text) = get(&format!("{operator}/metrics")).await;
    assert_eq!((status, &*kind), (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert_eq!(figure(&text, "skew_connections"), 2.0);
    assert_eq!(figure(&text, "skew_draining"), 0.0);
    for (name, expected) in [("opened_total", 1.0), ("closed_total", 0.0)] {
        for transport in ["sse", "ws"] {
            let count = figure(&text, &format!("skew_{name}{{transport=\"{transport}\"}}"));
            assert_eq!(count, expected, "{name} {transport}");
        }
    }
    if cfg!(target_os = "linux") {
        assert!(figure(&text, "process_resident_memory_bytes") > 1e6);
        assert!(figure(&text, "process_open_fds") > 3.0);
    }
    assert_eq!(get(&format!("{operator}/__skew/sse")).await.0, 404);
    let public = program.url.strip_suffix("/__skew").unwrap();
    for path in ["/metrics", "/livez", "/readyz", "/__skew/metrics"] {
        assert_eq!(get(&format!("{public}{path}")).await.0, 404, "{path}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn as_many_files_may_be_open_as_the_system_allows_and_the_log_says_how_many() {
    use std::process::Stdio;

    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::process::Command;

    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -Sn 64 && ulimit -Hn 512 && exec \"$0\" \"$@\"", PROGRAM]).args(ARGUMENTS);
    let mut child = shell.env_clear().stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut program = Program { child, log, url: String::new() };
    let line = program.logged("files and connections may be open").await;
    assert!(line.contains("files=512"), "{line}");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.child.id().unwrap())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("512"), "{line}");
}

#[tokio::test]
async fn no_label_comes_from_a_visitor() {
    let (program, operator) = Program::start_with_operator(command(&ARGUMENTS)).await;
    let cookie = ("cookie", "__nkpv=v-0f-a-visitor");
    let _sse = Sse::open(&format!("{}/sse?route=/r0ute", program.url), &[cookie, ("user-agent", "ag3nt")]).await;
    let text = get(&format!("{operator}/metrics")).await.2;
    assert_eq!(figure(&text, "skew_connections"), 1.0);
    for visitor in ["v-0f-a-visitor", "r0ute", "ag3nt", "127.0.0.1", "b1"] {
        assert!(!text.contains(visitor), "{visitor}: {text}");
    }
}

#[tokio::test]
async fn the_operators_address_answers_while_somebody_holds_all_its_places() {
    let (_program, operator) = Program::start_with_operator(command(&ARGUMENTS)).await;
    let address = operator.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    for _ in 0..80 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
        held.push(socket);
    }
    // Whoever does not finish its request is cut off, and the others get their turn.
    assert_eq!(get(&format!("{operator}/livez")).await.0, 200);
    let mut rest = Vec::new();
    soon("the end", held[0].read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
}

#[cfg(unix)]
#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_a_second_signal_ends_it_at_once() {
    for signal in ["TERM", "INT"] {
        let mut command = command(&ARGUMENTS);
        command.args(["--drain", "10m"]);
        let (mut program, operator) = Program::start_with_operator(command).await;
        until_status(&format!("{operator}/readyz"), 200).await;
        let _streams = [
            Sse::open(&format!("{}/sse", program.url), &[]).await,
            Sse::open(&format!("{}/sse", program.url), &[]).await,
        ];
        program.signal(signal).await;
        until_status(&format!("{operator}/readyz"), 503).await;
        assert_eq!(get(&format!("{operator}/livez")).await.0, 200);
        let text = get(&format!("{operator}/metrics")).await.2;
        assert_eq!(figure(&text, "skew_draining"), 1.0);
        program.signal("TERM").await;
        program.logged("at once").await;
        assert_eq!(soon("the exit", program.child.wait()).await.unwrap().code(), Some(130));
    }
}
