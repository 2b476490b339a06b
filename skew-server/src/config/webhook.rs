//! Whom events are sent to.

use std::fmt;

use skew_proto::EventsAsked;
use url::Url;

use super::{ConfigError, Secret};
use crate::outbound;
use crate::webhook::Key;

/// Addresses that events are sent to, in signed requests.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Where to: URLs that begin with `https://` or `http://`. Each gets every event.
    pub urls: Vec<String>,
    /// What requests are signed with, by each of them: several, so that one can be changed without a gap. A text of 24 bytes or more, or
    /// `whsec_` and such bytes in base64.
    pub secrets: Vec<Secret>,
    /// Which events: those of users, or all.
    pub events: EventsAsked,
    /// Events that may wait for one URL. When there are more the oldest are dropped.
    pub queue: usize,
}

impl WebhookConfig {
    /// Events of users to these URLs, of which 10,000 may wait for each.
    #[must_use]
    pub fn new(urls: Vec<String>, secrets: Vec<Secret>) -> Self {
        Self { urls, secrets, events: EventsAsked::Users, queue: 10_000 }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.urls()?;
        self.keys()?;
        if self.queue == 0 {
            return Err(ConfigError::WebhookQueue);
        }
        Ok(())
    }

    pub(crate) fn urls(&self) -> Result<Vec<Url>, ConfigError> {
        let url = |text: &String| Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        self.urls.iter().map(|text| url(text).ok_or(ConfigError::WebhookUrl)).collect()
    }

    pub(crate) fn keys(&self) -> Result<Vec<Key>, ConfigError> {
        self.secrets.iter().map(|secret| Key::of(secret.bytes()).ok_or(ConfigError::WebhookKey)).collect()
    }
}

/// Without what may be secret in a URL.
impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |text: &String| Url::parse(text).map_or_else(|_| "?".to_owned(), |url| outbound::name_of(&url));
        f.debug_struct("WebhookConfig")
            .field("urls", &self.urls.iter().map(name).collect::<Vec<_>>())
            .field("secrets", &self.secrets)
            .field("events", &self.events)
            .field("queue", &self.queue)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn refused(change: impl FnOnce(&mut WebhookConfig)) -> Option<ConfigError> {
        let secret = Secret::new("an-example-secret-of-webhooks").unwrap();
        let mut webhook = WebhookConfig::new(vec!["https://example.com/hook".into()], vec![secret]);
        change(&mut webhook);
        Config { webhook: Some(webhook), ..Config::new("b1") }.check().err()
    }

    #[test]
    fn what_could_not_be_sent_or_checked_is_refused() {
        assert_eq!(refused(|_| {}), None);
        for url in ["example.com/hook", "ftp://example.com", "https://"] {
            assert_eq!(refused(|w| w.urls.push(url.into())), Some(ConfigError::WebhookUrl), "{url}");
        }
        assert_eq!(refused(|w| w.secrets.clear()), Some(ConfigError::NoWebhookSecret));
        for secret in ["short", "whsec_c2hvcnQ=", "whsec_an-example-secret-of-webhooks"] {
            assert_eq!(refused(|w| w.secrets.push(Secret::new(secret).unwrap())), Some(ConfigError::WebhookKey));
        }
        assert_eq!(refused(|w| w.queue = 0), Some(ConfigError::WebhookQueue));
    }

    #[test]
    fn what_is_secret_is_in_no_debug() {
        let secret = Secret::new("an-example-secret-of-webhooks").unwrap();
        let webhook = WebhookConfig::new(vec!["https://us3r:pa55@example.com/hook?token=t0ken".into()], vec![secret]);
        let text = format!("{:?}", Config { webhook: Some(webhook), ..Config::new("b1") });
        assert!(text.contains("https://example.com/hook"), "{text}");
        assert!(!["us3r", "pa55", "t0ken", "an-example"].iter().any(|secret| text.contains(secret)), "{text}");
    }
}
