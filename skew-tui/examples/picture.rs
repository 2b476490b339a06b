//! Draws the README's picture: a real frame of the dashboard, of a canned story, as an SVG on standard output.
//!
//! ```text
//! cargo run -p skew-tui --example picture > docs/dashboard.svg
//! cargo run -p skew-tui --example picture -- --text
//! ```

#[path = "../tests/dashboard/scenario.rs"]
#[allow(dead_code, reason = "the tests tell more stories than the picture")]
mod scenario;
#[path = "../tests/dashboard/screen.rs"]
#[allow(dead_code, reason = "the tests also press keys")]
mod screen;
#[path = "../tests/dashboard/story.rs"]
mod story;
#[path = "../tests/dashboard/svg.rs"]
mod svg;

fn main() {
    let frame = svg::frame();
    if std::env::args().any(|argument| argument == "--text") {
        print!("{}", screen::text(&frame));
    } else {
        print!("{}", svg::render(&frame));
    }
}
