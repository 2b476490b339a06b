//! How many files may be open, sockets among them.

/// Raises the number of files that this process may open to what the system allows it at most, and returns that. The usual number is
/// a thousand, for the sake of old programs.
#[cfg(unix)]
pub(crate) fn allow_many() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, current } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if raised.is_ok() { maximum } else { current }
}

#[cfg(windows)]
pub(crate) fn allow_many() -> Option<u64> {
    None
}
