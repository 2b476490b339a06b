//! The lists of the dashboard by name.

/// One of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// Builds and how many are on them.
    Versions,
    /// Routes and how many are at them.
    Routes,
    /// Every connection.
    Connections,
    /// What happened.
    Log,
    /// Who the connections belong to.
    Users,
    /// The server's processes.
    Instances,
}

impl Pane {
    /// All panes, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Versions, Self::Routes, Self::Connections, Self::Log, Self::Users, Self::Instances];

    /// The number that focuses the pane.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// The pane's name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Versions => "Versions",
            Self::Routes => "Routes",
            Self::Connections => "Connections",
            Self::Log => "Log",
            Self::Users => "Users",
            Self::Instances => "Instances",
        }
    }

    /// The pane so many places after this one.
    pub(super) fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// Number of rows that each pane has room for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heights {
    /// Rows of the versions.
    pub versions: usize,
    /// Rows of the routes.
    pub routes: usize,
    /// Rows of the connections.
    pub connections: usize,
    /// Rows of the log.
    pub log: usize,
    /// Rows of the users.
    pub users: usize,
    /// Rows of the instances.
    pub instances: usize,
    /// Rows of the stragglers.
    pub stragglers: usize,
}
