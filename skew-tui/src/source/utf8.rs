//! Bytes of a stream made UTF-8, piece by piece.

use bytes::Bytes;

/// Replaces what is not UTF-8 by U+FFFD: one stray byte in a message is no reason to lose the connection.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character whose rest may come with the next piece, at most three bytes.
    begun: Vec<u8>,
}

impl Utf8 {
    /// Takes the next piece and answers it as UTF-8, without a character that has only begun. All answers together are what
    /// [`String::from_utf8_lossy`] makes of all pieces together, however they are cut.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        if self.begun.is_empty() && std::str::from_utf8(&piece).is_ok() {
            return piece;
        }
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(&piece);
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            if chunks.peek().is_none() && is_begun(chunk.invalid()) {
                self.begun = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        text.into()
    }
}

/// Whether further bytes could make a character of these.
fn is_begun(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(pieces: impl IntoIterator<Item = Vec<u8>>) -> String {
        let mut utf8 = Utf8::default();
        pieces.into_iter().map(|piece| String::from_utf8(utf8.push(piece.into()).to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_character_may_be_cut_anywhere_and_a_stray_byte_is_replaced() {
        let stream = b"data: /\xc3\xa9/\xe2\x82\xac/\xf0\x9f\xa6\x80 \xff \xc3( \xe2\x82 \xf0\x9f\xa6\xf0\x9f\xa6\x80 \xed\xa0\x80\n\n";
        let expected = String::from_utf8_lossy(stream);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]].map(<[u8]>::to_vec);
                assert_eq!(whole(pieces), expected, "cut at {first} and {second}");
            }
        }
        assert_eq!(whole(stream.chunks(1).map(<[u8]>::to_vec)), expected);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_become_what_they_are_as_a_whole(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 0..20),
        ) {
            // A line end completes whatever has begun.
            let pieces = pieces.into_iter().chain([b"\n".to_vec()]);
            let bytes: Vec<u8> = pieces.clone().flatten().collect();
            prop_assert_eq!(whole(pieces), String::from_utf8_lossy(&bytes));
        }
    }
}
