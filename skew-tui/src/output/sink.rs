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
        self.write(format!("{text}\n")).await
    }

    /// Puts a text in the place of the line that the cursor is on, on a terminal. An empty one takes that line away.
    pub(crate) async fn redraw(&mut self, text: &str) -> Result<(), SinkError> {
        self.write(format!("\r\x1b[K{text}")).await
    }

    async fn write(&mut self, text: String) -> Result<(), SinkError> {
        self.out.write_all(text.as_bytes()).await?;
        self.out.flush().await?;
        Ok(())
    }
}
