//! The release list that a Nuxt site publishes: `builds/latest.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::lenient::{Object, Text};

/// A build and when it was released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The build id.
    pub version: String,
    /// Time of release in milliseconds since 1970, where the list tells one that can be read.
    pub released_at: Option<u64>,
}

/// A site's release list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Releases {
    /// The build that the site serves now.
    pub current: Option<String>,
    /// Every build that is listed, the current one among them, newest first.
    pub releases: Vec<Release>,
}

impl Releases {
    /// Reads `builds/latest.json`:
    /// `{"id":CURRENT,"timestamp":MS,"skewProtection":{"versions":{BUILD_ID:{"timestamp":ISO,…}}}}`.
    ///
    /// # Errors
    ///
    /// Only when the text is no JSON object. Entries that can't be read are left out.
    pub fn decode(text: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Manifest {
            #[serde(default)]
            id: Option<Text>,
            #[serde(default)]
            timestamp: Option<crate::lenient::Count>,
            #[serde(default)]
            skew_protection: Option<Object<Skew>>,
        }
        #[derive(Deserialize)]
        struct Skew {
            #[serde(default)]
            versions: Option<Object<BTreeMap<String, Object<Build>>>>,
        }
        #[derive(Deserialize)]
        struct Build {
            #[serde(default)]
            timestamp: Option<Text>,
        }

        let Object::Whole(manifest) = serde_json::from_str::<Object<Manifest>>(text)? else {
            return Err(serde::de::Error::custom("the release list is no JSON object"));
        };
        let mut times: BTreeMap<String, Option<u64>> = BTreeMap::new();
        if let Some(Object::Whole(Skew { versions: Some(Object::Whole(versions)) })) = manifest.skew_protection {
            for (version, build) in versions {
                let Object::Whole(build) = build else { continue };
                times.insert(version, build.timestamp.and_then(Text::whole).and_then(|iso| parse_iso(&iso)));
            }
        }
        let current = manifest.id.and_then(Text::whole).filter(|id| !id.is_empty());
        if let Some(id) = &current {
            let built_at = manifest.timestamp.and_then(|count| count.0);
            let entry = times.entry(id.clone()).or_default();
            *entry = entry.or(built_at);
        }
        let mut releases: Vec<Release> =
            times.into_iter().map(|(version, released_at)| Release { version, released_at }).collect();
        releases.sort_by_key(|release| std::cmp::Reverse(release.released_at));
        Ok(Self { current, releases })
    }

    /// When `version` was released, in milliseconds since 1970.
    #[must_use]
    pub fn released_at(&self, version: &str) -> Option<u64> {
        self.releases.iter().find(|release| release.version == version)?.released_at
    }
}

fn parse_iso(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_list_is_read_newest_first() {
        let releases = Releases::decode(
            r#"{"id":"b2","timestamp":1795325310321,"matcher":{},"skewProtection":{"versions":{
                "b1":{"timestamp":"2026-11-20T10:00:00.000Z","deletedChunks":["x.js"]},
                "b2":{"timestamp":"2026-11-21T10:00:00.000Z"}}}}"#,
        )
        .unwrap();
        assert_eq!(releases.current.as_deref(), Some("b2"));
        assert_eq!(releases.releases.iter().map(|release| release.version.as_str()).collect::<Vec<_>>(), ["b2", "b1"]);
        assert_eq!(releases.released_at("b1"), Some(1_795_168_800_000));
    }

    #[test]
    fn a_list_without_the_module_still_tells_the_current_build() {
        let releases = Releases::decode(r#"{"id":"b2","timestamp":17}"#).unwrap();
        assert_eq!(releases.released_at("b2"), Some(17));
    }

    #[test]
    fn damaged_entries_cost_only_themselves() {
        let releases = Releases::decode(
            r#"{"id":7,"timestamp":"soon","skewProtection":{"versions":{"a":5,"b":{"timestamp":"yesterday"}}}}"#,
        )
        .unwrap();
        assert_eq!(releases.current, None);
        assert_eq!(releases.releases, [Release { version: "b".into(), released_at: None }]);
        assert!(Releases::decode("<html>").is_err());
        assert!(Releases::decode(r#"["b2",17]"#).is_err());
    }
}
