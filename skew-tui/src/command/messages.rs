//! `messages URL`: every message as it comes.

use std::time::Duration;

use skew_proto::{EventsAsked, Subscription};
use tokio::time::{MissedTickBehavior, interval};

use super::origin::Origin;
use super::stop::Stop;
use super::watch::Watch;
use crate::output::{Sink, Voice, message_line, nobody_reads};
use crate::source::Keep;
use crate::state::site::{Link, Watchers};

/// Time between two looks at whether anybody still reads.
const READER_CHECK: Duration = Duration::from_secs(1);

/// Prints messages until nobody reads. Being refused stats is no reason to end: other messages come all the same.
pub(super) async fn run(origin: &Origin, events: EventsAsked, voice: Voice) -> Result<(), Stop> {
    let feed = origin.feed(Keep::Every, Subscription { events, ..Subscription::default() })?;
    let mut watch = Watch::over(feed, &origin.labels(), Watchers::LeftOut, Some(voice));
    let mut sink = Sink::new();
    let mut reader = interval(READER_CHECK);
    reader.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = watch.next_message() => {
                if let Some(message) = message? {
                    sink.line(&message_line(&message)).await?;
                }
                if let Link::Failed(reason) = &watch.site().link {
                    return Err(Stop::Failed(reason.clone()));
                }
            }
            _ = reader.tick() => if nobody_reads() {
                return Err(Stop::Closed);
            },
        }
    }
}
