//! The sites that a configuration names, to go from one to another.

use crate::action::Access;

/// A context that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Its site, or the first of them.
    pub site: String,
    /// Whether it may act on users.
    pub access: Access,
    /// The colour that tells it from others, by its name.
    pub tint: Option<String>,
}

/// The contexts that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contexts {
    /// In the order of their names.
    pub choices: Vec<Choice>,
    /// The one that is open.
    pub open: Option<String>,
    /// The file that they stand in, or would.
    pub file: String,
}

impl Contexts {
    /// Those whose name or site holds a text, in any case.
    pub fn matching(&self, text: &str) -> impl Iterator<Item = &Choice> {
        let text = text.to_lowercase();
        let holds = move |whole: &str| whole.to_lowercase().contains(&text);
        self.choices.iter().filter(move |choice| holds(&choice.name) || holds(&choice.site))
    }

    /// The name of one among those that match, unless it is open already.
    #[must_use]
    pub fn chosen(&self, text: &str, at: usize) -> Option<String> {
        let name = &self.matching(text).nth(at)?.name;
        (self.open.as_ref() != Some(name)).then(|| name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_found_by_its_name_and_by_its_site() {
        let choice = |name: &str, site: &str| Choice {
            name: name.to_owned(),
            site: site.to_owned(),
            access: Access::Full,
            tint: None,
        };
        let choices = vec![choice("prod", "https://shop.example.com"), choice("local", "http://127.0.0.1:3000")];
        let contexts = Contexts { choices, ..Contexts::default() };
        let names = |text: &str| contexts.matching(text).map(|choice| choice.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names(""), ["prod", "local"]);
        assert_eq!(names("PROD"), ["prod"]);
        assert_eq!(names("127"), ["local"]);
        assert!(names("zzz").is_empty());
    }
}
