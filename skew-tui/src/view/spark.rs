//! Lines of small columns that show how a number went.

/// Columns by height.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A column for each value, by its share in the greatest. Nothing known is a blank, none is the lowest column, and something is
/// never drawn as none.
#[must_use]
pub(super) fn spark(values: &[Option<u64>]) -> String {
    let greatest = values.iter().flatten().copied().max().unwrap_or(0);
    let level = |value: &Option<u64>| match value {
        None => ' ',
        Some(0) => LEVELS[0],
        Some(value) => LEVELS[level(*value, greatest, LEVELS.len() - 1).clamp(1, LEVELS.len() - 1)],
    };
    values.iter().map(level).collect()
}

/// The part of `levels` that a share fills, rounded to the nearest.
pub(super) fn level(part: u64, whole: u64, levels: usize) -> usize {
    let (part, whole, levels) = (u128::from(part.min(whole)), u128::from(whole.max(1)), levels as u128);
    usize::try_from((part * levels * 2 + whole) / (whole * 2)).unwrap_or(0)
}

/// The lower part of a cell, by eighths that are filled, from none to all.
pub(super) fn eighths(filled: usize) -> char {
    match filled {
        0 => ' ',
        filled => LEVELS[filled.min(LEVELS.len()) - 1],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_as_high_as_their_share_in_the_greatest() {
        let values = [None, Some(0), Some(1), Some(50), Some(99), Some(100)];
        assert_eq!(spark(&values), " ▁▂▅██");
        assert_eq!(spark(&[Some(0), None]), "▁ ");
        assert_eq!([0, 1, 8].map(eighths), [' ', '▁', '█']);
    }

    proptest! {
        #[test]
        fn every_value_is_a_column_and_the_greatest_is_full(values in prop::collection::vec(prop::option::of(any::<u64>()), 0..60)) {
            let drawn: Vec<char> = spark(&values).chars().collect();
            prop_assert_eq!(drawn.len(), values.len());
            let greatest = values.iter().flatten().max();
            for (value, drawn) in values.iter().zip(drawn) {
                match value {
                    None => prop_assert_eq!(drawn, ' '),
                    Some(0) => prop_assert_eq!(drawn, '▁'),
                    Some(value) if Some(value) == greatest => prop_assert_eq!(drawn, '█'),
                    Some(_) => prop_assert!(('▂'..='█').contains(&drawn)),
                }
            }
        }
    }
}
