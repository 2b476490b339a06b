//! What a person can ask of the dashboard, by name.

use serde::{Deserialize, Serialize};

use crate::playback::Control;

/// One thing to do. The names are what a key is bound to, and what a configuration may bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Show the keys.
    Help,
    /// End the program.
    Quit,
    /// Stop the program, to be continued by `fg`.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Focus the next pane.
    NextPane,
    /// Focus the pane before.
    PreviousPane,
    /// Focus the versions.
    VersionsPane,
    /// Focus the routes.
    RoutesPane,
    /// Focus the connections.
    ConnectionsPane,
    /// Focus the log.
    LogPane,
    /// Focus the users.
    UsersPane,
    /// Focus the instances.
    InstancesPane,
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// One page down.
    PageDown,
    /// One page up.
    PageUp,
    /// Type a text that rows must hold.
    Filter,
    /// Look deeper into the selected row.
    Open,
    /// Close what is open; else take the pane's filter away; else go back to where one looked from.
    Back,
    /// Sort the pane by its next column.
    Sort,
    /// Turn the pane's order round.
    ReverseSort,
    /// Copy what is selected.
    Copy,
    /// Show addresses whole, or hide them but for their network.
    ShowAddresses,
    /// Let charts go further back, after the longest time the shortest.
    NextSpan,
    /// Show who is on an old build in the place of the connections, then the history, then the connections again.
    NextView,
    /// Hold the display while data goes on, or let it go.
    Freeze,
    /// Refresh the users of the selected route.
    InvalidateSelected,
    /// Refresh the users of a pattern to be typed.
    InvalidatePattern,
    /// Choose another site of the configuration.
    Contexts,
    /// Connect anew now.
    Reconnect,
    /// Count `skew-tui`s in the figures, or leave them out.
    ToggleWatchers,
    /// Go on with what a dialog shows.
    Confirm,
    /// The next way to compare a pattern with a route.
    NextMatch,
    /// Record what is told, or end that.
    Record,
    /// Hold a recording, or let it go on.
    Pause,
    /// Ten seconds back in a recording.
    SkipBack,
    /// Ten seconds on in a recording.
    SkipOn,
    /// A minute back in a recording.
    LeapBack,
    /// A minute on in a recording.
    LeapOn,
    /// To the begin of a recording.
    Begin,
    /// To the end of a recording.
    End,
    /// Play a recording twice as fast.
    Faster,
    /// Play a recording half as fast.
    Slower,
}

/// What is open, and so what a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The panes.
    Panes,
    /// The panes of a recording.
    Replay,
    /// A line of text is typed.
    Text,
    /// A question that is answered by going on or by going back.
    Question,
    /// Something that is told.
    Message,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Panes, Self::Replay, Self::Text, Self::Question, Self::Message];
}

/// Whether the dashboard may act on the users of the site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// It looks and acts.
    #[default]
    Full,
    /// It only looks: what acts is neither offered nor done.
    ReadOnly,
}

impl Access {
    /// Whether an action is allowed.
    #[must_use]
    pub fn allows(self, action: Action) -> bool {
        self == Self::Full || !action.reaches_users()
    }
}

impl Action {
    /// Its name in a configuration, such as `next-pane`.
    #[must_use]
    pub fn name(self) -> String {
        // A unit variant always has a name.
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// What it does, for the help screen.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Help => "show these keys",
            Self::Quit => "quit",
            Self::Suspend => "suspend, back with fg",
            Self::Redraw => "draw everything anew",
            Self::NextPane => "next pane",
            Self::PreviousPane => "previous pane",
            Self::VersionsPane => "versions",
            Self::RoutesPane => "routes",
            Self::ConnectionsPane => "connections",
            Self::LogPane => "log",
            Self::UsersPane => "users",
            Self::InstancesPane => "instances",
            Self::Down => "down",
            Self::Up => "up",
            Self::First => "first row",
            Self::Last => "last row",
            Self::PageDown => "page down",
            Self::PageUp => "page up",
            Self::Filter => "filter the pane",
            Self::Open => "open this row",
            Self::Back => "close, or go back",
            Self::Sort => "sort by next column",
            Self::ReverseSort => "reverse the order",
            Self::Copy => "copy what is selected",
            Self::ShowAddresses => "show addresses, or not",
            Self::NextSpan => "longer charts",
            Self::NextView => "stragglers, history",
            Self::Freeze => "freeze the display",
            Self::InvalidateSelected => "invalidate what is here",
            Self::InvalidatePattern => "invalidate a pattern",
            Self::Contexts => "go to another context",
            Self::Reconnect => "reconnect now",
            Self::ToggleWatchers => "count watchers, or not",
            Self::Confirm => "go on",
            Self::NextMatch => "next kind of match",
            Self::Record => "record, or end it",
            Self::Pause => "hold it, or go on",
            Self::SkipBack => "10 s back",
            Self::SkipOn => "10 s on",
            Self::LeapBack => "a minute back",
            Self::LeapOn => "a minute on",
            Self::Begin => "to its begin",
            Self::End => "to its end",
            Self::Faster => "twice as fast",
            Self::Slower => "half as fast",
        }
    }

    /// What it means for a recording that is played, where it means something for that alone.
    #[must_use]
    pub fn control(self) -> Option<Control> {
        const SKIP_MS: i64 = 10_000;
        const LEAP_MS: i64 = 60_000;
        Some(match self {
            Self::Pause => Control::Pause,
            Self::SkipBack => Control::Skip(-SKIP_MS),
            Self::SkipOn => Control::Skip(SKIP_MS),
            Self::LeapBack => Control::Skip(-LEAP_MS),
            Self::LeapOn => Control::Skip(LEAP_MS),
            Self::Begin => Control::Begin,
            Self::End => Control::End,
            Self::Faster => Control::Faster,
            Self::Slower => Control::Slower,
            _ => return None,
        })
    }

    /// Whether there is something to do in a recording, where nobody is connected and nobody can be reached.
    #[must_use]
    pub fn suits_recordings(self) -> bool {
        !self.reaches_users() && !matches!(self, Self::Reconnect | Self::Record)
    }

    /// Whether it acts on the users of the site, which a read-only dashboard never does.
    #[must_use]
    pub fn reaches_users(self) -> bool {
        matches!(self, Self::InvalidateSelected | Self::InvalidatePattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case() {
        assert_eq!(serde_json::to_string(&Action::InvalidateSelected).unwrap(), r#""invalidate-selected""#);
        assert_eq!(serde_json::from_str::<Action>(r#""next-pane""#).unwrap(), Action::NextPane);
    }
}
