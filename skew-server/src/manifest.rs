//! Following a site's release list, `builds/latest.json`: what it names becomes the current build.

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use reqwest::redirect::Policy;
use skew_proto::{Release, Releases};
use tokio::io::AsyncReadExt;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::config::is_version;
use crate::handle::{Handle, Stopped};
use crate::hub::answer::Released;
use crate::outbound;

/// The list grows with every build that is kept; none is near this.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How long one look may take.
const TIME: Duration = Duration::from_secs(5);

/// Where a site's release list is.
#[derive(Clone)]
pub struct Manifest {
    source: Source,
    /// What the log and errors call it; of a URL neither user nor query, which may hold a secret.
    name: String,
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Web { client: reqwest::Client, url: url::Url },
}

/// Why a release list could not be read.
#[derive(Debug, thiserror::Error)]
#[error("can't read the manifest {name}: {reason}")]
pub struct ManifestError {
    name: String,
    reason: String,
}

/// What a release list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The build it names as current.
    pub current: Release,
    /// Every build it names, the current one among them.
    pub releases: Vec<Release>,
}

impl Manifest {
    /// Takes a URL, or the path of a file.
    ///
    /// # Errors
    ///
    /// When the URL is none, or no HTTPS client can be made.
    pub fn new(source: &str) -> Result<Self, ManifestError> {
        let is_web = ["http://", "https://"].iter().any(|scheme| source.starts_with(scheme));
        if !is_web {
            return Ok(Self { source: Source::File(source.into()), name: source.to_owned() });
        }
        let failed = |name: &str, reason| ManifestError { name: name.to_owned(), reason };
        let url = source.parse().map_err(|error: url::ParseError| failed("of this URL", error.to_string()))?;
        let name = outbound::name_of(&url);
        let client = outbound::client(&url, TIME, Policy::default).map_err(|reason| failed(&name, reason))?;
        Ok(Self { source: Source::Web { client, url }, name })
    }

    /// What the list says.
    ///
    /// # Errors
    ///
    /// When the list can't be read or names none.
    pub async fn read(&self) -> Result<Listing, ManifestError> {
        self.fetch()
            .await
            .and_then(|bytes| parse(&bytes))
            .map_err(|reason| ManifestError { name: self.name.clone(), reason })
    }

    /// Looks at the list again and again, and releases each new build it names, until the server has stopped. The times of release
    /// of all builds it names are told as well.
    pub async fn follow(self, handle: Handle, every: Duration) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = None;
        let mut failing = false;
        loop {
            ticks.tick().await;
            match self.read().await {
                Ok(listing) => {
                    failing = false;
                    if known.as_ref() != Some(&listing) {
                        known = Some(listing.clone());
                        if self.release(&handle, listing).await.is_err() {
                            return;
                        }
                    }
                }
                // Once, not every few seconds, while a site is down.
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!("{error}");
                }
                Err(_) => {}
            }
        }
    }

    async fn release(&self, handle: &Handle, Listing { current, releases }: Listing) -> Result<(), Stopped> {
        handle.learn_releases(releases).await?;
        let version = current.version.clone();
        let Released { previous, reached } = handle.release(current).await?;
        tracing::info!(who = "manifest", version, previous, reached, "released a build");
        Ok(())
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        match &self.source {
            Source::File(path) => {
                let mut bytes = Vec::new();
                let reading = async {
                    // Each look at a pipe would hold a thread until somebody writes into it.
                    if !tokio::fs::metadata(path).await?.is_file() {
                        return Err(io::Error::other("it is no regular file"));
                    }
                    let file = tokio::fs::File::open(path).await?;
                    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).await
                };
                let read = timeout(TIME, reading).await.map_err(|_| "it could not be read in time".to_owned())?;
                read.map_err(|error| error.to_string())?;
                if bytes.len() > MAX_BYTES { Err(format!("it is over {MAX_BYTES} bytes")) } else { Ok(bytes) }
            }
            Source::Web { client, url } => {
                let answer = client.get(url.clone()).send().await.and_then(reqwest::Response::error_for_status);
                outbound::read(answer.map_err(outbound::describe)?, MAX_BYTES).await
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Listing, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let releases = Releases::decode(text).map_err(|error| format!("it is no release list: {error}"))?;
    let version =
        releases.current.clone().filter(|version| is_version(version)).ok_or("it names no current build in `id`")?;
    let current = Release { released_at: releases.released_at(&version), version };
    Ok(Listing { current, releases: releases.releases })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_build_and_its_time_are_read() {
        let list = br#"{"id":"b2","timestamp":17,"skewProtection":{"versions":{"b1":{"timestamp":"1970-01-01T00:00:00.009Z"}}}}"#;
        let Listing { current, releases } = parse(list).unwrap();
        assert_eq!(current, Release { version: "b2".into(), released_at: Some(17) });
        assert_eq!(releases, [current, Release { version: "b1".into(), released_at: Some(9) }]);
        assert!(parse(br#"{"timestamp":17}"#).unwrap_err().contains("id"));
        assert!(parse(b"<html>").is_err());
        assert!(parse(b"\xff").is_err());
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_named() {
        let error = Manifest::new("/nowhere/latest.json").unwrap().read().await.unwrap_err().to_string();
        assert!(error.starts_with("can't read the manifest /nowhere/latest.json: "), "{error}");
    }
}
