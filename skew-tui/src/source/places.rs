//! Where a site may have its endpoints, and in which order they are tried.

use reqwest::Url;

use crate::Transport;
use crate::target::{Target, TransportChoice};

/// One endpoint that may exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) transport: Transport,
    pub(super) base: Url,
}

/// All places of a target, and the one that has worked.
#[derive(Debug)]
pub(super) struct Places {
    all: Vec<Place>,
    worked: Option<usize>,
}

impl Places {
    pub(super) fn of(target: &Target) -> Self {
        let transports: &[Transport] = match target.transport() {
            TransportChoice::Auto => &[Transport::Sse, Transport::Ws],
            TransportChoice::Sse => &[Transport::Sse],
            TransportChoice::Ws => &[Transport::Ws],
            // The stats endpoints have places of their own.
            TransportChoice::Poll => &[Transport::Poll],
        };
        let bases = match target.transport() {
            TransportChoice::Poll => target.bases().get(..1).unwrap_or_default(),
            TransportChoice::Auto | TransportChoice::Sse | TransportChoice::Ws => target.bases(),
        };
        // Base by base: both transports of the app that is meant, before another app at the root of the host.
        let all = bases
            .iter()
            .flat_map(|base| transports.iter().map(|transport| Place { transport: *transport, base: base.clone() }));
        Self { all: all.collect(), worked: None }
    }

    /// The places in the order to try them: the one that has worked before all others.
    pub(super) fn in_order(&self) -> Vec<Place> {
        let mut places = self.all.clone();
        if let Some(worked) = self.worked {
            places[..=worked].rotate_right(1);
        }
        places
    }

    /// Remembers that a place works.
    pub(super) fn worked(&mut self, place: &Place) {
        self.worked = self.all.iter().position(|known| known == place);
    }

    /// Whether any place has worked.
    pub(super) fn any_worked(&self) -> bool {
        self.worked.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Settings;

    fn places(transport: TransportChoice) -> Places {
        let settings = Settings { url: "https://x.test/shop".into(), transport, ..Settings::default() };
        Places::of(&Target::new(settings).unwrap())
    }

    fn shown(places: &Places) -> Vec<String> {
        places.in_order().iter().map(|place| format!("{} {}", place.transport, place.base.path())).collect()
    }

    #[test]
    fn the_mounted_app_comes_first_with_both_transports() {
        let mut places = places(TransportChoice::Auto);
        assert_eq!(shown(&places), ["sse /shop/__skew", "ws /shop/__skew", "sse /__skew", "ws /__skew"]);
        let third = places.in_order().remove(2);
        places.worked(&third);
        assert_eq!(shown(&places), ["sse /__skew", "sse /shop/__skew", "ws /shop/__skew", "ws /__skew"]);
        places.worked(&third);
        assert_eq!(shown(&places)[0], "sse /__skew");
    }

    #[test]
    fn a_transport_that_was_asked_for_is_the_only_one() {
        assert_eq!(shown(&places(TransportChoice::Ws)), ["ws /shop/__skew", "ws /__skew"]);
        assert_eq!(shown(&places(TransportChoice::Poll)).len(), 1);
    }
}
