//! Orders that were given, and what the others have answered so far.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::instance::InstanceId;

/// Who has not answered by now is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// One order.
#[derive(Debug)]
struct Open {
    waiting: HashSet<InstanceId>,
    reached: u64,
    until: Instant,
    reply: oneshot::Sender<u64>,
}

/// All of them, by id.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<u64, Open>);

impl Answers {
    /// Waits for these to answer; where there is nobody it is answered at once.
    pub(super) fn wait(
        &mut self,
        id: u64,
        waiting: impl IntoIterator<Item = InstanceId>,
        reply: oneshot::Sender<u64>,
        now: Instant,
    ) {
        let waiting: HashSet<_> = waiting.into_iter().collect();
        let open = Open { waiting, reached: 0, until: now + PATIENCE, reply };
        self.settle(id, open);
    }

    /// Counts an answer: the first of each that was asked.
    pub(super) fn take(&mut self, id: u64, from: &InstanceId, reached: u64) {
        if let Some(mut open) = self.0.remove(&id) {
            if open.waiting.remove(from) {
                open.reached += reached;
            }
            self.settle(id, open);
        }
    }

    /// Gives up waiting for those who take too long.
    pub(super) fn give_up(&mut self, now: Instant) {
        for (_, open) in self.0.extract_if(|_, open| open.until <= now) {
            // Whoever asked may have gone.
            let _ = open.reply.send(open.reached);
        }
    }

    fn settle(&mut self, id: u64, open: Open) {
        if open.waiting.is_empty() {
            let _ = open.reply.send(open.reached);
        } else {
            self.0.insert(id, open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> InstanceId {
        InstanceId { name: name.into(), epoch: 1 }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_summed_until_all_have_answered() {
        let mut answers = Answers::default();
        let (reply, mut answer) = oneshot::channel();
        answers.wait(1, [of("a"), of("b")], reply, Instant::now());
        answers.take(1, &of("a"), 3);
        answers.take(1, &of("a"), 9);
        answers.take(1, &of("stranger"), 9);
        answers.take(2, &of("b"), 9);
        assert!(answer.try_recv().is_err());
        answers.take(1, &of("b"), 4);
        assert_eq!((answer.try_recv(), answers.0.len()), (Ok(7), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_not_waited_for() {
        let mut answers = Answers::default();
        let (reply, mut answer) = oneshot::channel();
        let now = Instant::now();
        answers.wait(1, [of("a"), of("b")], reply, now);
        answers.take(1, &of("b"), 4);
        answers.give_up(now + PATIENCE / 2);
        assert!(answer.try_recv().is_err());
        answers.give_up(now + PATIENCE);
        assert_eq!(answer.try_recv(), Ok(4));
        let (reply, mut answer) = oneshot::channel();
        answers.wait(2, [], reply, now);
        assert_eq!(answer.try_recv(), Ok(0));
    }
}
