//! How long a recording is, by a look at its end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::MAX_LINE_BYTES;

/// Bytes of the end that are looked at first.
const FIRST_LOOK: u64 = 64 << 10;

/// How every line of an event begins. No line holds a line break, so this stands nowhere else.
const BEGINNING: &[u8] = b"\n{\"at\":";

/// The time of the last event in milliseconds from the start, also where its line is cut off. Nothing where no event is found.
pub(crate) fn total_ms(path: &Path) -> io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut end = Vec::new();
    let mut look = FIRST_LOOK;
    loop {
        let length = look.min(size);
        file.seek(SeekFrom::Start(size - length))?;
        end.clear();
        file.by_ref().take(length).read_to_end(&mut end)?;
        let times = end.windows(BEGINNING.len()).enumerate().rev().filter(|(_, bytes)| *bytes == BEGINNING);
        if let Some(at_ms) = times.map(|(at, _)| &end[at + BEGINNING.len()..]).find_map(number) {
            return Ok(Some(at_ms));
        }
        if length == size || look > MAX_LINE_BYTES {
            return Ok(None);
        }
        look *= 8;
    }
}

/// The whole number that a text begins with; nothing where it may go on behind the text.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn total(content: &str) -> Option<u64> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        total_ms(file.path()).unwrap()
    }

    #[test]
    fn the_last_time_is_found_however_long_its_line_is() {
        let long = "x".repeat(3_000_000);
        assert_eq!(total("{}\n{\"at\":7,\"event\":\"stale\"}\n{\"at\":9,\"event\":\"end\"}\n"), Some(9));
        assert_eq!(total(&format!("{{}}\n{{\"at\":7,\"text\":\"{long}\"}}\n")), Some(7));
        assert_eq!(total(&format!("{{}}\n{{\"at\":7,\"text\":\"{long}")), Some(7), "a line that is cut off");
    }

    #[test]
    fn a_number_that_is_cut_off_is_none() {
        assert_eq!(total("{}\n{\"at\":7,\"event\":\"stale\"}\n{\"at\":12"), Some(7));
        for nothing in ["", "{}", "{}\n", "{}\n{\"at\":", "{}\n{\"at\":-5,\"event\":\"end\"}\n"] {
            assert_eq!(total(nothing), None, "{nothing}");
        }
    }
}
