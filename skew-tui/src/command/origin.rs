//! Where the facts come from that a command reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skew_proto::{Subscription, text};

use super::stop::Stop;
use crate::cli::Options;
use crate::feed::Feed;
use crate::recording::{Header, Reader};
use crate::source::Keep;
use crate::target::{Target, Targets};

/// Characters of a recorded name that are shown.
const NAME_CHARS: usize = 200;

/// Sites, or a recording of them.
pub(super) enum Origin {
    /// Sites as they are.
    Live(Targets),
    /// Sites as they were.
    Recorded {
        /// The recording.
        path: PathBuf,
        /// What it says of itself.
        header: Header,
    },
}

impl Origin {
    /// By the arguments: a URL and further targets, or `--replay`.
    pub(super) fn of(options: &Options, url: Option<&str>) -> Result<Self, Stop> {
        match &options.replay {
            None => Ok(Self::Live(options.targets(url)?)),
            Some(path) if url.is_none() && options.targets.is_empty() => Self::recorded(path),
            Some(_) => Err(Stop::Usage("give a site or --replay FILE, not both".to_owned())),
        }
    }

    /// A recording.
    pub(super) fn recorded(path: &Path) -> Result<Self, Stop> {
        let header = Reader::open(path)?.header().clone();
        Ok(Self::Recorded { path: path.to_owned(), header })
    }

    /// Whom one can ask something. Of a recording that is nobody.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        let live = match self {
            Self::Live(targets) => Some(targets.iter()),
            Self::Recorded { .. } => None,
        };
        live.into_iter().flatten()
    }

    /// What the whole is called. Cleaned and cut.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Live(targets) => targets.label(),
            Self::Recorded { header, .. } => text::cut(&header.site, NAME_CHARS),
        }
    }

    /// What each target is called. Cleaned and cut.
    pub(super) fn labels(&self) -> Vec<String> {
        match self {
            Self::Live(targets) => targets.labels(),
            Self::Recorded { header, .. } => header.targets.iter().map(|label| text::cut(label, NAME_CHARS)).collect(),
        }
    }

    /// Begins to read, by stats of that kind where a server has it. A recording is read as fast as it can be.
    pub(super) fn feed(&self, keep: Keep, wanted: Subscription) -> Result<Feed, Stop> {
        Ok(match self {
            Self::Live(targets) => Feed::live(targets, keep, wanted)?,
            Self::Recorded { path, .. } => Feed::recorded(path)?,
        })
    }
}
