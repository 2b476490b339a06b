//! Every tab is two sockets of this process, its own and the server's.

/// Takes as many open files as the system allows. Some systems start programs with 256.
#[cfg(unix)]
pub(super) fn raise() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where that is refused, the tabs that find no socket just come later.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(super) fn raise() {}
