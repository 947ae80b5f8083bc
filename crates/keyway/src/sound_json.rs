//! Whether a body is JSON that can be passed on as JSON, in one pass and without a tree: large bodies are mostly checked.
//!
//! A reader of its own beside serde_json, because it knows the depth as it goes, keeps no stack on the heap, and passes
//! over texts eight bytes at a time. What it takes and refuses is held against serde_json's by a property test.

use crate::raw_json::DEEPEST;

/// Whether a text is one JSON value (RFC 8259), nested no deeper than [`DEEPEST`].
pub(crate) fn is_sound_json(text: &str) -> bool {
    Reader { bytes: text.as_bytes(), at: 0 }.takes_one_value()
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
}

/// The brackets that are open, innermost last: a bit each, set for an object.
struct Open {
    depth: usize,
    bits: [u64; DEEPEST / 64],
}

// === impl Reader ===

impl Reader<'_> {
    fn takes_one_value(mut self) -> bool {
        let mut open = Open { depth: 0, bits: [0; DEEPEST / 64] };
        loop {
            let sound = match self.token() {
                Some(b'"') => self.text(),
                Some(b'{') => match (open.enter(true), self.token()) {
                    (true, Some(b'}')) => {
                        open.leave();
                        true
                    }
                    (true, Some(b'"')) if self.name() => continue,
                    _ => false,
                },
                Some(b'[') => match (open.enter(false), self.peek()) {
                    (true, Some(b']')) => {
                        self.at += 1;
                        open.leave();
                        true
                    }
                    (true, Some(_)) => continue,
                    _ => false,
                },
                Some(b't') => self.word(b"rue"),
                Some(b'f') => self.word(b"alse"),
                Some(b'n') => self.word(b"ull"),
                Some(b'-') => self.digit().is_some_and(|first| self.number(first)),
                Some(first @ b'0'..=b'9') => self.number(first),
                _ => false,
            };
            if !sound {
                return false;
            }
            // A value has ended, and perhaps what it was in.
            loop {
                match (open.innermost(), self.token()) {
                    (None, end) => return end.is_none(),
                    (Some(true), Some(b'}')) | (Some(false), Some(b']')) => open.leave(),
                    (Some(false), Some(b',')) => break,
                    (Some(true), Some(b',')) if self.token() == Some(b'"') && self.name() => break,
                    _ => return false,
                }
            }
        }
    }

    /// The next byte that is no white space, taken.
    fn token(&mut self) -> Option<u8> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// The rest of a member's name, and its colon.
    fn name(&mut self) -> bool {
        self.text() && self.token() == Some(b':')
    }

    /// The rest of a text, behind its first quote.
    fn text(&mut self) -> bool {
        loop {
            self.pass_plain();
            let special = self.bytes.get(self.at);
            self.at += 1;
            match special {
                Some(b'"') => return true,
                Some(b'\\') => {
                    let escape = self.bytes.get(self.at);
                    self.at += 1;
                    match escape {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                        Some(b'u') => {
                            let digits = self.bytes.get(self.at..self.at + 4);
                            if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                                return false;
                            }
                            self.at += 4;
                        }
                        _ => return false,
                    }
                }
                // A control character, or the end.
                _ => return false,
            }
        }
    }

    /// Passes over all that is neither a quote, a backslash nor a control character.
    fn pass_plain(&mut self) {
        const ONES: u64 = u64::MAX / 0xff;
        const HIGHS: u64 = ONES << 7;
        // Sets the high bit of the first byte that is below `n`; behind that byte it may be wrong.
        let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGHS;
        let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        while let Some(eight) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let word = u64::from_le_bytes(*eight);
            let found = below(word, 0x20) | is(word, b'"') | is(word, b'\\');
            if found != 0 {
                self.at += found.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while self.bytes.get(self.at).is_some_and(|byte| *byte >= 0x20 && !matches!(byte, b'"' | b'\\')) {
            self.at += 1;
        }
    }

    fn word(&mut self, rest: &[u8]) -> bool {
        let found = self.bytes.get(self.at..).is_some_and(|bytes| bytes.starts_with(rest));
        self.at += rest.len();
        found
    }

    /// The rest of a number, behind its first digit.
    fn number(&mut self, first: u8) -> bool {
        if first != b'0' {
            self.pass_digits();
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digit().is_none() {
                return false;
            }
            self.pass_digits();
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            if self.digit().is_none() {
                return false;
            }
            self.pass_digits();
        }
        true
    }

    fn digit(&mut self) -> Option<u8> {
        let digit = self.bytes.get(self.at).copied().filter(u8::is_ascii_digit)?;
        self.at += 1;
        Some(digit)
    }

    fn pass_digits(&mut self) {
        while self.digit().is_some() {}
    }
}

// === impl Open ===

impl Open {
    /// `false`: it would be too deep.
    fn enter(&mut self, is_object: bool) -> bool {
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        let Some(bits) = self.bits.get_mut(word) else { return false };
        *bits = if is_object { *bits | bit } else { *bits & !bit };
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Whether the innermost is an object; `None` outside of all.
    fn innermost(&self) -> Option<bool> {
        let last = self.depth.checked_sub(1)?;
        Some(self.bits[last / 64] >> (last % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests;
