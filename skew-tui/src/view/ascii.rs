//! A whole picture in ASCII.

use ratatui::buffer::Buffer;

use crate::glyphs::ascii;

/// Puts an ASCII form in the place of whatever is not ASCII. What is two columns wide leaves an empty one behind it.
pub(super) fn reduce(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let mut characters = cell.symbol().chars();
        match (characters.next(), characters.next()) {
            (Some(' '..='~') | None, None) => {}
            (Some(c), None) => drop(cell.set_char(ascii(c))),
            // A letter with its marks.
            _ => drop(cell.set_char('?')),
        }
    }
}
