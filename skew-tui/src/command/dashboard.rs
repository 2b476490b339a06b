//! The dashboard, by the options of the command line.

use std::io::IsTerminal;
use std::sync::Arc;

use super::stop::Stop;
use super::watchers;
use crate::action::Access;
use crate::app::{self, Exit};
use crate::cli::{ColorChoice, Options};
use crate::keymap::Keymap;
use crate::source::Source;
use crate::target::Target;
use crate::theme::Colors;

/// Opens the dashboard and stays until it is left.
pub(super) async fn run(target: Arc<Target>, options: &Options) -> Result<(), Stop> {
    let source = Source::start(Arc::clone(&target))?;
    let settings = app::Options {
        label: target.label(),
        access: if options.readonly { Access::ReadOnly } else { Access::Full },
        watchers: watchers(options),
        colors: colors(options.color),
        keymap: Keymap::default(),
    };
    match app::run(settings, source, target).await? {
        Exit::Quit => Ok(()),
        Exit::Interrupted => Err(Stop::Interrupted),
    }
}

fn colors(choice: ColorChoice) -> Colors {
    // By no-color.org an empty NO_COLOR means nothing.
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => Colors::Ansi,
        ColorChoice::Auto if !unwanted && std::io::stdout().is_terminal() => Colors::Ansi,
        ColorChoice::Auto | ColorChoice::Never => Colors::None,
    }
}
