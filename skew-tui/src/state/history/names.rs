//! Which name has which column, of a bounded number of both.

use std::cmp::Reverse;

use skew_proto::Counts;

/// Longest name that gets a column, in bytes. Visitors choose names, and memory is bounded.
pub(super) const LONGEST: usize = 1_024;

/// Names of columns.
#[derive(Debug, Clone)]
pub(super) struct Names<const N: usize> {
    names: [Option<Box<str>>; N],
}

impl<const N: usize> Default for Names<N> {
    fn default() -> Self {
        Self { names: [const { None }; N] }
    }
}

impl<const N: usize> Names<N> {
    /// The column of a name.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|named| named.as_deref() == Some(name))
    }

    /// All columns that have a name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.names.iter().enumerate().filter_map(|(column, name)| Some((column, name.as_deref()?)))
    }

    /// The count of each column.
    pub(super) fn counts(&self, counts: &Counts) -> [u32; N] {
        let mut columns = [0; N];
        for (column, name) in self.iter() {
            columns[column] = counts.get(name).copied().map_or(0, narrow);
        }
        columns
    }

    /// Gives columns to names that have none: free ones, and those whose `peak` is less than what the name has now. `first`
    /// gets one in any case, and keeps it. Answers which columns had another name before.
    pub(super) fn admit(&mut self, counts: &Counts, first: Option<&str>, peak: impl Fn(usize) -> u32) -> Vec<usize> {
        let free = self.names.iter().any(Option::is_none);
        let least = self.counts(counts).into_iter().min().unwrap_or(0);
        let is_first = |name: &str| first == Some(name);
        let mut waiting: Vec<(bool, u32, &String)> = (counts.iter())
            .map(|(name, count)| (is_first(name), narrow(*count), name))
            .filter(|(first, count, name)| (free || *first || *count > least) && name.len() <= LONGEST)
            .filter(|(.., name)| self.column(name).is_none())
            .collect();
        if waiting.is_empty() {
            return Vec::new();
        }
        waiting.sort_unstable_by_key(|(first, count, name)| (Reverse((*first, *count)), *name));
        waiting.truncate(N);

        let mut weights: [Option<u32>; N] = std::array::from_fn(|column| {
            let name = self.names[column].as_deref()?;
            Some(if is_first(name) { u32::MAX } else { peak(column) })
        });
        let mut given = Vec::new();
        for (first, count, name) in waiting {
            let weakest = (0..N).min_by_key(|column| weights[*column]);
            let Some(column) = weakest.filter(|column| first || weights[*column].is_none_or(|weight| weight < count))
            else {
                break;
            };
            if self.names[column].replace(name.as_str().into()).is_some() {
                given.push(column);
            }
            weights[column] = Some(if first { u32::MAX } else { count });
        }
        given
    }
}

/// A count in the width that is kept.
pub(super) fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
