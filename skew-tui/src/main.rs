//! The `skew-tui` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    skew_tui::command::main()
}
