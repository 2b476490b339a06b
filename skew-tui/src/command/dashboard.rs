//! The dashboard, by the options of the command line.

use std::sync::Arc;

use super::look;
use super::origin::Origin;
use super::stop::Stop;
use super::watchers;
use crate::action::Access;
use crate::app::{self, Exit, Open, Opened};
use crate::audit::Audit;
use crate::cli::{Contexts, Options};
use crate::config::Settings;
use crate::feed::{Feed, by_changes};
use crate::source::Keep;
use crate::state::Limits;
use crate::state::contexts::{self, Choice};
use crate::terminal::Mouse;

/// Opens the dashboard and stays until it is left, whatever context is gone to. A recording is played at `speed`.
pub(super) async fn run(
    origin: Origin,
    options: &Options,
    contexts: &Contexts,
    audit: Audit,
    speed: f64,
) -> Result<(), Stop> {
    let mut opened = open(&origin, options, contexts, audit, speed)?;
    loop {
        match app::run(opened.options, opened.feed, opened.live).await? {
            Exit::Quit => return Ok(()),
            Exit::Interrupted => return Err(Stop::Interrupted),
            Exit::Switched(other) => opened = *other,
        }
    }
}

fn open(origin: &Origin, options: &Options, contexts: &Contexts, audit: Audit, speed: f64) -> Result<Opened, Stop> {
    let (feed, live) = match origin {
        Origin::Live(targets) => (Feed::live(targets, Keep::Newest, by_changes())?, Some(targets.clone())),
        Origin::Recorded { path, .. } => (Feed::played(path, speed)?, None),
    };
    let others = contexts.clone();
    let settings = app::Options {
        label: origin.label(),
        targets: origin.labels(),
        access: access(options.readonly || live.is_none()),
        watchers: watchers(options),
        theme: look::theme(options),
        keymap: contexts.config.keymap.clone(),
        limits: Limits {
            max_affected: options.max_affected,
            follow_ms: u64::try_from(options.follow.as_millis()).unwrap_or(u64::MAX),
        },
        audit,
        contexts: menu(contexts, options.context.clone()),
        notify_at: options.notify_at,
        mouse: if options.no_mouse { Mouse::Off } else { Mouse::On },
        open: Open(Arc::new(move |name| open_context(&others, name))),
    };
    Ok(Opened { options: settings, feed, live })
}

/// What the command line would open for a context, or why it would not.
fn open_context(contexts: &Contexts, name: &str) -> Result<Opened, String> {
    let cli = contexts.open(name).map_err(|error| error.to_string())?;
    let targets = cli.options.targets(cli.url.as_deref()).map_err(|error| error.to_string())?;
    let opened = open(&Origin::Live(targets), &cli.options, &cli.contexts, cli.options.audit(), 1.0);
    opened.map_err(|stop| stop.message().unwrap_or("it can't be opened").to_owned())
}

fn menu(contexts: &Contexts, open: Option<String>) -> contexts::Contexts {
    let choice = |(name, context): (&String, &Settings)| {
        let settings = context.over(&contexts.config.defaults);
        Choice {
            name: name.clone(),
            site: settings.urls.first().cloned().unwrap_or_default(),
            access: access(settings.text("readonly") == Some("true")),
            tint: settings.text("tint").map(str::to_owned),
        }
    };
    contexts::Contexts {
        choices: contexts.config.contexts.iter().map(choice).collect(),
        open,
        file: contexts.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
    }
}

fn access(readonly: bool) -> Access {
    if readonly { Access::ReadOnly } else { Access::Full }
}
