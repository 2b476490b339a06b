//! Being told to end.

use super::stop::Stop;

/// Runs a command until it is done or interrupted.
pub(super) async fn until_interrupted<T>(command: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    tokio::select! {
        done = command => done,
        stop = interrupted() => Err(stop),
    }
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
pub(super) async fn interrupted() -> Stop {
    match wait().await {
        Ok(()) => Stop::Interrupted,
        Err(error) => Stop::Failed(format!("signals can't be received: {error}")),
    }
}

#[cfg(unix)]
async fn wait() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn wait() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
