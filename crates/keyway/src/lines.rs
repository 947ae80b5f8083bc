//! Lines of bounded length from any reader. A line that is too long is counted and passed over, and reading goes on.

use std::io::{self, BufRead};

use bytes::Bytes;

/// One line of input, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The whole line.
    Whole(Bytes),
    /// A line longer than the limit; its bytes are gone.
    TooLong {
        /// How many it had.
        bytes: u64,
        /// How many it may have.
        limit: usize,
    },
}

/// Reads lines. Iterate over it; an error of the reader ends it.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    limit: usize,
    ended: bool,
}

// === impl Lines ===

impl<R: BufRead> Lines<R> {
    /// Lines of up to `limit` bytes.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, ended: false }
    }

    /// Reads up to the next line break, or to the end: a last line without its break counts.
    fn read(&mut self) -> io::Result<Option<Line>> {
        let (mut line, mut length) = (Vec::new(), 0u64);
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                self.ended = true;
                return Ok((length > 0).then(|| self.finish(line, length)));
            }
            let (part, used, done) = match memchr(available) {
                Some(at) => (&available[..at], at + 1, true),
                None => (available, available.len(), false),
            };
            length += part.len() as u64;
            // One more byte is kept for a `\r` that belongs to the line break.
            if length <= self.limit as u64 + 1 {
                line.extend_from_slice(part);
            } else {
                line = Vec::new();
            }
            self.reader.consume(used);
            if done {
                return Ok(Some(self.finish(line, length)));
            }
        }
    }

    fn finish(&self, mut line: Vec<u8>, length: u64) -> Line {
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if length > self.limit as u64 + 1 || line.len() > self.limit {
            return Line::TooLong { bytes: length, limit: self.limit };
        }
        Line::Whole(Bytes::from(line))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let line = self.read().transpose();
        self.ended |= matches!(line, Some(Err(_)));
        line
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(input: &[u8], limit: usize, buffer: usize) -> Vec<Line> {
        Lines::new(BufReader::with_capacity(buffer, input), limit).map(Result::unwrap).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn every_line_comes_once_whatever_the_buffer() {
        for buffer in [1, 2, 3, 7, 4096] {
            assert_eq!(
                lines(b"a\nbb\r\n\nccc", 10, buffer),
                [whole("a"), whole("bb"), whole(""), whole("ccc")],
                "{buffer}"
            );
            assert_eq!(lines(b"", 10, buffer), []);
            assert_eq!(lines(b"\n", 10, buffer), [whole("")]);
            let long = |bytes| Line::TooLong { bytes, limit: 3 };
            assert_eq!(
                lines(b"abcd\nabc\r\nabcdefgh\nx", 3, buffer),
                [long(4), whole("abc"), long(8), whole("x")],
                "{buffer}"
            );
        }
    }
}
