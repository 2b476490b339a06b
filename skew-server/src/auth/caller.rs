//! Somebody who asks, and what becomes of it: wrong secrets are slowed by address before they are looked at.

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;

use super::{Grant, secret};
use crate::app::App;
use crate::clock;
use crate::failure::ApiError;
use crate::hooks::Credentials;
use crate::limits::AddressKey;
use crate::live::Live;
use crate::metrics::{Limit, Outcome};
use crate::origin::Source;
use crate::visitor;

/// A session in chunks is shorter than this, with all the other cookies of a site.
const MAX_KEPT_BYTES: usize = 8 * 1024;

/// One who asks for stats or acts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) credentials: Credentials,
    /// Nothing where the client's address is not known.
    pub(crate) address: Option<AddressKey>,
}

impl Caller {
    pub(crate) fn of(parts: &Parts, source: Source, app: &App) -> Self {
        Self { credentials: Credentials::of(parts, source), address: visitor::address_key(parts, app) }
    }

    /// What a connection keeps of one who may ask later. A stock visitor has its build's cookie alone, and only the hook of an embedding
    /// application can tell what a cookie is good for: all are kept. One who has none is not to carry empty pointers about, and more than
    /// [`MAX_KEPT_BYTES`] are kept for nobody.
    pub(crate) fn kept(self) -> Option<Arc<Self>> {
        let Credentials { cookie, authorization, session } = &self.credentials;
        let bytes: usize = [cookie, authorization, session].into_iter().flatten().map(|text| text.len()).sum();
        (1..=MAX_KEPT_BYTES).contains(&bytes).then(|| Arc::new(self))
    }
}

/// Why somebody was not let do what they asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing is configured that could admit anybody.
    Closed,
    /// Too many wrong ones came from the address. What was sent was not looked at.
    Slowed(Duration),
    /// A secret or token that was sent is not right.
    Wrong,
    /// Nothing that was sent admits anybody.
    Unknown,
    /// They may read, and wanted to act.
    ReadsOnly,
}

impl Refusal {
    pub(super) fn of(wrong: bool) -> Self {
        if wrong { Self::Wrong } else { Self::Unknown }
    }
}

impl From<Refusal> for ApiError {
    /// 503 for a server that is closed is what a stock one answers.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::unavailable("the server has nothing to check credentials with; see --help"),
            Refusal::Slowed(wait) => Self::too_many("too many wrong secrets came from this address; wait", wait),
            Refusal::Wrong | Refusal::Unknown => {
                Self::unauthorized("send the admin secret as a bearer token, or log in as an admin")
            }
            Refusal::ReadsOnly => Self::forbidden("these credentials may read and not act; use an admin's"),
        }
    }
}

impl Live {
    /// Who reads stats.
    pub(crate) async fn reader(&self, caller: &Caller) -> Result<Grant, Refusal> {
        let tried = async {
            let attempt = Attempt::begin(self, caller, None)?;
            let outcome = self.settings().authorizer.reader(&caller.credentials).await;
            attempt.end(&outcome);
            outcome
        };
        self.counted(tried.await)
    }

    /// Whether one who was admitted as a reader still is. It is no try.
    pub(super) async fn still_reader(&self, caller: &Caller) -> Result<Grant, Refusal> {
        self.settings().authorizer.reader(&caller.credentials).await
    }

    /// Who acts. `secret` is the one in the body of the documented recipe.
    pub(crate) async fn admin(&self, caller: &Caller, secret: Option<&str>) -> Result<Grant, Refusal> {
        let tried = async {
            let attempt = Attempt::begin(self, caller, secret)?;
            let outcome = self.settings().authorizer.admin(&caller.credentials, secret).await;
            attempt.end(&outcome);
            outcome
        };
        self.counted(tried.await)
    }

    fn counted(&self, outcome: Result<Grant, Refusal>) -> Result<Grant, Refusal> {
        self.metrics.authorizations.count(match outcome {
            Ok(_) => Outcome::Granted,
            Err(Refusal::Closed) => Outcome::Closed,
            Err(Refusal::Slowed(_)) => Outcome::Slowed,
            Err(Refusal::Wrong) => Outcome::Wrong,
            Err(Refusal::Unknown) => Outcome::Unknown,
            Err(Refusal::ReadsOnly) => Outcome::ReadsOnly,
        });
        outcome
    }
}

/// A try, which counts from its beginning: many at once are no way around it, nor is one that is given up half-way.
struct Attempt<'a> {
    live: &'a Live,
    /// Whom it counts against. Cookies can't be tried out, and who sends nothing tries nothing.
    address: Option<AddressKey>,
}

impl<'a> Attempt<'a> {
    /// Also who is right waits while the address is slowed: else the answer would tell whether they are.
    fn begin(live: &'a Live, caller: &Caller, secret: Option<&str>) -> Result<Self, Refusal> {
        let bearer = || caller.credentials.authorization.as_deref().and_then(secret::bearer);
        let address = caller.address.filter(|_| secret.is_some() || bearer().is_some());
        if let Some(address) = address {
            let rate = live.settings().config.limits.tries_by_address;
            live.tries.take(address, &rate, clock::nanos()).map_err(|wait| {
                live.metrics.limited(Limit::TriesByAddress);
                Refusal::Slowed(wait)
            })?;
        }
        Ok(Self { live, address })
    }

    /// Only what was wrong stays counted.
    fn end(self, outcome: &Result<Grant, Refusal>) {
        if let Some(address) = self.address.filter(|_| *outcome != Err(Refusal::Wrong)) {
            self.live.tries.give_back(address, &self.live.settings().config.limits.tries_by_address);
        }
    }
}
