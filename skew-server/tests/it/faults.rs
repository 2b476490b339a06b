//! Something fails, and the server goes on.

use skew_server::{Decision, Hooks, StatsRequest};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::spawned::{self, Program};
use super::support::{Server, client, config, soon};

/// An application that fails where it is asked who may see stats.
struct Unsound;

impl Hooks for Unsound {
    fn authorize_stats<'a>(&'a self, _: StatsRequest<'a>) -> Option<Decision<'a>> {
        Some(Box::pin(async { panic!("a hook that panics") }))
    }
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_no_other() {
    let server = Server::with_hooks(config(), Unsound).await;
    let mut unlucky = server.ws("", &[]).await;
    let mut other = server.ws("", &[]).await;
    unlucky.send(r#"{"type":"subscribe-stats"}"#).await;
    server.until("the end of one", |stats| stats.total == 1).await;
    other.send("ping").await;
    assert_eq!(other.next().await["type"], "pong");
}

/// The program where it may open few files.
fn poor() -> Command {
    let program = spawned::command(&["--build-id", "b1", "--listen", "127.0.0.1:0"]);
    let program = program.as_std();
    let mut shell = Command::new("sh");
    shell
        .env_clear()
        .args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args());
    shell.env("SKEW_DRAIN", "0s").stdin(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    shell.kill_on_drop(true);
    shell
}

async fn crowd(program: &Program) -> Vec<TcpStream> {
    let address = program.url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut crowd = Vec::new();
    for _ in 0..60 {
        // The system takes those whom the server can't.
        crowd.push(soon("a connection", TcpStream::connect(&address)).await.unwrap());
    }
    crowd
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_files_for_more_connections_the_server_waits_and_takes_them_later() {
    let mut program = Program::start(poor()).await;
    let crowd = crowd(&program).await;
    program.logged("can't accept connections").await;
    drop(crowd);
    let answer = soon("an answer", client().get(format!("{}/health", program.url)).send()).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_files_for_more_connections_the_server_ends_as_ever() {
    let mut program = Program::start(poor()).await;
    let _crowd = crowd(&program).await;
    program.logged("can't accept connections").await;
    program.signal("TERM").await;
    program.logged("stopped").await;
    assert!(soon("the end", program.child.wait()).await.unwrap().success());
}
