//! What rows must hold, or must not.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

/// What a text begins with that rows must not hold.
const LACKING: char = '!';

/// What a regular expression begins with.
const REGEX: &str = "re:";

/// Most memory that a compiled expression may take, in bytes.
const SIZE_LIMIT_BYTES: usize = 1 << 20;

/// A filter on rows: `text`, `!text`, `re:expression` or `!re:expression`, each in any case. It compares with whole texts, not
/// with what there is room for; only of ids everybody sees the same first part. `user:` and `instance:` before the text or the
/// expression look at that alone: `user:ann`, `!instance:re:^web-`.
///
/// A text that itself begins with one of these signs is looked for by an expression: `re:^!`.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    regex: Option<Regex>,
    sense: Sense,
    subject: Subject,
}

/// Which texts of a row are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Subject {
    /// All of them.
    #[default]
    Anything,
    /// Whose it is.
    User,
    /// Which instance it is on.
    Instance,
}

impl Subject {
    /// What stands before the text.
    const SIGNS: [(&'static str, Self); 2] = [("user:", Self::User), ("instance:", Self::Instance)];

    fn covers(self, held: Held<'_>) -> bool {
        match self {
            Self::Anything => true,
            Self::User => matches!(held, Held::User(_)),
            Self::Instance => matches!(held, Held::Instance(_)),
        }
    }
}

/// Which rows pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sense {
    /// Those that hold what is looked for.
    #[default]
    Holding,
    /// Those that do not.
    Lacking,
}

/// A text of a row.
#[derive(Debug, Clone, Copy)]
pub enum Held<'a> {
    /// A text that counts whole.
    Text(&'a str),
    /// An id, of which only so many characters are seen. What is found counts among these, or at the beginning of the whole
    /// id: what is hidden in its middle would look like a mistake.
    Id(&'a str, usize),
    /// Whose it is, which counts whole.
    User(&'a str),
    /// The instance that it is on, whose name counts whole.
    Instance(&'a str),
}

/// Why a filter can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no regular expression: {0}")]
pub struct FilterError(String);

impl Filter {
    /// Reads what was typed. Every row passes where nothing is looked for yet.
    ///
    /// # Errors
    ///
    /// When the expression after `re:` is none, or too large.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let (sense, wanted) = match text.strip_prefix(LACKING) {
            Some(wanted) => (Sense::Lacking, wanted),
            None => (Sense::Holding, text),
        };
        let signed = Subject::SIGNS.into_iter().find_map(|(sign, subject)| Some((wanted.strip_prefix(sign)?, subject)));
        let (wanted, subject) = signed.unwrap_or((wanted, Subject::Anything));
        let expression = match wanted.strip_prefix(REGEX) {
            Some(expression) => Cow::Borrowed(expression),
            None => Cow::Owned(regex::escape(wanted)),
        };
        let regex = (!expression.is_empty()).then(|| compile(&expression)).transpose()?;
        Ok(Self { text: text.to_owned(), regex, sense, subject })
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether every row passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.regex.is_none()
    }

    /// Whether a row passes that holds these texts.
    #[must_use]
    pub fn passes<'a>(&self, held: impl IntoIterator<Item = Held<'a>>) -> bool {
        let Some(regex) = &self.regex else { return true };
        let mut held = held.into_iter().filter(|held| self.subject.covers(*held));
        held.any(|text| text.is_found_by(regex)) == (self.sense == Sense::Holding)
    }
}

impl Held<'_> {
    fn is_found_by(self, regex: &Regex) -> bool {
        match self {
            Self::Text(text) | Self::User(text) | Self::Instance(text) => regex.is_match(text),
            Self::Id(id, shown) => {
                let hidden_from = id.char_indices().nth(shown).map_or(id.len(), |(at, _)| at);
                regex.find(id).is_some_and(|found| found.start() == 0 || found.end() <= hidden_from)
            }
        }
    }
}

fn compile(expression: &str) -> Result<Regex, FilterError> {
    let mut builder = RegexBuilder::new(expression);
    builder.case_insensitive(true).size_limit(SIZE_LIMIT_BYTES).dfa_size_limit(SIZE_LIMIT_BYTES);
    builder.build().map_err(|error| {
        // regex errors draw the expression over several lines; the last one says what is wrong.
        let message = error.to_string();
        FilterError(message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str, text: &str) -> bool {
        Filter::parse(filter).unwrap().passes([Held::Text(text)])
    }

    #[test]
    fn a_filter_is_a_plain_text_in_any_case() {
        assert!(passes("(Cart", "/shop/(cArt)") && !passes("(Cart", "/cart"));
        assert!(passes("", "/x"));
        assert!(passes("ÄPFEL", "/äpfel"));
    }

    #[test]
    fn an_exclamation_mark_turns_it_round_for_the_whole_row() {
        assert!(passes("!cart", "/checkout") && !passes("!cart", "/CART"));
        let row = [Held::Text("b1"), Held::Text("/cart")];
        assert!(!Filter::parse("!cart").unwrap().passes(row), "one of its texts is enough");
        assert!(passes("!", "/x") && Filter::parse("!").unwrap().is_empty(), "nothing is looked for yet");
        assert!(!passes("!!", "a!b") && passes("re:^!", "!important"));
    }

    #[test]
    fn an_expression_is_looked_for_and_turned_round() {
        assert!(passes("re:^/c(art|heckout)$", "/Cart") && !passes("re:^/c(art|heckout)$", "/carts"));
        assert!(passes("!re:^/c", "/a") && !passes("!re:^/c", "/c"));
        assert!(passes("re:", "/x") && passes("re:(?-i)^/C", "/C") && !passes("re:(?-i)^/C", "/c"));
    }

    #[test]
    fn a_user_or_an_instance_is_looked_for_alone() {
        let row = [Held::Text("/ann"), Held::User("ann@x.test"), Held::Instance("web-1")];
        let passes = |filter: &str| Filter::parse(filter).unwrap().passes(row);
        assert!(passes("user:ANN") && passes("user:re:^ann@") && passes("instance:web") && passes("ann"));
        assert!(!passes("user:web") && !passes("instance:ann") && !passes("!user:ann") && passes("!instance:re:^db"));
        assert!(passes("user:") && Filter::parse("!instance:").unwrap().is_empty(), "nothing is looked for yet");
        assert!(!Filter::parse("user:a").unwrap().passes([Held::Text("a")]), "without a user nobody is found");
    }

    #[test]
    fn a_wrong_or_monstrous_expression_is_refused_in_one_line() {
        assert_eq!(Filter::parse("re:(").unwrap_err().to_string(), "no regular expression: unclosed group");
        let monstrous = Filter::parse("!re:(a{1000}){1000}").unwrap_err().to_string();
        assert!(monstrous.contains("size limit") && !monstrous.contains('\n'), "{monstrous}");
    }

    #[test]
    fn an_id_passes_by_its_shown_part_or_its_beginning() {
        let id = "2f9c31aa-77e1-4b1c-9d42-0123456789ab";
        let passes = |filter: &str, id: &str, shown| Filter::parse(filter).unwrap().passes([Held::Id(id, shown)]);
        for passing in ["", "2f9c", "9C31", "aa", "2F9C31AA-77e1", id] {
            assert!(passes(passing, id, 8), "{passing}");
        }
        for hidden in ["77e1", "aa-77", "-", "89ab", "0123456789abc"] {
            assert!(!passes(hidden, id, 8), "{hidden}");
        }
        assert!(passes("é", "aé", 2) && !passes("é", "aaé", 2));
    }
}
