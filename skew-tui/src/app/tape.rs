//! Recording what the dashboard is told, by a key.

mod retold;

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use skew_proto::{Subscription, text};

use crate::Now;
use crate::event::Telling;
use crate::feed::{Happening, by_changes, whole};
use crate::recording::{Addresses, Overwrite, Recorder, RecordingError, Settings, Users};
use crate::state::tape::Tape;
use crate::state::{Masking, State};
use retold::retold;

/// Shortest time between two recorded stats, in milliseconds.
const INTERVAL_MS: u64 = 1_000;

/// Most characters of a site's name in a file's.
const NAME_CHARS: usize = 60;

/// A recording, where one goes on.
#[derive(Debug, Default)]
pub(super) struct Recording(Option<Recorder>);

impl Recording {
    /// Begins a recording with all that is known already, or ends the one that goes on.
    pub(super) fn toggle(&mut self, masking: Masking, state: &State, now: Now) -> Tape {
        if let Some(recorder) = self.0.take() {
            return ended(recorder, now);
        }
        match begin(masking, state, now) {
            Ok(recorder) => {
                let bytes = recorder.bytes();
                self.0 = Some(recorder);
                Tape::Running(bytes)
            }
            Err(error) => Tape::Failed(error.to_string()),
        }
    }

    /// The stats to ask for: whole ones while they are recorded.
    pub(super) fn wanted(&self) -> Subscription {
        if self.0.is_some() { whole() } else { by_changes() }
    }

    /// Takes in what happened, and time that went by. Nothing where nothing is recorded.
    pub(super) fn take(&mut self, happenings: &[Happening], now: Now) -> Option<Tape> {
        let recorder = self.0.as_mut()?;
        // Changes that were on their way when the recording began are in the next snapshot.
        let whole = happenings.iter().filter(|one| one.event.telling() != Some(Telling::Changes));
        let taken = whole.into_iter().try_for_each(|one| recorder.record(one.from, &one.event, one.at));
        match taken.and_then(|()| recorder.tick(now)) {
            Ok(()) => Some(Tape::Running(recorder.bytes())),
            Err(error) => {
                self.0 = None;
                Some(Tape::Failed(error.to_string()))
            }
        }
    }

    /// When time alone is worth taking in, on [`Now::monotonic_ms`].
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.0.as_ref()?.due_ms()
    }

    /// Ends the recording that goes on, if one does: the dashboard is left.
    pub(super) fn finish(&mut self, now: Now) {
        if let Some(recorder) = self.0.take() {
            ended(recorder, now);
        }
    }
}

fn ended(recorder: Recorder, now: Now) -> Tape {
    let words = format!("recorded {} to {}", text::bytes(recorder.bytes()), recorder.path().display());
    match recorder.finish(now) {
        Ok(()) => Tape::Ended(words),
        Err(error) => Tape::Failed(error.to_string()),
    }
}

fn begin(masking: Masking, state: &State, now: Now) -> Result<Recorder, RecordingError> {
    let folder = folder();
    let path = folder.join(name(state.label(), now));
    private(&folder).map_err(|source| RecordingError::Create { path: path.clone(), source })?;
    let members = state.fleet().members();
    let settings = Settings {
        site: state.label().to_owned(),
        targets: members.iter().map(|member| member.label.clone()).collect(),
        addresses: if masking == Masking::On { Addresses::Masked } else { Addresses::Kept },
        users: Users::Hidden,
        interval_ms: INTERVAL_MS,
        overwrite: Overwrite::Never,
    };
    let mut recorder = Recorder::create(&path, settings, now)?;
    for (target, member) in members.iter().enumerate() {
        for event in retold(&member.site, now) {
            recorder.record(target, &event, now)?;
        }
    }
    Ok(recorder)
}

/// Below the state directory of this user, by the XDG rules, and by Windows' own there; else where the program runs.
fn folder() -> PathBuf {
    let places = etcetera::choose_base_strategy().ok();
    let state = places.map(|places| places.state_dir().unwrap_or_else(|| places.data_dir()));
    state.map(|state| state.join("skew").join("recordings")).unwrap_or_default()
}

fn private(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A file's name of a site's and the time in UTC, of characters that mean nothing to a shell or a file system.
fn name(label: &str, now: Now) -> String {
    let site: String =
        label.chars().take(NAME_CHARS).map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let site = site.trim_matches(['-', '.']);
    let at = i64::try_from(now.unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let at = at.unwrap_or_default().strftime("%Y%m%d-%H%M%S-%3f").to_string();
    format!("{site}-{at}.ndjson")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_is_harmless_whatever_the_site_is_called() {
        let now = Now { monotonic_ms: 0, unix_ms: 1_795_325_310_321 };
        assert_eq!(name("shop.example.com + 1", now), "shop.example.com---1-20261122-052830-321.ndjson");
        assert_eq!(name("../\u{1b}[2J$(x)", now), "2J--x-20261122-052830-321.ndjson");
    }
}
