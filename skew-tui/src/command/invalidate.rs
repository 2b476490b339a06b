//! `invalidate URL ROUTE` and `invalidate URL --user ID`: whom it reaches, the question, the server's answer, and what became of those who were hit.

mod expected;
mod outcome;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use skew_proto::{InvalidateAnswer, MatchKind, RoutePattern, text};
use tokio::time::{sleep, timeout};

use super::confirm::{can_ask, confirm, is_yes};
use super::origin::Origin;
use super::signals::{interrupted, until_interrupted};
use super::stop::Stop;
use super::watch::Watch;
use crate::acting::{ActError, Aim, Records, invalidate_all, together};
use crate::audit::{self, AuditError};
use crate::cli::Options;
use crate::invalidate::{InvalidateError, Mode, ServerKind, invalidate};
use crate::output::{Sink, Voice};
use crate::state::follow::{Follow, Hit, NotFollowed};
use crate::state::invalidation::{Preview, Whom, within};
use crate::state::site::{Coverage, Link, Site, Watchers};
use crate::target::Targets;
use expected::{Expected, describe};
use outcome::Outcome;

/// How long the stream is looked at to learn who is there. A site that never answers is invalidated without a number.
const LOOK: Duration = Duration::from_secs(5);

/// Characters of a route that are shown.
const ROUTE_CHARS: usize = 80;

/// Whom it is to reach, as it was typed.
pub(super) enum Subject<'a> {
    /// Whoever is at a route.
    Route { pattern: &'a str, kind: MatchKind },
    /// A user.
    User(&'a str),
}

/// What was asked for.
pub(super) struct Request<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
}

/// Whom it reaches, and where it is to be sent.
struct Known {
    aims: Vec<Aim>,
    expected: Option<Expected>,
    /// The servers' own count, where all of them count.
    count: Option<InvalidateAnswer>,
}

/// An invalidation that was carried out.
struct Sent {
    expected: Option<Expected>,
    answer: InvalidateAnswer,
    records: Records,
    unwritten: Option<AuditError>,
    hit: Result<Hit, NotFollowed>,
}

/// Shows whom it reaches, asks, does it, follows those who were hit, and prints what came of it.
pub(super) async fn run(targets: &Targets, request: &Request<'_>, options: &Options, voice: Voice) -> Result<(), Stop> {
    let whom = check(request, options)?;
    let mut watch = until_interrupted(look(targets)).await?;
    if request.dry_run {
        return until_interrupted(count_only(targets, &whom, &watch, options)).await;
    }
    let sent = until_interrupted(send(targets, &whom, request, options, voice, &mut watch)).await?;
    finish(&whom, sent, options, voice, &mut watch).await
}

/// What can be refused before anything is asked of the site.
fn check(request: &Request<'_>, options: &Options) -> Result<Whom, Stop> {
    let whom = match request.subject {
        Subject::User("") => return Err(Stop::Usage("an empty id is nobody's".to_owned())),
        Subject::User(id) => Whom::User(id.to_owned()),
        Subject::Route { pattern, kind } => {
            Whom::Route(RoutePattern::new(kind, pattern).map_err(|error| Stop::Usage(error.to_string()))?)
        }
    };
    if options.readonly && !request.dry_run {
        return Err(Stop::Usage("--readonly allows no invalidation; --dry-run shows whom it would reach".to_owned()));
    }
    if !request.yes && !request.dry_run && !can_ask() {
        return Err(Stop::Usage(
            "there is no terminal to confirm on; pass --yes, or --dry-run to only look".to_owned(),
        ));
    }
    Ok(whom)
}

/// Learns who the servers are and who is connected, as far as they tell.
async fn look(targets: &Targets) -> Result<Watch, Stop> {
    let mut watch = Watch::start(&Origin::Live(targets.clone()), Watchers::LeftOut, None)?;
    let known = async {
        loop {
            watch.next().await?;
            // `authorized` is answered after `connected`, which names the server.
            let settled = |site: &Site| site.authorized().is_some() || failure(site).is_some();
            if watch.known.fleet.members().iter().all(|member| settled(&member.site)) {
                return failure(watch.site()).map_or(Ok(()), |reason| Err(Stop::Failed(reason)));
            }
        }
    };
    timeout(LOOK, known).await.unwrap_or(Ok(()))?;
    Ok(watch)
}

fn failure(site: &Site) -> Option<String> {
    match &site.link {
        Link::Failed(reason) | Link::Reconnecting { reason, .. } => Some(reason.clone()),
        Link::Connecting | Link::Live | Link::Behind | Link::Stale => None,
    }
}

/// Whom it reaches now: by the servers' own count, where they count.
async fn expect(targets: &Targets, whom: &Whom, watch: &Watch) -> Result<Known, Stop> {
    let mut aims = Vec::new();
    let mut counts = Vec::new();
    for (target, member) in targets.iter().zip(watch.known.fleet.members()) {
        let server = ServerKind::of(&member.site);
        let expected = match server {
            ServerKind::Skew => {
                let count = invalidate(target, &whom.asked(), Mode::DryRun, server).await?;
                let expected = Expected::counted(&count);
                counts.push(count);
                Some(expected)
            }
            ServerKind::Stock => {
                refused_by_a_stock_app(whom)?;
                Preview::of(whom.clone(), &member.site).reach.map(Expected::seen)
            }
        };
        let expected = expected.map(|expected| expected.people);
        aims.push(Aim { target: Arc::clone(target), server, expected });
    }
    let count = if counts.len() == aims.len() { together(counts) } else { None };
    let expected = match &count {
        Some(count) => Some(Expected::counted(count)),
        None if watch.site().coverage == Coverage::Whole => {
            Preview::of(whom.clone(), watch.site()).reach.map(Expected::seen)
        }
        None => None,
    };
    Ok(Known { aims, expected, count })
}

/// What an app with the documented recipe can't do is not asked of it.
fn refused_by_a_stock_app(whom: &Whom) -> Result<(), InvalidateError> {
    match whom {
        Whom::Route(pattern) if pattern.kind() == MatchKind::Prefix => Ok(()),
        Whom::Route(pattern) => Err(InvalidateError::PrefixOnly(pattern.kind())),
        Whom::User(_) => Err(InvalidateError::NoUsers("this app does not say that it is skew-server".to_owned())),
    }
}

async fn count_only(targets: &Targets, whom: &Whom, watch: &Watch, options: &Options) -> Result<(), Stop> {
    let Known { expected, count, .. } = expect(targets, whom, watch).await?;
    let expected = expected.ok_or_else(|| {
        Stop::Unauthorized("whom it would reach is not known: the site did not show its stats".to_owned())
    })?;
    let server = ServerKind::of(watch.site());
    Outcome::of(whom, server, Some(&expected), count.as_ref(), Mode::DryRun).print_count(options).await
}

/// Shows whom it reaches, asks, writes it down and sends it.
async fn send(
    targets: &Targets,
    whom: &Whom,
    request: &Request<'_>,
    options: &Options,
    voice: Voice,
    watch: &mut Watch,
) -> Result<Sent, Stop> {
    let mut known = expect(targets, whom, watch).await?;
    voice.notice(&describe(whom, known.expected.as_ref()));
    limit(&known, whom, options)?;
    if !request.yes {
        ask(whom).await?;
        // Whoever came while the question stood is hit as well.
        watch.catch_up();
        known = expect(targets, whom, watch).await?;
        limit(&known, whom, options)?;
    }
    let hit = Hit::of(whom, watch.site());
    let asked = whom.asked();
    let done = invalidate_all(&known.aims, &asked, &options.audit(), audit::Command::Invalidate).await;
    match (done.result, done.unwritten) {
        (Ok(answer), unwritten) => Ok(Sent { expected: known.expected, answer, records: done.records, unwritten, hit }),
        (Err(error), Some(unwritten)) => Err(lost(&error.to_string(), &unwritten)),
        (Err(error), None) => Err(error.into()),
    }
}

/// Holds what is known to the operator's limit. That somebody tried is written down.
fn limit(known: &Known, whom: &Whom, options: &Options) -> Result<(), Stop> {
    let reach = known.expected.as_ref().map(|expected| expected.people);
    let Err(over) = within(reach, options.max_affected) else { return Ok(()) };
    let refusal = format!("{over}; nothing was sent");
    Records::begin(&known.aims, &whom.asked(), &options.audit(), audit::Command::Invalidate)
        .and_then(|records| records.conclude(&audit::Outcome::refused(&refusal)))
        .map_err(|error| unwritten(&error))?;
    Err(Stop::Failed(refusal))
}

/// Asks on the terminal. What reaches everybody has to be typed.
async fn ask(whom: &Whom) -> Result<(), Stop> {
    if whom.is_everybody() {
        let shown = text::cut(whom.text(), ROUTE_CHARS);
        let question = format!("This reaches everybody. Type {shown} to go on: ");
        confirm(&question, |answer| answer == whom.text()).await
    } else {
        confirm("Send them a refresh? [y/N] ", is_yes).await
    }
}

/// Writes down that it was sent, follows those who were hit, and prints what came of it.
async fn finish(whom: &Whom, sent: Sent, options: &Options, voice: Voice, watch: &mut Watch) -> Result<(), Stop> {
    let Sent { expected, answer, records, unwritten, hit } = sent;
    let outcome = Outcome::of(whom, ServerKind::of(watch.site()), expected.as_ref(), Some(&answer), Mode::Send);
    let mut sink = Sink::new();
    if !options.json {
        sink.line(&outcome.sentence()).await?;
    }
    let (follow, stopped) = match hit {
        Ok(hit) if !options.follow.is_zero() => {
            let (follow, stopped) = follow(hit, options.follow, voice, watch).await;
            (Ok(Some(follow)), stopped)
        }
        Ok(_) => (Ok(None), None),
        Err(reason) => (Err(reason), None),
    };
    let end = follow.as_ref().ok().and_then(Option::as_ref).and_then(Follow::end);
    let unwritten = unwritten.or_else(|| records.followed(end?).err());
    let outcome = match (&follow, end) {
        (Ok(Some(follow)), Some(end)) => outcome.with_end(follow, end, options),
        (Err(reason), _) if !options.follow.is_zero() => outcome.with_reason(reason.to_string()),
        _ => outcome,
    };
    if options.json {
        outcome.print_line().await?;
    } else {
        for line in outcome.end() {
            sink.line(&line).await?;
        }
    }
    if let Some(unwritten) = unwritten {
        return Err(lost("it was sent", &unwritten));
    }
    stopped.map_or(Ok(()), Err)
}

/// Follows those who were hit to the end, or until the command is interrupted.
async fn follow(hit: Hit, time: Duration, voice: Voice, watch: &mut Watch) -> (Follow, Option<Stop>) {
    let for_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut follow = Follow::new(hit, for_ms, watch.site(), watch.now());
    if voice == Voice::Text && follow.end().is_none() {
        voice.notice(&format!("following them for up to {} s …", time.as_secs_f32()));
    }
    let mut interrupted = pin!(interrupted());
    while let Some(wait) = follow.changes_in(watch.now()) {
        let stop = tokio::select! {
            event = watch.next() => event.err(),
            () = sleep(Duration::from_millis(wait)) => None,
            stop = &mut interrupted => Some(stop),
        };
        follow.observe(watch.site(), watch.now());
        if let Some(stop) = stop {
            follow.stop(watch.now());
            return (follow, Some(stop));
        }
    }
    (follow, None)
}

/// The audit log can't be written, so nothing is done.
pub(super) fn unwritten(error: &AuditError) -> Stop {
    Stop::Failed(format!("nothing was sent: {error}"))
}

/// The audit log can't be written any more, and lacks what came of it.
pub(super) fn lost(what: &str, error: &AuditError) -> Stop {
    Stop::Failed(format!("{what}, and the audit log lacks that: {error}"))
}

impl From<ActError> for Stop {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Refused(error) => error.into(),
            ActError::Unwritten(_) | ActError::Partly { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl From<InvalidateError> for Stop {
    fn from(error: InvalidateError) -> Self {
        let message = error.to_string();
        match error {
            InvalidateError::Pattern(_) | InvalidateError::PrefixOnly(_) | InvalidateError::NoDryRun => {
                Self::Usage(message)
            }
            InvalidateError::NoSecret | InvalidateError::Unauthorized(_) => Self::Unauthorized(message),
            InvalidateError::NoEndpoint(_)
            | InvalidateError::NoUsers(_)
            | InvalidateError::Rejected(_)
            | InvalidateError::Unknown(_) => Self::Failed(message),
        }
    }
}
