//! An argument that may be on standard input, where no other process of the machine can read it.

use std::io::{Read, stdin};

use super::stop::Stop;

/// Longest text that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The argument itself, or where it is `-`, what standard input holds, without the end of its last line.
pub(super) fn text(argument: &str) -> Result<String, Stop> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    stdin()
        .take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Stop::Failed(format!("standard input can't be read: {error}")))?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}
