//! The figures that a wait is decided by.

use skew_proto::RoutePattern;

use crate::state::site::Site;

/// Visitors' connections, of all pages or of those that are asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// The build that is asked about.
    pub version: String,
    /// Connections on it.
    pub current: u64,
    /// Connections on any build.
    pub total: u64,
}

/// Whether the total of a site is the sum of its builds.
pub(super) fn is_sound(site: &Site) -> bool {
    let counted = site.figures.versions.values().try_fold(0u64, |sum, count| sum.checked_add(*count));
    counted == Some(site.figures.total)
}

/// Why a server's figures decide nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Its total is another than the sum of its builds.
    Contradictory,
    /// It listed only some of the connections, so that nobody knows how many are on a page.
    ListIncomplete,
    /// Everybody is at `/`, as where route tracking is off: nobody knows who is on another page.
    RoutesUntracked,
}

impl Share {
    /// The share of `version` in the newest figures of a site, among visitors alone.
    ///
    /// # Errors
    ///
    /// When the figures can't tell.
    pub fn of(site: &Site, version: &str, route: Option<&RoutePattern>) -> Result<Self, Unusable> {
        let figures = &site.figures;
        let Some(route) = route else {
            let current = figures.versions.get(version).copied().unwrap_or(0);
            return Ok(Self { version: version.to_owned(), current, total: figures.total });
        };
        let mut share = Self { version: version.to_owned(), ..Self::default() };
        let mut listed = 0;
        for visitor in site.connections().iter().filter(|connection| !site.is_watcher(connection)) {
            listed += 1;
            if route.matches(&visitor.route) {
                share.total += 1;
                share.current += u64::from(visitor.version == version);
            }
        }
        if listed != figures.total {
            return Err(Unusable::ListIncomplete);
        }
        if share.total == 0 && site.route_tracking_seems_off() {
            return Err(Unusable::RoutesUntracked);
        }
        Ok(share)
    }
}
