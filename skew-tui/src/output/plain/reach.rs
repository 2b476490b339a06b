//! Whether a target is reached, in sentences.

use crate::Now;
use crate::output::report::refusal;
use crate::state::fleet::Member;
use crate::state::notice::SILENCE_MS;
use crate::state::site::{Authorization, Link, Refusal};

/// What was said of a target's connection.
#[derive(Debug, Default)]
pub(super) struct Reach {
    link: Told,
    /// Whether it was ever connected.
    known: bool,
    access: Access,
    unreadable: Option<String>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Told {
    #[default]
    Nothing,
    Connecting,
    Connected,
    /// Lost or never there, for a reason.
    Lost(String),
}

/// What was said of stats.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Access {
    #[default]
    Nothing,
    Silent,
    Refused,
}

impl Reach {
    /// Whether the target was last said not to be there.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.link, Told::Lost(_))
    }

    /// Says what is new.
    pub(super) fn tell(&mut self, member: &Member, now: Now, said: &mut Vec<String>) {
        self.tell_link(member, said);
        self.tell_access(member, now, said);
        if self.unreadable != member.site.unreadable {
            self.unreadable.clone_from(&member.site.unreadable);
            if let Some(reason) = &self.unreadable {
                said.push(format!("A message of {} can't be read and is passed over: {reason}", member.label));
            }
        }
    }

    fn tell_link(&mut self, member: &Member, said: &mut Vec<String>) {
        let (label, site) = (&member.label, &member.site);
        let next = match &site.link {
            // A further try says nothing new.
            Link::Connecting if self.link == Told::Nothing => Told::Connecting,
            Link::Connecting => return,
            // Whole figures are a moment away.
            Link::Behind => return,
            Link::Live => Told::Connected,
            Link::Stale => Told::Lost("nothing came for too long".to_owned()),
            Link::Reconnecting { reason, .. } | Link::Failed(reason) => Told::Lost(reason.clone()),
        };
        if next == self.link {
            return;
        }
        let gives_up = matches!(site.link, Link::Failed(_));
        said.push(match (&next, &self.link) {
            (Told::Nothing | Told::Connecting, _) => format!("Connecting to {label}."),
            (Told::Connected, Told::Lost(_)) if self.known => format!("Connected to {label} again."),
            (Told::Connected, _) => {
                let over = site.transport.map(|transport| format!(" over {transport}")).unwrap_or_default();
                format!("Connected to {label}{over}.")
            }
            (Told::Lost(reason), _) if gives_up => format!("{label} can't be watched: {reason}."),
            (Told::Lost(reason), Told::Connected) => {
                format!("The connection to {label} is lost: {reason}. Trying again; until then the figures are old.")
            }
            (Told::Lost(reason), Told::Lost(_)) => format!("{label} is still not reached: {reason}."),
            (Told::Lost(reason), _) => {
                format!("{label} is not reached: {reason}. Trying again; skew-tui doctor finds out why.")
            }
        });
        self.known |= next == Told::Connected;
        self.link = next;
    }

    fn tell_access(&mut self, member: &Member, now: Now, said: &mut Vec<String>) {
        let label = &member.label;
        let next = match &member.site.authorization {
            Authorization::Granted => Access::Nothing,
            Authorization::Refused(_) => Access::Refused,
            Authorization::Pending { asked_at_ms: Some(asked) }
                if now.monotonic_ms.saturating_sub(*asked) >= SILENCE_MS =>
            {
                Access::Silent
            }
            // Asked anew after every reconnect: what was said still holds until there is an answer.
            Authorization::Pending { .. } => return,
        };
        if next != std::mem::replace(&mut self.access, next) {
            match (next, &member.site.authorization) {
                (Access::Silent, _) => said.push(format!(
                    "{label} has been asked for its stats and does not answer; skew-tui doctor finds out why."
                )),
                // A refusal by status ends the connection too, and is told as the reason of that.
                (_, Authorization::Refused(Refusal::ByServer)) => {
                    let why = refusal(&member.site).unwrap_or_default();
                    said.push(format!("{label} does not show its stats: {why}."));
                }
                _ => {}
            }
        }
    }
}
