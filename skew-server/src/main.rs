//! The program: arguments in, the library's router served until a signal comes.

mod cli;
mod files;
mod logging;
mod reload;
mod signals;

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use skew_server::Edge;
use tokio::net::TcpListener;

use crate::cli::{Args, Follow, Loaded, StartError};
use crate::logging::Log;
use crate::reload::Reload;
use crate::signals::Signals;

/// How the program has ended without an error.
enum Ended {
    InOrder,
    /// Before its streams had ended.
    AtOnce,
}

/// As a shell has it for a program that was interrupted.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = match Args::read() {
        Ok(args) => args,
        // With clap's colours and its exit codes.
        Err(StartError::Usage(error)) => error.exit(),
        Err(error) => return failed(&error, None),
    };
    if args.check {
        return match args.config("any".to_owned()).and_then(|_| args.tls.read()) {
            Ok(_) => {
                // Whoever does not read it has the exit code.
                let _ = writeln!(std::io::stdout(), "the configuration is good");
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error, None),
        };
    }
    let log = Log::start(args.log.log_format, args.log.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Runtime);
    let ended = runtime.and_then(|runtime| {
        let ended = runtime.block_on(run(args, log.clone()));
        // Streams have ended in order by now. What else goes on, such as a look at a file that does not come, holds nobody up.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(Ended::InOrder) => {
            log.end(None);
            ExitCode::SUCCESS
        }
        Ok(Ended::AtOnce) => {
            log.end(None);
            INTERRUPTED.into()
        }
        Err(error) => failed(&error, Some(&log)),
    }
}

/// Says what is wrong, a line for each thing.
fn failed(error: &StartError, log: Option<&Log>) -> ExitCode {
    let lines: Vec<_> = error.problems().iter().map(|problem| format!("skew-server: {problem}")).collect();
    match log {
        Some(log) => lines.iter().for_each(|line| log.end(Some(line))),
        // With nobody left to read the line there is nobody to tell.
        None => drop(writeln!(std::io::stderr(), "{}", lines.join("\n"))),
    }
    ExitCode::FAILURE
}

async fn run(args: Args, log: Log) -> Result<Ended, StartError> {
    let files = files::allow_many();
    let Loaded { config, follow } = args.load().await?;
    let edge = Edge { tls: args.tls.read()?, ..args.listen.edge() };
    let is_closed = config.admits_nobody();
    let base_path = config.base_path.trim_end_matches('/').to_owned();
    let (router, handle) = skew_server::router(config, ())?;
    handle.show_lost_log_lines(log.lost_lines());
    let (listener, address) = listening(&args.listen.listen).await?;
    if let Some(listen) = &args.listen.admin_listen {
        let (listener, address) = listening(listen).await?;
        tracing::info!("the operator's endpoints are on http://{address}");
        let handle = handle.clone();
        tokio::spawn(async move { skew_server::serve_operator(listener, &handle).await });
    }
    if is_closed {
        tracing::warn!(
            "nobody can see stats: set --admin-secret-file, --stats-secret-file, --nuxt-session-password-file, --jwt-algorithm or --forward-auth-url"
        );
    }
    if let Some(files) = files {
        tracing::info!(files, "so many files and connections may be open");
    }
    // Before anybody is told that the server is there, and may ask it to go.
    let (ended, insisted, mut hangups) = Signals::listen().map_err(StartError::Runtime)?.split();
    let scheme = if edge.tls.is_some() { "https" } else { "http" };
    tracing::info!("listening on {scheme}://{address}{base_path}");
    if let Some(Follow { manifest, every }) = follow {
        tokio::spawn(manifest.follow(handle.clone(), every));
    }
    let reload = Reload::new(args, handle.clone(), edge.tls.clone(), log);
    tokio::spawn(async move {
        loop {
            hangups.next().await;
            reload.run().await;
        }
    });
    tokio::select! {
        () = skew_server::serve(listener, router, &handle, edge, ended) => {
            tracing::info!("stopped");
            Ok(Ended::InOrder)
        }
        () = insisted => {
            tracing::warn!("stopped at once, as asked to a second time");
            Ok(Ended::AtOnce)
        }
    }
}

async fn listening(listen: &str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address: listen.to_owned(), error };
    let listener = skew_server::listen(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
