//! The configuration in use: contexts on a stock site and on one with `skew-server`, keys of one's own, ASCII.

use std::fs;
use std::path::PathBuf;

use skew_tests::binaries::{binary, command};
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::process::Process;
use skew_tests::pty::Terminal;
use skew_tests::site::{Peer, Site};
use tempfile::TempDir;

/// A stock site and one with `skew-server`, and a configuration that names them `stock` and `ours`.
struct Sites {
    folder: TempDir,
    _stock: Site,
    _ours: Site,
}

impl Sites {
    async fn start(more: &str) -> Self {
        let (stock, ours) =
            tokio::join!(Site::start(Peer::Stock, Strategy::Sse, &[]), Site::start(Peer::Ours, Strategy::Ws, &[]));
        let folder = TempDir::new().expect("a folder for the test");
        fs::write(folder.path().join("admin.token"), ADMIN_SECRET).expect("the folder can be written");
        let text = format!(
            "[contexts.stock]\nurl = {:?}\ntoken_file = \"admin.token\"\nreadonly = true\ntint = \"red\"\n\
             [contexts.ours]\nurl = {:?}\ntoken_file = \"admin.token\"\n{more}",
            stock.url("/"),
            ours.url("/"),
        );
        fs::write(folder.path().join("config.toml"), text).expect("the folder can be written");
        Self { folder, _stock: stock, _ours: ours }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn terminal(&self, args: &[&str]) -> Terminal {
        let file = self.file();
        let env = [("SKEW_CONFIG", file.to_str().expect("a path of a test is text"))];
        Terminal::spawn(&binary("skew-tui"), args, &env, (120, 40))
    }

    async fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut program = command("skew-tui");
        program.args(args).env("SKEW_CONFIG", self.file());
        let mut process = Process::spawn("skew-tui", program);
        let status = process.ended().await;
        (status.code(), process.stdout.text(), process.stderr.text())
    }
}

#[tokio::test]
async fn a_context_is_opened_by_its_name_and_the_menu_goes_to_another() {
    let sites = Sites::start("").await;
    let mut terminal = sites.terminal(&["stock"]);
    let screen =
        terminal.wait_until("a whole screen", |screen| screen.contains("★ you") && screen.contains("q quit")).await;
    assert!(screen.contains("stock · 127.0.0.1") && screen.contains("build-sse"), "{screen}");
    assert!(!screen.contains("i invalidate"), "this context is read-only:\n{screen}");

    terminal.send(":");
    let screen = terminal.wait_for("Contexts").await;
    assert!(screen.contains("red read-only") && screen.contains("ours"), "{screen}");
    terminal.send("our");
    terminal.wait_until("the other context alone", |screen| !screen.contains("red read-only")).await;
    terminal.send("\r");
    let screen = terminal.wait_until("the other site", |screen| screen.contains("ours · ")).await;
    assert!(!screen.contains("Contexts"), "{screen}");
    let screen =
        terminal.wait_until("its figures", |screen| screen.contains("★ you") && screen.contains("i invalidate")).await;
    assert!(screen.contains("build-ws") && !screen.contains("build-sse"), "{screen}");

    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
}

#[tokio::test]
async fn a_context_that_cannot_be_opened_is_refused_and_the_site_stays() {
    let more = "[contexts.broken]\nurl = \"https://shop.example.com\"\ntoken_file = \"none.token\"\n";
    let sites = Sites::start(more).await;
    let mut terminal = sites.terminal(&["ours"]);
    terminal.wait_for("★ you").await;
    terminal.send(":broken\r");
    let screen = terminal.wait_for("none.token").await;
    assert!(screen.contains("Not possible") && screen.contains("ours · "), "{screen}");
    terminal.send("\u{1b}");
    terminal.wait_until("the site again", |screen| !screen.contains("none.token") && screen.contains("★ you")).await;
}

#[tokio::test]
async fn commands_take_contexts_and_check_finds_what_is_missing() {
    let sites = Sites::start("").await;
    for (name, build) in [("stock", "build-sse"), ("ours", "build-ws")] {
        let (code, stdout, stderr) = sites.run(&["stats", name, "--json"]).await;
        assert!(code == Some(0) && stdout.contains(build), "{stdout}{stderr}");
    }
    let (code, _, stderr) = sites.run(&["invalidate", "stock", "/", "--yes"]).await;
    assert!(code != Some(0) && stderr.contains("read"), "a read-only context never acts: {stderr}");
    let (code, _, stderr) = sites.run(&["stats", "nobody"]).await;
    assert!(code == Some(2) && stderr.contains("ours, stock"), "{stderr}");

    let (code, stdout, _) = sites.run(&["config", "check"]).await;
    assert!(code == Some(0) && stdout.contains("2 contexts, no problems"), "{stdout}");
    fs::remove_file(sites.folder.path().join("admin.token")).expect("the file is there");
    let (code, _, stderr) = sites.run(&["config", "check"]).await;
    assert_eq!(code, Some(1));
    for context in ["[contexts.stock] token_file", "[contexts.ours] token_file"] {
        assert!(stderr.contains(context), "{stderr}");
    }
    fs::write(sites.file(), "[keys]\nquitt = \"x\"\n[contexts.a]\nurl = \"https://a.test\"\ntoken = \"hunter2\"\n")
        .expect("the folder can be written");
    let (code, _, stderr) = sites.run(&["config", "check"]).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("config.toml:2: ") && stderr.contains("config.toml:5: "), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[tokio::test]
async fn keys_of_ones_own_work_and_stand_in_the_footer() {
    let sites = Sites::start("[keys]\nhelp = \"f1\"\nquit = [\"X\"]\n").await;
    let mut terminal = sites.terminal(&["ours"]);
    terminal.wait_for("F1 help").await;
    // F1, as terminals send it.
    terminal.send("\u{1b}OP");
    terminal.wait_for("X Ctrl-C").await;
    terminal.send("\u{1b}");
    terminal.wait_until("the panes", |screen| !screen.contains("X Ctrl-C")).await;
    terminal.send("X");
    assert_eq!(terminal.ended().await.exit_code(), 0);
}

#[tokio::test]
async fn an_ascii_screen_holds_ascii_alone() {
    let sites = Sites::start("[defaults]\nascii = true\n").await;
    for context in ["stock", "ours"] {
        let mut terminal = sites.terminal(&[context]);
        let screen = terminal.wait_for("@ you").await;
        assert!(screen.is_ascii(), "{screen}");
        terminal.send("?");
        let screen = terminal.wait_for("Keys").await;
        assert!(screen.is_ascii(), "{screen}");
    }
}

#[tokio::test]
async fn completions_and_man_pages_are_what_their_readers_take() {
    let folder = TempDir::new().expect("a folder for the test");
    for (shell, words) in [("bash", "complete -F"), ("zsh", "#compdef skew-tui"), ("fish", "complete -c skew-tui")] {
        let output = command("skew-tui").args(["completions", shell]).output().await.expect("the program starts");
        let script = String::from_utf8(output.stdout).expect("a script is text");
        assert!(output.status.success() && script.contains(words), "{shell}");
        if shell == "bash" {
            let file = folder.path().join("skew-tui.bash");
            fs::write(&file, script).expect("the folder can be written");
            let check = format!("source {file:?} && complete -p skew-tui");
            let bash = tokio::process::Command::new("bash").args(["-c", &check]).output().await.expect("bash starts");
            assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
        }
    }
    let pages = folder.path().join("man");
    let output = command("skew-tui").args(["man", "--dir"]).arg(&pages).output().await.expect("the program starts");
    assert!(output.status.success());
    for name in ["skew-tui.1", "skew-tui-stats.1", "skew-tui-config.1"] {
        assert!(fs::read_to_string(pages.join(name)).is_ok_and(|page| page.contains(".SH NAME")), "{name}");
    }
}
