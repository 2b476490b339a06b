//! The ASCII form of the signs that the program draws, for terminals and fonts without them.

/// What stands for a character where there is only ASCII: a form of its own for each of our signs, `?` for all others.
#[must_use]
pub fn ascii(c: char) -> char {
    match c {
        ' '..='~' => c,
        '─' | '━' | '═' | '╌' | '┄' | '—' | '–' | '·' => '-',
        '│' | '┃' | '║' | '┆' => '|',
        '╭' | '╮' | '╯' | '╰' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => '+',
        '█' => '#',
        // The last part of a bar is neither full nor nothing.
        '▉' | '▊' | '▋' | '▌' => '=',
        '▍' | '▎' | '▏' => '-',
        '░' => '.',
        '▒' => ':',
        '▓' => '%',
        // Sparklines, from low to high.
        '▁' => '_',
        '▂' => '.',
        '▃' => '-',
        '▄' => '=',
        '▅' => '+',
        '▆' => '*',
        '▇' => '%',
        '…' => '~',
        '★' => '@',
        '◆' | '●' | '•' => '*',
        '◇' | '◌' | '◐' | '○' | '↻' => 'o',
        '⚠' => '!',
        '✓' | '✔' => '+',
        '✗' | '✘' | '×' => 'x',
        '▸' | '▶' | '›' | '→' | '≥' => '>',
        '◂' | '◀' | '‹' | '←' | '≤' => '<',
        '▴' | '▲' | '↑' => '^',
        '▾' | '▼' | '↓' => 'v',
        '≈' => '~',
        '■' => '#',
        '‖' => '=',
        '»' => '>',
        '′' => '\'',
        '″' => '"',
        _ => '?',
    }
}

/// A text in ASCII, as long in characters as before.
#[must_use]
pub fn to_ascii(text: &str) -> String {
    text.chars().map(ascii).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ours_have_a_form_of_their_own_and_others_are_a_question() {
        assert_eq!(to_ascii("╭─ ▸ ██▌░ … ★ │ é\u{1b}"), "+- > ##=. ~ @ | ??");
    }

    proptest! {
        #[test]
        fn nothing_else_than_ascii_comes_out(text in any::<String>()) {
            let shown = to_ascii(&text);
            prop_assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
