//! `cargo bench -p skew-tests --bench dashboard`: what the dashboard costs, in a real terminal and on servers with a crowd. Other
//! terminal programs that are on the PATH (`btm`) idle beside it in the same run. `BENCH_PROGRAM` names a program that is built
//! already, in place of the one that this builds.
//!
//! Linux only: the figures are those of /proc. Medians of several rounds; the machine matters, so compare within one run.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use skew_tests::binaries::binary;
use skew_tests::cost::{cpu_ticks, peak_kib, resident_kib, wake_ups};
use skew_tests::crowd::{Crowd, Telling};
use skew_tests::pty::Terminal;
use tokio::time::sleep;

const SIZE: (u16, u16) = (120, 40);

/// How long each figure over time is taken.
const SPAN: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() {
    let skew = std::env::var_os("BENCH_PROGRAM").map_or_else(|| binary("skew-tui"), PathBuf::from);
    println!("## Idle, {} s, quiet server\n", SPAN.as_secs());
    println!("| program | bytes to the terminal | wake-ups a second | CPU |\n|---|---|---|---|");
    let crowd = Crowd::start(1_000, None, Telling::Snapshots).await;
    idle("skew-tui", &skew, &[&crowd.url()]).await;
    if let Some(btm) = on_path("btm") {
        idle("bottom", &btm, &[]).await;
    }

    println!("\n## First frame\n\n| program | median of 20 |\n|---|---|");
    first_frame("skew-tui", &skew, &[&crowd.url()]).await;
    if let Some(btm) = on_path("btm") {
        first_frame("bottom", &btm, &[]).await;
    }

    println!("\n## Key to frame\n\n| connections | snapshots | median of 60 | worst |\n|---|---|---|---|");
    for (tabs, every) in [(1_000, None), (50_000, None), (50_000, Some(Duration::from_millis(1_000)))] {
        key_to_frame(&skew, tabs, every).await;
    }

    for (heading, telling) in [("Snapshots", Telling::Snapshots), ("Changes", Telling::Changes)] {
        println!(
            "\n## {heading}, {} s\n\n| connections | {} a second | CPU | resident | at most |",
            SPAN.as_secs(),
            heading.to_lowercase()
        );
        println!("|---|---|---|---|---|");
        for (tabs, a_second) in [(1_000, 20), (10_000, 5), (10_000, 20), (50_000, 2)] {
            stats(&skew, tabs, a_second, telling).await;
        }
    }
}

async fn idle(name: &str, program: &Path, args: &[&str]) {
    let mut terminal = Terminal::spawn(program, args, &[], SIZE);
    settle(&mut terminal).await;
    let (bytes, wakes, cpu) = (terminal.written_bytes(), wake_ups(terminal.pid()), cpu_ticks(terminal.pid()));
    sleep(SPAN).await;
    let seconds = SPAN.as_secs_f64();
    println!(
        "| {name} | {} | {:.1} | {:.2} % |",
        terminal.written_bytes() - bytes,
        (wake_ups(terminal.pid()) - wakes) as f64 / seconds,
        percent(cpu_ticks(terminal.pid()) - cpu),
    );
}

async fn first_frame(name: &str, program: &Path, args: &[&str]) {
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let mut terminal = Terminal::spawn(program, args, &[], SIZE);
        terminal.wait_until("a frame", |screen| !screen.trim().is_empty()).await;
        times.push(start.elapsed());
    }
    println!("| {name} | {} |", ms(median(&mut times)));
}

async fn key_to_frame(skew: &Path, tabs: usize, every: Option<Duration>) {
    let crowd = Crowd::start(tabs, every, Telling::Snapshots).await;
    let mut terminal = Terminal::spawn(skew, &[&crowd.url()], &[], SIZE);
    settle(&mut terminal).await;
    terminal.send("3");
    settle(&mut terminal).await;
    let mut times = Vec::new();
    for round in 0..60 {
        let bytes = terminal.written_bytes();
        let start = Instant::now();
        terminal.send(if round % 2 == 0 { "G" } else { "g" });
        while terminal.written_bytes() == bytes {
            tokio::task::yield_now().await;
        }
        times.push(start.elapsed());
        sleep(Duration::from_millis(150)).await;
    }
    let worst = times.iter().max().copied().unwrap_or_default();
    let snapshots = every.map_or("none".to_owned(), |every| format!("each {} ms", every.as_millis()));
    println!("| {tabs} | {snapshots} | {} | {} |", ms(median(&mut times)), ms(worst));
}

async fn stats(skew: &Path, tabs: usize, a_second: u32, telling: Telling) {
    let crowd = Crowd::start(tabs, Some(Duration::from_secs(1) / a_second), telling).await;
    let mut terminal = Terminal::spawn(skew, &[&crowd.url()], &[], SIZE);
    settle(&mut terminal).await;
    let cpu = cpu_ticks(terminal.pid());
    sleep(SPAN).await;
    let used = percent(cpu_ticks(terminal.pid()) - cpu);
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let (now, peak) = (mib(resident_kib(terminal.pid())), mib(peak_kib(terminal.pid())));
    println!("| {tabs} | {a_second} | {used:.1} % of a core | {now} | {peak} |");
}

/// Waits until the program has drawn and had some time.
async fn settle(terminal: &mut Terminal) {
    terminal.wait_until("a frame", |screen| !screen.trim().is_empty()).await;
    sleep(Duration::from_secs(3)).await;
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

fn percent(ticks: u64) -> f64 {
    ticks as f64 / SPAN.as_secs_f64()
}
