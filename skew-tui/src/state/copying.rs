//! What is copied: the identity of what is selected, whole.

use skew_proto::text::is_harmful;

use super::page::Name;
use super::pane::Pane;
use super::panes::Panes;
use super::rows::Who;
use super::site::{Level, Site};
use super::{Effect, Masking, State};
use crate::action::{Action, Context};

/// Longest text that is copied, in bytes: xterm takes 100,000 of base64, and others no more.
const LONGEST_BYTES: usize = 74_994;

/// Characters of it in the word that it was copied.
const SHOWN_CHARS: usize = 60;

/// What is selected.
struct Selected {
    what: String,
    text: String,
    masked: Masking,
}

impl State {
    /// Copies what is selected, and says so.
    pub(super) fn copy(&mut self) -> Vec<Effect> {
        let Some(selected) = self.panes.selected(self.shown()) else {
            self.say(Level::Warning, "nothing is selected");
            return Vec::new();
        };
        let Selected { what, text, masked } = selected;
        if masked == Masking::On && self.masking == Masking::On {
            let key = self.keymap().name(Action::ShowAddresses, Context::Panes);
            self.say(Level::Warning, &format!("addresses are hidden: {key} shows them"));
            return Vec::new();
        }
        if text.len() > LONGEST_BYTES {
            self.say(Level::Warning, &format!("the {what} is too long for a terminal's clipboard"));
            return Vec::new();
        }
        let shown = skew_proto::text::cut(&text, SHOWN_CHARS);
        let note = match text.chars().filter(|c| is_harmful(*c)).count() {
            0 => "",
            1 => ", with a character that is not shown",
            _ => ", with characters that are not shown",
        };
        self.say(Level::Info, &format!("copied the {what} {shown}{note}"));
        vec![Effect::Copy(text)]
    }
}

impl Panes {
    fn selected(&self, site: &Site) -> Option<Selected> {
        let plain = |what: &str, text: String| Selected { what: what.to_owned(), text, masked: Masking::Off };
        match self.focus {
            Pane::Versions => self.version_cursor.key().cloned().map(|version| plain("build", version)),
            Pane::Routes => self.route_cursor.key().cloned().map(|route| plain("route", route)),
            Pane::Connections => match &self.page {
                None => self.connection_cursor.key().cloned().map(|id| plain("id", id)),
                Some(page) => {
                    let name = self.field_cursor.key()?;
                    let field = page.fields.iter().find(|field| field.name == *name)?;
                    let masked = if *name == Name::Address { Masking::On } else { Masking::Off };
                    Some(Selected { what: name.words().to_owned(), text: field.text.clone(), masked })
                }
            },
            Pane::Users => match self.user_cursor.key()? {
                Who::User(id) => Some(plain("user", id.clone())),
                Who::Anonymous => None,
            },
            Pane::Instances => self.instance_cursor.key().map(|(host, _)| plain("instance", host.name.clone())),
            Pane::Log => {
                let number = *self.log_cursor.key()?;
                let entry = (0..site.log.len()).find(|at| site.log_number(*at) == number)?;
                Some(plain("line", site.log[entry].text.clone()))
            }
        }
    }
}
