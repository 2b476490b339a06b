//! Reading the configuration again while the server runs: whole or not at all.

use skew_server::{Handle, Tls};

use crate::cli::{Args, StartError};
use crate::logging::Log;

/// What a running server goes by, and can be told anew.
pub(crate) struct Reload {
    /// Those it was started with: what holds until it ends is compared with them.
    started: Args,
    handle: Handle,
    tls: Option<Tls>,
    log: Log,
}

impl Reload {
    pub(crate) fn new(started: Args, handle: Handle, tls: Option<Tls>, log: Log) -> Self {
        Self { started, handle, tls, log }
    }

    /// Reads arguments, environment and every file again. Where anything is wrong nothing changes.
    pub(crate) async fn run(&self) {
        let Ok(current) = self.handle.current().await else { return };
        // A file on a network may take its time.
        let tls = self.tls.clone();
        let read = tokio::task::spawn_blocking(move || {
            let args = Args::read()?;
            let config = args.config(current.version)?;
            // Last, when nothing else can be wrong.
            if let Some(tls) = tls {
                tls.reload()?;
            }
            Ok((args, config))
        });
        let read = read.await.unwrap_or_else(|error| Err(StartError::Runtime(error.into())));
        let later = read.and_then(|(args, config)| {
            let later = self.handle.reconfigure(config)?;
            Ok((args, later))
        });
        match later {
            Ok((args, later)) => {
                let started = self.started.fixed();
                let fixed = args.fixed().into_iter().zip(started).filter(|(now, then)| now != then);
                let later: Vec<_> = fixed.map(|((name, _), _)| name).chain(later).collect();
                tracing::info!("reloaded the configuration");
                if !later.is_empty() {
                    tracing::warn!(options = later.join(", "), "some options take effect at a restart only");
                }
                // Last, so that it is told at the level at which it was asked for.
                self.log.set_level(args.log.log_level);
            }
            Err(wrong) => {
                for problem in wrong.problems() {
                    tracing::error!(problem, "the configuration can't be used; nothing has changed");
                }
            }
        }
    }
}
