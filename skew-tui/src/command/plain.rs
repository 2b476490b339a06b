//! The dashboard without a screen: a line for each change worth saying, until interrupted.

use std::convert::Infallible;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::{MissedTickBehavior, interval};

use super::origin::Origin;
use super::stop::Stop;
use super::watch::Watch;
use super::{signals, watchers};
use crate::cli::Options;
use crate::output::{Sink, Teller, nobody_reads};

/// Time between two looks at what has become worth saying, and at whether anybody still reads.
const LOOK: Duration = Duration::from_secs(1);

/// Says what changes until interrupted, refused, or nobody reads.
pub(super) async fn run(origin: &Origin, options: &Options) -> Result<(), Stop> {
    // What happens to the connection is among the lines.
    let watch = Watch::start(origin, watchers(options), None)?;
    tokio::select! {
        stop = lines(watch, options.interval) => stop.map(|never| match never {}),
        stop = signals::interrupted() => Err(stop),
    }
}

async fn lines(mut watch: Watch, pause: Duration) -> Result<Infallible, Stop> {
    let mut teller = Teller::new(TimeZone::system());
    let mut sink = Sink::new();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            arrived = watch.arrived() => {
                arrived?;
                watch.catch_up();
            }
            _ = look.tick() => if nobody_reads() {
                return Err(Stop::Closed);
            },
        }
        for line in teller.tell(&watch.known, watch.now()) {
            sink.line(&line).await?;
        }
        if let Some(stop) = watch.hopeless() {
            return Err(stop);
        }
        // What comes meanwhile waits unread, where the newest stats replace older ones.
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        watch.reach(watch.now().monotonic_ms.saturating_add(pause_ms)).await;
    }
}
