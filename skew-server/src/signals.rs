//! What the system asks of the program.

use std::io;

/// Signals, heard from the call of [`Signals::listen`] on.
pub(crate) struct Signals {
    first: Ending,
    second: Ending,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
struct Ending {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(windows)]
struct Ending(tokio::signal::windows::CtrlC);

impl Ending {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(windows)]
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for Ctrl-C, or for a polite request to end.
    async fn asked(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        self.0.recv().await;
    }
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            first: Ending::listen()?,
            second: Ending::listen()?,
            #[cfg(unix)]
            hangup: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    /// One future that waits for the request to end, another for its repetition, and the requests to read everything again.
    pub(crate) fn split(self) -> (impl Future<Output = ()>, impl Future<Output = ()>, Hangups) {
        let Self { mut first, mut second, .. } = self;
        let ended = async move { first.asked().await };
        let insisted = async move {
            second.asked().await;
            second.asked().await;
        };
        #[cfg(unix)]
        return (ended, insisted, Hangups(self.hangup));
        #[cfg(windows)]
        return (ended, insisted, Hangups);
    }
}

/// Requests to read everything again.
#[cfg(unix)]
pub(crate) struct Hangups(tokio::signal::unix::Signal);
#[cfg(windows)]
pub(crate) struct Hangups;

impl Hangups {
    /// Waits for the next one. There is none where the system knows no such thing.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        self.0.recv().await;
        #[cfg(windows)]
        std::future::pending::<()>().await;
    }
}
