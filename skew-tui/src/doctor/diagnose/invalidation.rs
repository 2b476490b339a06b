//! Whether an invalidation would be taken, as far as that shows without sending one.

use crate::doctor::evidence::{Evidence, Invalidation};
use crate::doctor::finding::{Finding, Id};

pub(super) fn findings(evidence: &Evidence) -> Option<Finding> {
    Some(match &evidence.invalidation {
        Invalidation::NotAsked => return None,
        Invalidation::Counted => {
            Finding::ok(Id::Invalidation, "invalidations would be taken", "by a dry run, which reaches nobody")
        }
        Invalidation::Guarded(said) => Finding::ok(
            Id::Invalidation,
            "there is an endpoint for invalidations",
            format!("a wrong secret was refused ({said}); the right one was not tried, as a stock app would act on it"),
        ),
        Invalidation::Unguarded(said) => Finding::problem(
            Id::InvalidationOpen,
            "anybody can invalidate",
            format!("a wrong secret was taken ({said})"),
        )
        .remedy("let the endpoint compare the secret, and refuse where none is set"),
        Invalidation::Refused(said) if evidence.asked.admin_secret => {
            Finding::problem(Id::InvalidationRefused, "these credentials may not invalidate", said)
                .remedy("check SKEW_ADMIN_SECRET or --admin-secret-file; a secret that may only read is not enough")
        }
        Invalidation::Refused(said) => {
            Finding::note(Id::InvalidationRefused, "these credentials may not invalidate", said)
                .remedy("set SKEW_ADMIN_SECRET or pass --admin-secret-file, if you mean to")
        }
        Invalidation::Missing(said) => {
            Finding::warning(Id::InvalidationMissing, "there is no endpoint for invalidations", said)
                .remedy("add the recipe of the README to the app, or name its path by --invalidate-path")
        }
        Invalidation::Failed(said) => {
            Finding::warning(Id::InvalidationFailing, "the endpoint for invalidations fails", said)
                .remedy("see the app's log; an endpoint has to refuse a wrong secret with 401")
        }
    })
}
