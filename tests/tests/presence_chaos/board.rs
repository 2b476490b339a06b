//! What is true and what is shown at this moment, for whoever compares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::oracle::{Figures, Truth};

/// How often it is looked at.
const BEAT: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Default)]
pub(crate) struct Board(Arc<Mutex<Now>>);

/// This moment.
#[derive(Debug, Default)]
pub(crate) struct Now {
    /// What goes on.
    pub(crate) step: String,
    pub(crate) truth: Truth,
    /// What each instance shows; nothing where it does not run or does not answer.
    pub(crate) shown: Vec<Option<Figures>>,
}

/// One look at the board.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) seconds: f64,
    pub(crate) step: String,
    pub(crate) users: u64,
    pub(crate) connections: i64,
    /// By how much the instance that is furthest off is off; nothing where nobody answers.
    pub(crate) users_off: Option<i64>,
    pub(crate) connections_off: Option<i64>,
    /// Whether it says that something is missing.
    pub(crate) partial: bool,
}

impl Board {
    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes samples until the answer is dropped or taken.
    pub(crate) fn sample(&self) -> Samples {
        let (board, kept) = (self.clone(), Arc::<Mutex<Vec<Sample>>>::default());
        let (samples, start) = (kept.clone(), Instant::now());
        let mut taking = JoinSet::new();
        taking.spawn(async move {
            let mut beat = interval(BEAT);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beat.tick().await;
                let sample = Sample::of(&board.now(), start.elapsed());
                samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
            }
        });
        Samples { kept, _taking: taking }
    }
}

/// What was seen so far.
#[derive(Debug)]
pub(crate) struct Samples {
    kept: Arc<Mutex<Vec<Sample>>>,
    _taking: JoinSet<()>,
}

impl Samples {
    pub(crate) fn taken(&self) -> Vec<Sample> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sample {
    fn of(now: &Now, at: Duration) -> Self {
        let truth = &now.truth.figures;
        let shown = || now.shown.iter().flatten();
        let furthest = |off: &dyn Fn(&Figures) -> i64| shown().map(off).max_by_key(|off| off.abs());
        Self {
            seconds: at.as_secs_f64(),
            step: now.step.clone(),
            users: truth.users,
            connections: truth.connections,
            users_off: furthest(&|shown| shown.users.cast_signed() - truth.users.cast_signed()),
            connections_off: furthest(&|shown| shown.connections - truth.connections),
            partial: shown().any(|shown| shown.more.as_ref().is_some_and(|more| more.partial)),
        }
    }
}
