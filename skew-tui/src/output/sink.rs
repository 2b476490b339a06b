//! Standard output, line by line.

use std::io;

use tokio::io::{AsyncWriteExt, Stdout, stdout};

/// Why no more can be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SinkError {
    /// Whoever read it has had enough. That is no error.
    #[error("the reader has closed the pipe")]
    Closed,
    /// Anything else, such as a full disk.
    #[error("the output can't be written: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Failed(error) }
    }
}

/// Standard output. A reader that is slow makes the writer wait, and not the process deaf to signals.
#[derive(Debug)]
pub(crate) struct Sink {
    out: Stdout,
}

impl Sink {
    pub(crate) fn new() -> Self {
        Self { out: stdout() }
    }

    /// Prints a text and a line end, and gets it out.
    pub(crate) async fn line(&mut self, text: &str) -> Result<(), SinkError> {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
        self.out.write_all(&bytes).await?;
        self.out.flush().await?;
        Ok(())
    }
}
