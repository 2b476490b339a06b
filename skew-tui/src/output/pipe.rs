//! Noticing that whoever reads standard output has gone, although there is nothing to write.

/// Whether standard output is a pipe that nobody reads any more. `skew-tui --json URL | head -1` would else stay until the
/// next change of a quiet site.
#[cfg(unix)]
pub(crate) fn nobody_reads() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdout = std::io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut watched, Some(&at_once)).is_ok_and(|_| watched[0].revents().contains(PollFlags::ERR))
}

/// Elsewhere only a write can tell.
#[cfg(not(unix))]
pub(crate) fn nobody_reads() -> bool {
    false
}
