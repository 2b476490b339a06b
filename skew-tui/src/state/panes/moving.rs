//! Going from pane to pane and from row to row, deeper and back.

use skew_proto::Connection;

use super::Panes;
use crate::action::Action;
use crate::state::cursor::Motion;
use crate::state::drill::Scope;
use crate::state::pane::Pane;
use crate::state::panes::Rows;
use crate::state::rows::{self, Column, InstanceRow, Order};
use crate::state::site::{Site, Users};

/// How an order changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reorder {
    /// By the next column.
    Cycle,
    /// The other way round.
    Reverse,
}

impl Reorder {
    fn apply<C: Column>(self, order: &mut Order<C>) {
        match self {
            Self::Cycle => order.cycle(),
            Self::Reverse => order.reverse(),
        }
    }
}

impl Panes {
    /// Whether a server tells what a pane lists: not every one counts users or is several.
    pub(in crate::state) fn has(pane: Pane, site: &Site) -> bool {
        match pane {
            Pane::Users => site.figures.users.as_ref().is_some_and(Users::any),
            Pane::Instances => !site.instances.is_empty(),
            Pane::Versions | Pane::Routes | Pane::Connections | Pane::Log => true,
        }
    }

    /// The next pane in steps of `by` that has something to list.
    fn neighbour(&self, by: usize, site: &Site) -> Pane {
        let steps = (1..=Pane::ALL.len()).map(|steps| self.focus.step(steps * by));
        steps.into_iter().find(|pane| Self::has(*pane, site)).unwrap_or(self.focus)
    }

    /// Who is selected of the users.
    pub(in crate::state) fn selected_user(&self) -> Option<&rows::Who> {
        self.user_cursor.key().filter(|_| self.focus == Pane::Users)
    }

    /// Carries out what only changes what is seen.
    pub(in crate::state) fn act(&mut self, action: Action, site: &Site) {
        let motion = match action {
            Action::NextPane => return self.focus = self.neighbour(1, site),
            Action::PreviousPane => return self.focus = self.neighbour(Pane::ALL.len() - 1, site),
            Action::VersionsPane => return self.focus = Pane::Versions,
            Action::RoutesPane => return self.focus = Pane::Routes,
            Action::ConnectionsPane => return self.focus = Pane::Connections,
            Action::LogPane => return self.focus = Pane::Log,
            Action::UsersPane => return self.focus = Pane::Users,
            Action::InstancesPane => return self.focus = Pane::Instances,
            Action::Sort => return self.reorder(Reorder::Cycle),
            Action::ReverseSort => return self.reorder(Reorder::Reverse),
            Action::Down => Motion::Down,
            Action::Up => Motion::Up,
            Action::First => Motion::First,
            Action::Last => Motion::Last,
            Action::PageDown => Motion::PageDown,
            Action::PageUp => Motion::PageUp,
            _ => return,
        };
        self.go(self.focus, motion, site);
    }

    pub(in crate::state) fn go(&mut self, pane: Pane, motion: Motion, site: &Site) {
        // A motion starts at the entry under the cursor, so that must be at its place in the newest rows first.
        self.settle(site);
        match pane {
            Pane::Versions => self.version_cursor.go(motion),
            Pane::Routes => self.route_cursor.go(motion),
            Pane::Connections if self.page.is_some() => self.field_cursor.go(motion),
            Pane::Connections => self.connection_cursor.go(motion),
            Pane::Log => self.log_cursor.go(motion),
            Pane::Users => self.user_cursor.go(motion),
            Pane::Instances => self.instance_cursor.go(motion),
        }
        self.settle(site);
    }

    /// The selected row of a pane, counted from the first one on screen.
    pub(in crate::state) fn row_on_screen(&self, pane: Pane) -> Option<usize> {
        match pane {
            Pane::Versions => self.version_cursor.row_on_screen(),
            Pane::Routes => self.route_cursor.row_on_screen(),
            Pane::Connections if self.page.is_some() => self.field_cursor.row_on_screen(),
            Pane::Connections => self.connection_cursor.row_on_screen(),
            Pane::Log => self.log_cursor.row_on_screen(),
            Pane::Users => self.user_cursor.row_on_screen(),
            Pane::Instances => self.instance_cursor.row_on_screen(),
        }
    }

    /// Sorts the focused pane in another way. What happened has one order.
    fn reorder(&mut self, how: Reorder) {
        match self.focus {
            Pane::Versions => how.apply(&mut self.version_order),
            Pane::Routes => how.apply(&mut self.route_order),
            Pane::Connections => how.apply(&mut self.connection_order),
            Pane::Users => how.apply(&mut self.user_order),
            Pane::Instances => how.apply(&mut self.instance_order),
            Pane::Log => return,
        }
        self.reordered(self.focus);
    }

    pub(in crate::state) fn reordered(&mut self, pane: Pane) {
        self.rows[pane as usize] = Rows::Old;
    }

    /// Looks deeper into the selected entry, as it was seen under the cursor.
    pub(in crate::state) fn open(&mut self) {
        let scope = match self.focus {
            Pane::Versions => self.version_cursor.key().cloned().map(Scope::Version),
            Pane::Routes => self.route_cursor.key().cloned().map(Scope::Route),
            Pane::Connections => self.connection_cursor.key().cloned().map(Scope::Connection),
            Pane::Users => self.user_cursor.key().cloned().map(Scope::User),
            Pane::Instances => self.instance_cursor.key().cloned().map(|(host, _)| Scope::Instance(host)),
            Pane::Log => None,
        };
        let Some(scope) = scope else { return };
        let depth = self.drill.path().len();
        self.focus = self.drill.open(scope);
        if self.drill.path().len() > depth {
            self.route_cursor.restart();
            self.version_cursor.restart();
            if self.focus != Pane::Users {
                self.user_cursor.restart();
            }
            match self.drill.connection() {
                Some(_) => self.field_cursor.restart(),
                None => self.connection_cursor.restart(),
            }
            self.invalidate();
        }
    }

    /// Goes back to where the innermost scope was opened.
    pub(in crate::state) fn back(&mut self) {
        let Some(scope) = self.drill.back() else { return };
        self.focus = scope.pane();
        self.page = None;
        match scope {
            Scope::Version(version) => self.version_cursor.select(version),
            Scope::Route(route) => self.route_cursor.select(route),
            Scope::Connection(id) => self.connection_cursor.select(id),
            Scope::User(who) => self.user_cursor.select(who),
            Scope::Instance(host) => {
                let row = self.instances.iter().find(|row| row.hosted.host() == host);
                row.map(InstanceRow::key).into_iter().for_each(|key| self.instance_cursor.select(key));
            }
        }
        self.invalidate();
    }

    /// Name of the focused pane's order, where it has one.
    #[must_use]
    pub fn order_label(&self, pane: Pane) -> Option<(&'static str, rows::Direction)> {
        match pane {
            Pane::Versions => Some((self.version_order.column.label(), self.version_order.direction)),
            Pane::Routes => Some((self.route_order.column.label(), self.route_order.direction)),
            Pane::Connections => Some((self.connection_order.column.label(), self.connection_order.direction)),
            Pane::Users => Some((self.user_order.column.label(), self.user_order.direction)),
            Pane::Instances => Some((self.instance_order.column.label(), self.instance_order.direction)),
            Pane::Log => None,
        }
    }

    /// The connection that is selected: the one whose page is open, or the one under the cursor.
    fn selected_connection<'a>(&'a self, site: &'a Site) -> Option<&'a Connection> {
        if let Some(page) = &self.page {
            return Some(&page.connection);
        }
        let id = self.connection_cursor.key()?;
        site.connections().iter().find(|connection| connection.id == *id)
    }

    /// The route that is selected, whole: of the routes, or of the selected connection.
    pub(in crate::state) fn selected_route(&self, site: &Site) -> Option<String> {
        match self.focus {
            Pane::Routes => self.route_cursor.key().cloned(),
            Pane::Connections => self.selected_connection(site).map(|connection| connection.route.clone()),
            Pane::Versions | Pane::Log | Pane::Users | Pane::Instances => None,
        }
    }
}
