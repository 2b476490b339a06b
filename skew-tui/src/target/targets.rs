//! All targets of one run: replicas of one site, or several sites that are watched as one.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Settings, Target, TargetError};

/// An address to use for a host in place of what its name resolves to: `HOST:IP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    host: String,
    ip: IpAddr,
}

impl std::str::FromStr for Resolve {
    type Err = String;

    /// Reads `HOST:IP`, where an IPv6 address may stand in brackets.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write it as HOST:IP, such as shop.example.com:10.0.0.7".to_owned();
        let (host, ip) = text.split_once(':').ok_or_else(wrong)?;
        let ip = ip.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| wrong())?;
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { host: host.to_ascii_lowercase(), ip })
    }
}

/// One or more targets.
#[derive(Debug, Clone)]
pub struct Targets {
    first: Arc<Target>,
    others: Vec<Arc<Target>>,
}

impl Targets {
    /// Checks the settings of every URL, and makes a target of each address that a host is to be reached at.
    ///
    /// # Errors
    ///
    /// When there is no URL, one can't be used, or an address is of a host that no URL names.
    pub fn new(urls: &[String], settings: &Settings, resolve: &[Resolve]) -> Result<Self, TargetError> {
        let mut all = Vec::new();
        for url in urls {
            let target = Target::new(Settings { url: url.clone(), ..settings.clone() })?;
            let host = target.url().host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let mut addresses = resolve.iter().filter(|resolve| resolve.host == host).peekable();
            if addresses.peek().is_none() {
                all.push(Arc::new(target));
                continue;
            }
            all.extend(addresses.map(|resolve| Arc::new(target.clone().at(resolve.ip))));
        }
        let named = |resolve: &&Resolve| all.iter().any(|target| target.url().host_str() == Some(&resolve.host));
        if let Some(stray) = resolve.iter().find(|resolve| !named(resolve)) {
            return Err(TargetError::Resolve { host: skew_proto::text::cut(&stray.host, 80) });
        }
        let mut all = all.into_iter();
        let first = all.next().ok_or(TargetError::None)?;
        Ok(Self { first, others: all.collect() })
    }

    /// The only target, or the first of several.
    #[must_use]
    pub fn first(&self) -> &Arc<Target> {
        &self.first
    }

    /// Every target.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Target>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// What the whole is called: its site, or the first one and how many more. Cleaned and cut.
    #[must_use]
    pub fn label(&self) -> String {
        let site = self.first.label();
        match self.others.iter().filter(|other| other.label() != site).count() {
            0 => site,
            more => format!("{site} + {more}"),
        }
    }

    /// What each target is called, so that they can be told apart.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        let site = self.first.label();
        let one_site = self.others.iter().all(|other| other.label() == site);
        self.iter()
            .map(|target| match target.address() {
                Some(ip) if one_site => ip.to_string(),
                Some(ip) => format!("{} at {ip}", target.label()),
                None => target.label(),
            })
            .collect()
    }
}

impl From<Arc<Target>> for Targets {
    fn from(target: Arc<Target>) -> Self {
        Self { first: target, others: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(urls: &[&str], resolve: &[&str]) -> Result<Targets, TargetError> {
        let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        let resolve: Vec<Resolve> = resolve.iter().map(|text| text.parse().unwrap()).collect();
        Targets::new(&urls, &Settings::default(), &resolve)
    }

    #[test]
    fn replicas_behind_one_name_are_told_apart_by_address() {
        let targets = targets(&["https://Shop.test"], &["shop.test:10.0.0.1", "shop.test:[::7]"]).unwrap();
        assert_eq!(targets.label(), "shop.test");
        assert_eq!(targets.labels(), ["10.0.0.1", "::7"]);
        assert!(targets.iter().all(|target| target.url().as_str() == "https://shop.test/"));
    }

    #[test]
    fn sites_keep_their_names() {
        let targets = targets(&["https://a.test", "https://b.test/x"], &["a.test:10.0.0.1"]).unwrap();
        assert_eq!(targets.label(), "a.test + 1");
        assert_eq!(targets.labels(), ["a.test at 10.0.0.1", "b.test/x"]);
    }

    #[test]
    fn an_address_of_another_host_and_no_url_at_all_are_mistakes() {
        let stray = targets(&["https://a.test"], &["b.test:10.0.0.1"]).unwrap_err();
        assert!(stray.to_string().contains("b.test"), "{stray}");
        assert_eq!(targets(&[], &[]).unwrap_err(), TargetError::None);
        for text in ["a.test", "a.test:", ":1.2.3.4", "a.test:443:1.2.3.4", "a.test:host"] {
            assert!(text.parse::<Resolve>().is_err(), "{text}");
        }
    }
}
