//! A person at the dashboard, with keys and with a mouse, on a stock site and on one with `skew-server`, over both
//! transports: looking deeper and coming back, filtering, copying, hiding addresses.

use base64::prelude::{BASE64_STANDARD, Engine};
use skew_tests::binaries::binary;
use skew_tests::browser::{Browser, Tab};
use skew_tests::nuxt::pages::connected;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::pty::Terminal;
use skew_tests::site::{Peer, Site};
use vt100::MouseProtocolMode;

skew_tests::everywhere!(
    keys_look_deeper_copy_and_come_back,
    a_mouse_selects_opens_and_leaves_the_terminal_as_it_was,
    a_bell_rings_once_when_the_share_is_reached,
);

const WINDOW: (u16, u16) = (120, 40);

fn dashboard(site: &Site, args: &[&str]) -> Terminal {
    let url = site.url("/");
    let args: Vec<&str> = std::iter::once(url.as_str()).chain(args.iter().copied()).collect();
    Terminal::spawn(&binary("skew-tui"), &args, &[("SKEW_TOKEN", ADMIN_SECRET)], WINDOW)
}

async fn visitor(browser: &Browser, site: &Site, route: &str) -> Tab {
    let tab = browser.person().await.open(&site.url(route)).await;
    connected(&tab).await;
    tab
}

/// Two tabs at `/products` and one at `/checkout`.
async fn three_visitors(browser: &Browser, site: &Site) -> [Tab; 3] {
    [
        visitor(browser, site, "/products").await,
        visitor(browser, site, "/products").await,
        visitor(browser, site, "/checkout").await,
    ]
}

/// The cell at which a text is drawn, counted from 1 as terminals do.
fn cell(screen: &str, text: &str) -> (usize, usize) {
    let found =
        screen.lines().enumerate().find_map(|(row, line)| Some((line.split_once(text)?.0.chars().count(), row)));
    let (column, row) = found.unwrap_or_else(|| panic!("no {text:?}: {screen}"));
    (column + 1, row + 1)
}

/// Clicks at a text with the left button.
fn click(terminal: &mut Terminal, text: &str) {
    let (column, row) = cell(&terminal.screen(), text);
    terminal.send(&format!("\u{1b}[<0;{column};{row}M\u{1b}[<0;{column};{row}m"));
}

/// Everything below the header, which tells the site's own address.
fn body(screen: &str) -> &str {
    screen.split_once('\n').map_or("", |(_, body)| body)
}

/// What puts a text into the clipboard: OSC 52.
fn clipboard(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{1b}\\", BASE64_STANDARD.encode(text))
}

async fn keys_look_deeper_copy_and_come_back(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let _tabs = three_visitors(&browser, &site).await;
    let mut terminal = dashboard(&site, &[]);
    // A stock app knows no addresses on WebSocket.
    let tells_addresses = (peer, strategy) != (Peer::Stock, Strategy::Ws);
    let hidden = |screen: &str| screen.contains("127.0.•.•") == tells_addresses && !body(screen).contains("127.0.0.1");
    let everybody = |screen: &str| screen.contains("3 connections") && screen.contains("★ you") && hidden(screen);
    terminal.wait_until("everybody, without addresses", everybody).await;

    // The route with most visitors is selected at first.
    terminal.send("\r");
    let narrowed = |screen: &str| {
        screen.contains("all ▸ /products") && screen.contains("2 connections here") && !screen.contains("/checkout")
    };
    terminal.wait_until("nobody but who is at the route", narrowed).await;
    terminal.send("3\r");
    terminal.wait_until("a page, without the address", |screen| screen.contains("(current") && hidden(screen)).await;
    terminal.send("p");
    let told = if tells_addresses { "127.0.0.1" } else { "this server tells no addresses" };
    terminal.wait_until(told, |screen| body(screen).contains(told)).await;

    terminal.send("c");
    terminal.wait_for("copied the id").await;
    let stats = site.stats().await;
    let ids = stats["connections"].as_array().into_iter().flatten().filter_map(|entry| entry["id"].as_str());
    let copied = ids.filter(|id| terminal.written().contains(&clipboard(id))).count();
    assert_eq!(copied, 1, "{stats}");

    terminal.send("\u{1b}");
    terminal.wait_for("2 connections here").await;
    terminal.send("\u{1b}");
    terminal.wait_until("everybody", |screen| !screen.contains("all ▸") && screen.contains("/checkout")).await;
    terminal.send("2/!re:^/pro\r");
    let filtered = |screen: &str| screen.contains("2 Routes · 1 ") && screen.contains("/!re:^/pro");
    terminal.wait_until("the routes that begin otherwise", filtered).await;

    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
}

async fn a_mouse_selects_opens_and_leaves_the_terminal_as_it_was(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let _tabs = three_visitors(&browser, &site).await;
    let mut terminal = dashboard(&site, &[]);
    // One's own connection is drawn below the routes: these are there then.
    let everybody = |screen: &str| screen.contains("3 connections") && screen.contains("★ you");
    terminal.wait_until("everybody", everybody).await;
    assert_eq!(mouse(&terminal), MouseProtocolMode::PressRelease);

    click(&mut terminal, "/checkout ");
    terminal.wait_for("▸ /checkout").await;
    click(&mut terminal, "/checkout ");
    terminal.wait_for("all ▸ /checkout").await;
    terminal.wait_for("1 connection here").await;

    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
    assert_eq!(mouse(&terminal), MouseProtocolMode::None);

    let mut without = dashboard(&site, &["--no-mouse"]);
    without.wait_for("3 connections").await;
    assert_eq!(mouse(&without), MouseProtocolMode::None);
}

fn mouse(terminal: &Terminal) -> MouseProtocolMode {
    terminal.emulate(|emulator| emulator.screen().mouse_protocol_mode())
}

async fn a_bell_rings_once_when_the_share_is_reached(peer: Peer, strategy: Strategy) {
    let (mut site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let old = visitor(&browser, &site, "/products").await;
    let mut terminal = dashboard(&site, &["--notify-at", "50"]);
    terminal.wait_for("1 of 1 on the current build").await;
    assert!(!terminal.written().contains(NOTIFICATION), "it was so from the beginning");

    site.deploy("build-new").await;
    terminal.wait_for("0 of 1 on the current build").await;
    let _new = visitor(&browser, &site, "/").await;
    terminal.wait_for("1 of 2 on the current build").await;
    // The line of the log is drawn after it.
    terminal.wait_for("50 % of the connections are on the current build").await;
    old.close().await;
    terminal.wait_for("1 of 1 on the current build").await;
    assert_eq!(terminal.written().matches(NOTIFICATION).count(), 1);
}

/// How a notification begins: the bell, and OSC 9.
const NOTIFICATION: &str = "\u{7}\u{1b}]9;skew: ";
