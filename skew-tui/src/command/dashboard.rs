//! The dashboard, by the options of the command line.

use super::look;
use super::stop::Stop;
use super::watchers;
use crate::action::Access;
use crate::app::{self, Exit};
use crate::cli::Options;
use crate::feed::Feed;
use crate::keymap::Keymap;
use crate::source::Keep;
use crate::target::Targets;

/// Opens the dashboard and stays until it is left.
pub(super) async fn run(targets: Targets, options: &Options) -> Result<(), Stop> {
    let feed = Feed::live(&targets, Keep::Newest)?;
    let settings = app::Options {
        access: if options.readonly { Access::ReadOnly } else { Access::Full },
        watchers: watchers(options),
        theme: look::theme(options),
        keymap: Keymap::default(),
    };
    match app::run(settings, feed, targets).await? {
        Exit::Quit => Ok(()),
        Exit::Interrupted => Err(Stop::Interrupted),
    }
}
