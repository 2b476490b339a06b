//! What the dashboard costs, as far as it can be counted: bytes, wake-ups, frames, memory. Times are for the benchmark.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use skew_tests::binaries::binary;
use skew_tests::cost::{peak_kib, resident_kib, wake_ups};
use skew_tests::crowd::{Crowd, Telling};
use skew_tests::pty::Terminal;
use tokio::time::sleep;

async fn dashboard(crowd: &Crowd, tabs: &str) -> Terminal {
    let mut terminal = Terminal::spawn(&binary("skew-tui"), &[&crowd.url()], &[], (120, 40));
    terminal.wait_for(&format!("{tabs} connections")).await;
    terminal
}

/// Waits until nothing was written for a while, and answers how much was.
async fn quiet(terminal: &Terminal) -> usize {
    let mut bytes = terminal.written_bytes();
    loop {
        sleep(Duration::from_secs(2)).await;
        let now = terminal.written_bytes();
        if now == bytes {
            return bytes;
        }
        bytes = now;
    }
}

#[tokio::test]
async fn on_a_quiet_server_nothing_is_written_and_hardly_anything_wakes() {
    const SECONDS: u64 = 10;
    let crowd = Crowd::start(1_000, None, Telling::Snapshots).await;
    let terminal = dashboard(&crowd, "1,000").await;
    let bytes = quiet(&terminal).await;
    let wakes = wake_ups(terminal.pid());
    sleep(Duration::from_secs(SECONDS)).await;
    assert_eq!(terminal.written_bytes(), bytes, "{}", terminal.screen());
    let woken = wake_ups(terminal.pid()) - wakes;
    assert!(woken < 5 * SECONDS, "{woken} wake-ups in {SECONDS} s");
}

#[tokio::test]
async fn however_fast_stats_come_no_more_than_ten_frames_a_second_are_drawn() {
    let crowd = Crowd::start(1_000, Some(Duration::from_millis(5)), Telling::Snapshots).await;
    let terminal = dashboard(&crowd, "1,000").await;
    let frames = || terminal.written().matches("\u{1b}[?2026h").count();
    let (before, start) = (frames(), Instant::now());
    sleep(Duration::from_secs(5)).await;
    let (drawn, most) = (frames() - before, start.elapsed().as_millis() / 100 + 2);
    assert!(drawn > 0 && (drawn as u128) <= most, "{drawn} frames where {most} are allowed");
}

#[tokio::test]
async fn fifty_thousand_connections_fit_into_120_mib_and_take_no_more_by_coming_again() {
    let crowd = Crowd::start(50_000, Some(Duration::from_millis(500)), Telling::Snapshots).await;
    let terminal = dashboard(&crowd, "50,000").await;
    sleep(Duration::from_secs(10)).await;
    let early = resident_kib(terminal.pid());
    sleep(Duration::from_secs(20)).await;
    let (late, peak) = (resident_kib(terminal.pid()), peak_kib(terminal.pid()));
    assert!(peak < 120 * 1024, "{peak} KiB at most");
    assert!(late < early + early / 4, "{early} KiB became {late} KiB");
}
