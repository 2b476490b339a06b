//! Appending to the log's file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Appends a line. It is on the disk when this returns.
///
/// The file is its owner's alone, and the folder where this makes one. A line goes out in one write behind whatever others have
/// written, so several programs may append at once.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        owned_folder().recursive(true).create(folder)?;
    }
    let mut file = owned_file().read(true).append(true).create(true).open(path)?;
    // A write that was cut off, by a full disk, must not take this line along.
    let begin = if ends_within_a_line(&mut file) { "\n" } else { "" };
    file.write_all(format!("{begin}{line}\n").as_bytes())?;
    match file.sync_data() {
        // What is no file on a disk, such as a pipe to a collector, can't be synced.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

fn ends_within_a_line(file: &mut File) -> bool {
    let mut last = [0];
    file.seek(SeekFrom::End(-1)).is_ok() && file.read_exact(&mut last).is_ok() && last != *b"\n"
}

#[cfg(unix)]
fn owned_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(unix)]
fn owned_folder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut folder = DirBuilder::new();
    folder.mode(0o700);
    folder
}

#[cfg(not(unix))]
fn owned_file() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(not(unix))]
fn owned_folder() -> DirBuilder {
    DirBuilder::new()
}
