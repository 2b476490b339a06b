//! Acting on every target of a site: written down, sent, and what came of it written down.

use std::sync::Arc;

use skew_proto::InvalidateAnswer;

use crate::audit::{Action, Audit, AuditError, Command, Deed, Outcome, Record};
use crate::invalidate::{InvalidateError, Mode, ServerKind, invalidate};
use crate::state::follow::Followed;
use crate::state::invalidation::Invalidation;
use crate::target::Target;

/// One target that is to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    pub(crate) target: Arc<Target>,
    pub(crate) server: ServerKind,
    /// Visitors' connections there that match, where that is known.
    pub(crate) expected: Option<u64>,
}

/// Why an invalidation was not carried out everywhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// It can't be written down, so it was not sent.
    #[error("nothing was sent: {0}")]
    Unwritten(AuditError),
    /// No target did it.
    #[error(transparent)]
    Refused(#[from] InvalidateError),
    /// Some targets did it.
    #[error("{done} of {of} targets did it; {reason}")]
    Partly {
        /// Targets that did.
        done: usize,
        /// All targets.
        of: usize,
        /// Why the first of the others did not, with its name.
        reason: String,
    },
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    /// What all targets together answered.
    pub(crate) result: Result<InvalidateAnswer, ActError>,
    /// To write down what becomes of those who were hit.
    pub(crate) records: Records,
    /// Where the audit log could not be written any more.
    pub(crate) unwritten: Option<AuditError>,
}

/// What was begun in the audit log: one record for each target.
#[derive(Debug, Default)]
pub(crate) struct Records(Vec<Record>);

impl Records {
    /// Writes down what is about to be done at every target.
    pub(crate) fn begin(
        aims: &[Aim],
        asked: &Invalidation,
        audit: &Audit,
        command: Command,
    ) -> Result<Self, AuditError> {
        let begin = |aim: &Aim| {
            let action = match asked {
                Invalidation::Route { pattern, kind } => Action::Invalidate { pattern: pattern.clone(), kind: *kind },
                Invalidation::User(id) => Action::InvalidateUser { user_id: id.clone() },
            };
            audit.begin(&aim.target, Deed { command, action, server: Some(aim.server), expected: aim.expected })
        };
        aims.iter().map(begin).collect::<Result<_, _>>().map(Self)
    }

    /// Writes down the same of every target.
    pub(crate) fn conclude(&self, outcome: &Outcome) -> Result<(), AuditError> {
        self.0.iter().try_for_each(|record| record.conclude(outcome.clone()))
    }

    /// Writes down what became of those who were hit.
    pub(crate) fn followed(&self, followed: Followed) -> Result<(), AuditError> {
        self.conclude(&Outcome::Followed { followed })
    }
}

/// Carries an invalidation out at every target, one after the other.
pub(crate) async fn invalidate_all(aims: &[Aim], asked: &Invalidation, audit: &Audit, command: Command) -> Done {
    let records = match Records::begin(aims, asked, audit, command) {
        Ok(records) => records,
        Err(error) => {
            return Done { result: Err(ActError::Unwritten(error)), records: Records::default(), unwritten: None };
        }
    };
    let mut unwritten = None;
    let mut answers = Vec::new();
    let mut failures = Vec::new();
    for (aim, record) in aims.iter().zip(&records.0) {
        let outcome = match invalidate(&aim.target, asked, Mode::Send, aim.server).await {
            Ok(answer) => {
                let matched = answer.matched;
                answers.push(answer);
                Outcome::Sent { matched }
            }
            Err(error) => {
                let outcome = error.outcome();
                failures.push((aim.target.label(), error));
                outcome
            }
        };
        if let Err(error) = record.conclude(outcome) {
            unwritten.get_or_insert(error);
        }
    }
    let done = answers.len();
    let result = match (failures.into_iter().next(), together(answers)) {
        (None, Some(answer)) => Ok(answer),
        (Some((label, error)), Some(_)) => {
            Err(ActError::Partly { done, of: aims.len(), reason: format!("{label}: {error}") })
        }
        (Some((_, error)), None) => Err(error.into()),
        (None, None) => Err(InvalidateError::Rejected("there is no target".to_owned()).into()),
    };
    Done { result, records, unwritten }
}

/// What several targets answered, as one answer: a number only where every one tells its own.
pub(crate) fn together(answers: Vec<InvalidateAnswer>) -> Option<InvalidateAnswer> {
    answers.into_iter().reduce(|mut all, one| {
        all.matched = all.matched.zip(one.matched).map(|(all, one)| all + one);
        all.routes = all.routes.zip(one.routes).map(|(mut all, one)| {
            for (route, count) in one {
                *all.entry(route).or_default() += count;
            }
            all
        });
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_all_needs_the_number_of_each() {
        let answer = |json: &str| serde_json::from_str::<InvalidateAnswer>(json).unwrap();
        let one = answer(r#"{"ok":true,"route":"/a","matched":2,"routes":{"/a":1,"/a/b":1}}"#);
        let other = answer(r#"{"ok":true,"route":"/a","matched":1,"routes":{"/a":1}}"#);
        let all = together(vec![one.clone(), other]).unwrap();
        assert_eq!((all.matched, all.routes.unwrap()["/a"]), (Some(3), 2));
        let stock = answer(r#"{"ok":true,"route":"/a"}"#);
        assert_eq!(together(vec![one, stock]).unwrap().matched, None);
        assert_eq!(together(Vec::new()), None);
    }
}
