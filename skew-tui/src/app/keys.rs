//! What is typed and clicked, read by a task of its own.
//!
//! A terminal that is gone reads as an endless nothing, which `crossterm` goes on reading without ever giving way. In a task of its
//! own that can't keep the dashboard from its signals, and every look at the keys also asks whether the terminal is there.

use std::io;

use crossterm::event::{Event as Input, EventStream};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Inputs that may wait for the dashboard.
const UNREAD: usize = 64;

/// The keys of this terminal, until dropped.
pub(super) struct Keys {
    inputs: mpsc::Receiver<io::Result<Input>>,
    task: JoinHandle<()>,
}

impl Keys {
    pub(super) fn new() -> Self {
        let (typed, inputs) = mpsc::channel(UNREAD);
        let task = tokio::spawn(async move {
            let mut events = EventStream::new();
            while let Some(input) = events.next().await {
                if typed.send(input).await.is_err() {
                    return;
                }
            }
        });
        Self { inputs, task }
    }

    /// The next input. None where the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<io::Result<Input>> {
        if is_gone() { None } else { self.inputs.recv().await }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether the terminal has hung up.
#[cfg(unix)]
fn is_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdin = io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut watched, Some(&at_once)).is_ok_and(|_| watched[0].revents().contains(PollFlags::HUP))
}

/// Elsewhere reading tells.
#[cfg(not(unix))]
fn is_gone() -> bool {
    false
}
