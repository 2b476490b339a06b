//! What the operating system asks of the dashboard.

use std::io;

/// Something that the operating system asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// End: SIGINT, SIGTERM or SIGHUP.
    End,
    /// Stop: SIGTSTP.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no job control"))]
    Stop,
    /// Go on: SIGCONT, of whoever stopped it.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no job control"))]
    Continue,
}

#[cfg(unix)]
pub(super) use unix::{Signals, stop_group, stop_self};

#[cfg(not(unix))]
pub(super) use elsewhere::{Signals, stop_group, stop_self};

#[cfg(unix)]
mod unix {
    use rustix::process::{Signal as Number, getpid, kill_current_process_group, kill_process};
    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    use super::{Signal, io};

    /// The signals, as they come.
    #[derive(Debug)]
    pub(in super::super) struct Signals {
        interrupt: Stream,
        terminate: Stream,
        hangup: Stream,
        stop: Stream,
        resume: Stream,
    }

    impl Signals {
        pub(in super::super) fn new() -> io::Result<Self> {
            let numbered = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hangup: signal(SignalKind::hangup())?,
                stop: numbered(Number::TSTP)?,
                resume: numbered(Number::CONT)?,
            })
        }

        pub(in super::super) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.interrupt.recv() => Signal::End,
                _ = self.terminate.recv() => Signal::End,
                _ = self.hangup.recv() => Signal::End,
                _ = self.stop.recv() => Signal::Stop,
                _ = self.resume.recv() => Signal::Continue,
            }
        }
    }

    /// Stops what the shell sees as one job, as Ctrl-Z does outside raw mode: a parent such as cargo stops too.
    pub(in super::super) fn stop_group() -> io::Result<()> {
        Ok(kill_current_process_group(Number::STOP)?)
    }

    /// Stops this process, as whoever sent SIGTSTP wants. Its own action is lost to who listens for it.
    pub(in super::super) fn stop_self() -> io::Result<()> {
        Ok(kill_process(getpid(), Number::STOP)?)
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use super::{Signal, io};

    /// Ctrl-C from outside the terminal.
    #[derive(Debug)]
    pub(in super::super) struct Signals;

    impl Signals {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) async fn next(&mut self) -> Signal {
            match tokio::signal::ctrl_c().await {
                Ok(()) => Signal::End,
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// There is no job control.
    pub(in super::super) fn stop_group() -> io::Result<()> {
        Ok(())
    }

    /// There is no job control.
    pub(in super::super) fn stop_self() -> io::Result<()> {
        Ok(())
    }
}
