//! Asking a person before something is done.

use std::io::{IsTerminal, Write};

use super::stop::Stop;

/// Whether there is a terminal to ask on.
pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on the terminal, and ends the command where `agrees` does not take the line that is typed.
pub(super) async fn confirm(question: &str, agrees: impl Fn(&str) -> bool) -> Result<(), Stop> {
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = read.await.map_err(|error| Stop::Failed(error.to_string()))?;
    let answer = answer.map_err(|error| Stop::Failed(format!("the answer can't be read: {error}")))?;
    if agrees(answer.trim_end_matches(['\r', '\n'])) {
        Ok(())
    } else {
        Err(Stop::Failed("not confirmed; nothing was sent".to_owned()))
    }
}

/// Whether a line is a yes.
pub(super) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim(), "y" | "Y" | "yes")
}
