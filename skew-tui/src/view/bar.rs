//! Bars of eighths of a column.

/// Blocks by eighths that are filled.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A bar of exactly `columns`, filled by the share of `part` in `whole`. Something is never drawn as nothing, and a part
/// never as the whole.
#[must_use]
pub(super) fn bar(part: u64, whole: u64, columns: usize, rest: char) -> String {
    let all = columns as u64 * 8;
    let filled = if whole == 0 { 0 } else { share(part.min(whole), whole, all) };
    let filled = match part {
        0 => 0,
        _ if part < whole => filled.clamp(1.min(all), all.saturating_sub(1)),
        _ => filled,
    };
    let full = usize::try_from(filled / 8).unwrap_or(columns);
    let eighths = usize::try_from(filled % 8).unwrap_or(0);
    let mut bar = "█".repeat(full);
    if eighths > 0 {
        bar.push(EIGHTHS[eighths]);
    }
    let drawn = full + usize::from(eighths > 0);
    bar.extend(std::iter::repeat_n(rest, columns.saturating_sub(drawn)));
    bar
}

fn share(part: u64, whole: u64, of: u64) -> u64 {
    u64::try_from(u128::from(part) * u128::from(of) / u128::from(whole)).unwrap_or(of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bar_grows_by_eighths() {
        assert_eq!(bar(1, 2, 4, '░'), "██░░");
        assert_eq!(bar(9, 16, 2, ' '), "█▏");
        assert_eq!(bar(0, 5, 3, '·'), "···");
        assert_eq!(bar(5, 5, 3, '·'), "███");
        assert_eq!(bar(0, 0, 2, ' '), "  ");
    }

    #[test]
    fn a_little_is_not_nothing_and_nearly_all_is_not_all() {
        assert_eq!(bar(1, 1_000_000, 3, ' '), "▏  ");
        assert_eq!(bar(999_999, 1_000_000, 3, ' '), "██▉");
    }

    proptest! {
        #[test]
        fn a_bar_is_as_long_as_its_room(part in any::<u64>(), whole in any::<u64>(), columns in 0usize..80) {
            prop_assert_eq!(bar(part, whole, columns, ' ').chars().count(), columns);
        }
    }
}
