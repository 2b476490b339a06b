//! The keys, from the keymap itself.

use ratatui::text::{Line, Span};

use super::text;
use crate::action::{Access, Context};
use crate::keymap::{Keymap, Section};
use crate::theme::{Theme, bold};

/// Columns of a section.
pub(super) const SECTION_WIDTH: usize = 37;

/// Columns of the keys in it.
const KEYS_WIDTH: usize = 14;

/// The lines of each section, its heading first.
pub(super) fn sections(keymap: &Keymap, context: Context, access: Access, theme: &Theme) -> Vec<Vec<Line<'static>>> {
    let section = |section: Section| {
        let mut lines = vec![Line::from(Span::styled(section.title(), theme.strong))];
        for binding in keymap.bindings(context, access).filter(|binding| binding.section == section) {
            let keys = binding.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let gap = " ".repeat(KEYS_WIDTH.saturating_sub(text::width(&keys)));
            lines.push(Line::from(vec![
                Span::styled(keys, bold(theme.accent)),
                Span::raw(gap),
                Span::styled(binding.action.description(), theme.text),
            ]));
        }
        lines
    };
    Section::ALL.into_iter().map(section).filter(|lines| lines.len() > 1).collect()
}
