//! The line reader gives every byte of its input back exactly once, whatever its buffer and its limit.

use std::io::{BufReader, Read};

use keyway::{Line, Lines};

/// The first byte is the limit of a line, the second one the size of the buffer, the rest is the input.
///
/// # Panics
/// A byte is lost, doubled or in the wrong line, or a line is called too long that is not.
pub fn check(data: &[u8]) {
    let [limit, buffer, input @ ..] = data else { return };
    let (limit, buffer) = (usize::from(*limit), usize::from(*buffer).max(1));
    for keep in [false, true] {
        let found: Vec<Line> = Lines::new(BufReader::with_capacity(buffer, input), limit)
            .keeping_long(keep)
            .map(|line| line.expect("a slice can be read"))
            .collect();
        // A line break ends a line; it does not begin one.
        let whole = input.strip_suffix(b"\n").unwrap_or(input);
        let wanted: Vec<&[u8]> =
            if input.is_empty() { Vec::new() } else { whole.split(|byte| *byte == b'\n').collect() };
        assert_eq!(found.len(), wanted.len(), "so many lines");
        for (line, wanted) in found.iter().zip(wanted) {
            match line {
                Line::Whole(bytes) => {
                    assert_eq!(&bytes[..], wanted);
                    assert!(wanted.len() <= limit, "a line of {} passed the limit of {limit}", wanted.len());
                }
                Line::TooLong { bytes, limit: told, kept } => {
                    assert!(wanted.len() > limit, "a line of {} is below the limit of {limit}", wanted.len());
                    assert_eq!((*bytes, *told), (wanted.len() as u64, limit));
                    assert_eq!(kept.is_some(), keep);
                    if let Some(file) = kept {
                        let mut text = Vec::new();
                        (&**file).read_to_end(&mut text).expect("a temporary file can be read");
                        assert_eq!(text, wanted);
                    }
                }
            }
        }
    }
}
