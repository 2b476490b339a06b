//! What is known of a site, told once more: a recording that begins in the middle begins with it.

use skew_proto::{Connected, Extra, ServerMessage};

use crate::state::site::{Authorization, Link, Refusal, Site};
use crate::{Now, SourceEvent};

/// What a source would have to say for all that is known of a site to be known.
pub(super) fn retold(site: &Site, now: Now) -> Vec<SourceEvent> {
    let opened = site.transport.map(|transport| [SourceEvent::Connecting(transport), SourceEvent::Open(transport)]);
    let mut events: Vec<_> = opened.into_iter().flatten().collect();
    let frame = |message: ServerMessage| SourceEvent::Frame(message.encode());
    events.extend(site.current.clone().map(|version| {
        let (connection_id, server) = (String::new(), site.server.clone());
        frame(ServerMessage::Connected(Connected {
            version,
            connection_id,
            timestamp: None,
            server,
            extra: Extra::new(),
        }))
    }));
    events.extend(site.stats.clone().map(|mut stats| {
        // No changes follow in a recording.
        stats.extra.retain(|field, _| !["seq", "granted"].contains(&field.as_str()));
        frame(ServerMessage::Stats(Box::new(stats)))
    }));
    if !site.releases.releases.is_empty() {
        events.push(SourceEvent::Releases(site.releases.clone()));
    }
    match &site.authorization {
        Authorization::Pending { asked_at_ms: Some(_) } => events.push(SourceEvent::Subscribed),
        Authorization::Refused(Refusal::ByStatus(status, reason)) => {
            events.push(SourceEvent::Refused { status: *status, reason: reason.clone() });
        }
        Authorization::Refused(Refusal::ByServer) => events.push(frame(ServerMessage::StatsUnauthorized)),
        Authorization::Pending { asked_at_ms: None } | Authorization::Granted => {}
    }
    match &site.link {
        Link::Reconnecting { reason, retry_at_ms } => {
            let retry_ms = retry_at_ms.saturating_sub(now.monotonic_ms);
            events.push(SourceEvent::Lost { reason: reason.clone(), retry_ms });
        }
        Link::Stale => events.push(SourceEvent::Stale),
        Link::Failed(reason) => events.push(SourceEvent::Failed(reason.clone())),
        Link::Connecting | Link::Live | Link::Behind => {}
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transport;
    use crate::state::site::Watchers;

    const STATS: &str = r#"{"type":"stats","total":2,"versions":{"b2":1,"b1":1},"routes":{"/":2},"yourId":"u","current":"b2",
        "connections":[{"id":"u","version":"b2","route":"/","ip":"::1"},{"id":"v","version":"b1","route":"/"}]}"#;

    #[test]
    fn what_is_retold_is_known_as_before() {
        let now = Now { monotonic_ms: 50, unix_ms: 1_000 };
        let hello = r#"{"type":"connected","version":"b2","connectionId":"secret","server":{"name":"skew-server"}}"#;
        let live = [
            SourceEvent::Connecting(Transport::Ws),
            SourceEvent::Open(Transport::Ws),
            SourceEvent::Frame(hello.to_owned()),
            SourceEvent::Frame(STATS.to_owned()),
        ];
        let lost = SourceEvent::Lost { reason: "reset".to_owned(), retry_ms: 500 };
        for events in [&live[..2], &live[..3], &live[..], &[&live[..], &[lost]].concat()] {
            let mut before = Site::new(Watchers::LeftOut);
            events.iter().for_each(|event| before.observe(event.clone(), now));
            let told = retold(&before, now);
            assert!(!format!("{told:?}").contains("secret"));
            let mut after = Site::new(Watchers::LeftOut);
            told.into_iter().for_each(|event| after.observe(event, now));
            assert_eq!(
                (&after.link, after.transport, &after.current),
                (&before.link, before.transport, &before.current)
            );
            assert_eq!((&after.figures, after.connections()), (&before.figures, before.connections()));
            assert_eq!((after.authorized(), &after.server), (before.authorized(), &before.server));
        }
    }
}
