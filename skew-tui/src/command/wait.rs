//! `wait URL`: until a share of the connected tabs is on a build.

mod probe;
mod teller;

use std::time::Duration;

use tokio::time::timeout;

use super::origin::Origin;
use super::signals;
use super::stop::Stop;
use super::watch::Watch;
use crate::Now;
use crate::cli::{Options, WaitArgs};
use crate::output::{Ending, Moment, Pulse, Voice, verdict};
use crate::state::site::Watchers;
use crate::wait::{Errand, Phase, Standing, Step, Verdict, Wait};
use probe::Probe;
use teller::Teller;

/// How long a last line may take once the program is told to end.
const LAST_LINE: Duration = Duration::from_millis(500);

/// Said where the pages of a site name no build to their tabs.
const NO_VERSION_COOKIE: &str = "warning: the site's page sets no version cookie (cookie: false, or a page that is cached or \
    prerendered). Tabs without one count as current whatever they run, so a share says little";

/// Said where a recording is over.
const UNDECIDED: &str = "the recording ends before this was decided";

/// Waits until it is decided, or interrupted.
pub(super) async fn run(origin: &Origin, args: &WaitArgs, options: &Options, voice: Voice) -> Result<(), Stop> {
    let terms = args.terms(options).map_err(|error| Stop::Usage(format!("--route: {error}")))?;
    let mut course = Course::start(origin, Wait::new(terms))?;
    let mut teller = Teller::new(options, voice);
    let stop = tokio::select! {
        done = course.go(&mut teller) => done.err(),
        stop = signals::interrupted() => Some(stop),
    };
    match stop {
        None => Ok(()),
        // Here 0 means success and nothing else.
        Some(Stop::Closed) => Err(Stop::Failed("whoever read the output has gone before it was decided".to_owned())),
        Some(stop) => {
            if matches!(stop, Stop::Interrupted) {
                let moment = course.moment();
                let _ = timeout(LAST_LINE, teller.end(&moment, Ending::Interrupted, stop.code())).await;
            }
            Err(stop)
        }
    }
}

/// A wait and what it is about.
struct Course {
    watch: Watch,
    wait: Wait,
    probe: Probe,
    standing: Standing,
    label: String,
    since: Now,
}

impl Course {
    fn start(origin: &Origin, mut wait: Wait) -> Result<Self, Stop> {
        let label = origin.label();
        let probe = Probe::new(origin.targets()).map_err(|error| Stop::Failed(error.to_string()))?;
        let watch = Watch::start(origin, Watchers::LeftOut, None)?;
        let since = watch.now();
        let standing = wait.observe(watch.site(), since).standing;
        Ok(Self { watch, wait, probe, standing, label, since })
    }

    async fn go(&mut self, teller: &mut Teller) -> Result<(), Stop> {
        if let Some(up_ms) = self.probe.server_is_up_for().await {
            self.wait.server_is_up_for(up_ms, self.watch.now());
        }
        loop {
            let step = self.wait.observe(self.watch.site(), self.watch.now());
            self.standing = step.standing.clone();
            if self.probe.finds_no_version_cookie(self.watch.site()).await {
                teller.notice(NO_VERSION_COOKIE).await?;
            }
            if matches!(self.standing.phase, Phase::Over(_)) {
                return self.end(teller).await;
            }
            let worth_at_ms = teller.tell(&self.moment()).await?;
            match step.errand {
                Some(Errand::Reconnect) => self.watch.retry(),
                Some(Errand::Ask) => self.watch.ask(),
                None => {}
            }
            match self.pass(&step, worth_at_ms).await {
                Err(Stop::Over) => self.standing.phase = Phase::Over(Verdict::Failed(UNDECIDED.to_owned())),
                Err(Stop::Failed(reason)) => self.standing.phase = Phase::Over(Verdict::Failed(reason)),
                other => {
                    other?;
                    continue;
                }
            }
            return self.end(teller).await;
        }
    }

    /// Tells what was decided. Nothing, where nothing was.
    async fn end(&self, teller: &mut Teller) -> Result<(), Stop> {
        let Phase::Over(decided) = &self.standing.phase else { return Ok(()) };
        let moment = self.moment();
        let done = done(decided, verdict(&moment, Ending::Verdict(decided)));
        teller.end(&moment, Ending::Verdict(decided), done.as_ref().err().map_or(0, Stop::code)).await?;
        done
    }

    /// Lets something happen, or the time come to look or to tell again.
    async fn pass(&mut self, step: &Step, worth_at_ms: Option<u64>) -> Result<(), Stop> {
        let until_ms = step.deadline_ms.into_iter().chain(worth_at_ms).min();
        self.watch.next_until(until_ms).await.map(drop)
    }

    fn moment(&self) -> Moment<'_> {
        let (site, now) = (self.watch.site(), self.watch.now());
        Moment {
            label: &self.label,
            site,
            terms: self.wait.terms(),
            standing: &self.standing,
            since: self.since,
            now,
            pulse: Pulse::of(&self.watch.known, self.wait.terms(), &self.standing, now),
            version_cookie: self.probe.version_cookie(),
        }
    }
}

/// What a verdict means for the program.
fn done(verdict: &Verdict, message: String) -> Result<(), Stop> {
    match verdict {
        Verdict::Met => Ok(()),
        Verdict::NotMet(_) | Verdict::Superseded { .. } => Err(Stop::NotMet(message)),
        Verdict::TimedOut(_) => Err(Stop::TimedOut(message)),
        Verdict::Unauthorized(_) => Err(Stop::Unauthorized(message)),
        Verdict::Failed(_) => Err(Stop::Failed(message)),
    }
}
