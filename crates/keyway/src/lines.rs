//! Lines of bounded length from any reader. A line that is too long is counted and passed over, and reading goes on.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, Write},
    sync::Arc,
};

use bytes::Bytes;
use memchr::memchr;

/// One line of input, without its `\n`. A `\r` before that stays: to JSON it is white space, and a line that is put aside
/// is put aside as it came.
#[derive(Debug, Clone)]
pub enum Line {
    /// The whole line.
    Whole(Bytes),
    /// A line longer than the limit.
    TooLong {
        /// How many bytes it had.
        bytes: u64,
        /// How many it may have.
        limit: usize,
        /// All of it, in a temporary file without a name, where [`Lines::keeping_long`] asks for that.
        kept: Option<Arc<File>>,
    },
}

/// Reads lines. Iterate over it; an error of the reader ends it.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    limit: usize,
    keep_long: bool,
    ended: bool,
}

// === impl Lines ===

impl<R: BufRead> Lines<R> {
    /// Lines of up to `limit` bytes.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, keep_long: false, ended: false }
    }

    /// Keeps lines that are too long in temporary files, so that they can be put aside whole.
    #[must_use]
    pub fn keeping_long(mut self, keep: bool) -> Self {
        self.keep_long = keep;
        self
    }

    /// Reads up to the next line break, or to the end: a last line without its break counts.
    fn read(&mut self) -> io::Result<Option<Line>> {
        let (mut line, mut length, mut kept) = (Vec::new(), 0u64, None);
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                self.ended = true;
                return if length > 0 { self.finish(line, length, kept).map(Some) } else { Ok(None) };
            }
            let (part, used, done) = match memchr(b'\n', available) {
                // All of it is here.
                Some(at) if length == 0 && at <= self.limit => {
                    let line = Line::Whole(Bytes::copy_from_slice(&available[..at]));
                    self.reader.consume(at + 1);
                    return Ok(Some(line));
                }
                Some(at) => (&available[..at], at + 1, true),
                None => (available, available.len(), false),
            };
            length += part.len() as u64;
            if length <= self.limit as u64 {
                line.extend_from_slice(part);
            } else if self.keep_long {
                let file = match &mut kept {
                    Some(file) => file,
                    none => none.insert(tempfile::tempfile()?),
                };
                file.write_all(&std::mem::take(&mut line))?;
                file.write_all(part)?;
            } else {
                line = Vec::new();
            }
            self.reader.consume(used);
            if done {
                return self.finish(line, length, kept).map(Some);
            }
        }
    }

    fn finish(&self, line: Vec<u8>, length: u64, mut kept: Option<File>) -> io::Result<Line> {
        if length <= self.limit as u64 {
            return Ok(Line::Whole(Bytes::from(line)));
        }
        if let Some(file) = &mut kept {
            file.rewind()?;
        }
        Ok(Line::TooLong { bytes: length, limit: self.limit, kept: kept.map(Arc::new) })
    }
}

impl<R: Read> Lines<BufReader<R>> {
    /// Whether the next line is in the buffer: to have it, nobody has to be waited for.
    pub fn has_one_at_hand(&self) -> bool {
        memchr(b'\n', self.reader.buffer()).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole lines as text, long ones as their length and what was kept of them.
    fn lines(input: &[u8], limit: usize, buffer: usize) -> Vec<String> {
        let lines = Lines::new(BufReader::with_capacity(buffer, input), limit).keeping_long(true);
        let text = |line| match line {
            Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Line::TooLong { bytes, kept, .. } => {
                let mut text = String::new();
                (&*kept.unwrap()).read_to_string(&mut text).unwrap();
                format!("<{bytes}: {text}>")
            }
        };
        lines.map(|line| text(line.unwrap())).collect()
    }

    #[test]
    fn every_line_comes_once_whatever_the_buffer() {
        for buffer in [1, 2, 3, 7, 4096] {
            assert_eq!(lines(b"a\nbb\r\n\nccc", 10, buffer), ["a", "bb\r", "", "ccc"], "{buffer}");
            assert!(lines(b"", 10, buffer).is_empty());
            assert_eq!(lines(b"\n", 10, buffer), [""]);
            let found = lines(b"abcd\nab\r\nabcdefgh\nx", 3, buffer);
            assert_eq!(found, ["<4: abcd>", "ab\r", "<8: abcdefgh>", "x"], "{buffer}");
        }
    }
}
