//! The program's own log. Only what this workspace says: libraries below it might show what they send.

use std::fs::OpenOptions;
use std::io;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::stop::Stop;
use crate::cli::Options;
use crate::output::Voice;

/// Logs to the file of the options, else to standard error.
pub(super) fn start(options: &Options, voice: Voice) -> Result<(), Stop> {
    let writer = match &options.log_file {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let failed = |error| Stop::Usage(format!("{} can't be written: {error}", path.display()));
            BoxMakeWriter::new(Arc::new(file.map_err(failed)?))
        }
        None => BoxMakeWriter::new(io::stderr),
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let layer = match voice {
        Voice::Json => layer.json().boxed(),
        Voice::Text => layer.boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(own(options.log))).init();
    Ok(())
}

fn own(level: LevelFilter) -> Targets {
    Targets::new().with_target("skew_tui", level).with_target("skew_server", level)
}
