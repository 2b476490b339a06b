//! A text that rows must hold.

use regex::{Regex, RegexBuilder};

/// A filter on rows. It compares with whole texts, never with what is displayed of them.
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
}
