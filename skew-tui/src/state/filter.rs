//! A text that rows must hold.

use regex::{Regex, RegexBuilder};

/// A filter on rows. It compares with whole texts, not with what there is room for; only of ids everybody sees the same
/// first part.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    regex: Option<Regex>,
}

impl Filter {
    /// Rows that hold `text`, in any case; every row where it is empty.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let regex = (!text.is_empty())
            .then(|| RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build().ok())
            .flatten();
        Self { text: text.to_owned(), regex }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether every row passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether a text passes.
    #[must_use]
    pub fn passes(&self, text: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }

    /// Whether an id passes, of which only the first `shown` characters are seen: by what is among these, or by how the
    /// whole id begins. What is hidden in its middle would look like a mistake.
    #[must_use]
    pub fn passes_id(&self, id: &str, shown: usize) -> bool {
        let hidden_from = id.char_indices().nth(shown).map_or(id.len(), |(at, _)| at);
        self.regex
            .as_ref()
            .is_none_or(|regex| regex.find(id).is_some_and(|found| found.start() == 0 || found.end() <= hidden_from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_plain_text_in_any_case() {
        let filter = Filter::new("(Cart");
        assert!(filter.passes("/shop/(cArt)") && !filter.passes("/cart"));
        assert!(Filter::new("").passes("/x"));
        assert!(Filter::new("ÄPFEL").passes("/äpfel"));
    }

    #[test]
    fn an_id_passes_by_its_shown_part_or_its_beginning() {
        let id = "2f9c31aa-77e1-4b1c-9d42-0123456789ab";
        for passing in ["", "2f9c", "9C31", "aa", "2F9C31AA-77e1", id] {
            assert!(Filter::new(passing).passes_id(id, 8), "{passing}");
        }
        for hidden in ["77e1", "aa-77", "-", "89ab", "0123456789abc"] {
            assert!(!Filter::new(hidden).passes_id(id, 8), "{hidden}");
        }
        assert!(Filter::new("é").passes_id("aé", 2) && !Filter::new("é").passes_id("aaé", 2));
    }
}
