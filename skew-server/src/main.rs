//! The program: arguments in, the library's router served until a signal comes.

mod cli;
mod logging;

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use crate::cli::{Args, Follow, Loaded, StartError};
use clap::Parser;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let args = Args::parse();
    logging::start(args.log.log_format, args.log.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Runtime);
    let ended = runtime.and_then(|runtime| {
        let ended = runtime.block_on(run(&args));
        // Streams have ended in order by now. What else goes on, such as a look at a file that does not come, holds nobody up.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nobody left to read the line there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "skew-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), StartError> {
    let Loaded { config, listen, admin_listen, follow } = args.load().await?;
    let is_closed = config.admits_nobody();
    let base_path = config.base_path.trim_end_matches('/').to_owned();
    let (router, handle) = skew_server::router(config, ())?;
    let (listener, address) = listening(&listen).await?;
    if let Some(listen) = admin_listen {
        let (listener, address) = listening(&listen).await?;
        tracing::info!("the operator's endpoints are on http://{address}");
        let handle = handle.clone();
        tokio::spawn(async move { skew_server::serve_operator(listener, &handle).await });
    }
    if is_closed {
        tracing::warn!(
            "nobody can see stats: set --admin-secret-file, --stats-secret-file, --nuxt-session-password-file or --jwt-algorithm"
        );
    }
    // Before anybody is told that the server is there, and may ask it to go.
    let signalled = signalled().map_err(StartError::Runtime)?;
    tracing::info!("listening on http://{address}{base_path}");
    if let Some(Follow { manifest, every }) = follow {
        tokio::spawn(manifest.follow(handle.clone(), every));
    }
    skew_server::serve(listener, router, &handle, signalled).await;
    tracing::info!("stopped");
    Ok(())
}

async fn listening(listen: &str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address: listen.to_owned(), error };
    let listener = skew_server::listen(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Waits for Ctrl-C, or for a polite request to end. Both are heard from the call on, not from the first wait.
fn signalled() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move {
            interrupt.recv().await;
        })
    }
}
