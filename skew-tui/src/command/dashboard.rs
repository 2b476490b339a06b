//! The dashboard, by the options of the command line.

use std::sync::Arc;

use super::look;
use super::stop::Stop;
use super::watchers;
use crate::action::Access;
use crate::app::{self, Exit};
use crate::cli::Options;
use crate::keymap::Keymap;
use crate::source::Source;
use crate::target::Target;

/// Opens the dashboard and stays until it is left.
pub(super) async fn run(target: Arc<Target>, options: &Options) -> Result<(), Stop> {
    let source = Source::start(Arc::clone(&target))?;
    let settings = app::Options {
        label: target.label(),
        access: if options.readonly { Access::ReadOnly } else { Access::Full },
        watchers: watchers(options),
        theme: look::theme(options),
        keymap: Keymap::default(),
    };
    match app::run(settings, source, target).await? {
        Exit::Quit => Ok(()),
        Exit::Interrupted => Err(Stop::Interrupted),
    }
}
