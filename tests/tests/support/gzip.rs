//! Gzip as somebody writes it who means harm.

/// A stream (RFC 1952) of so many zeros, at a thousandth of their size.
pub fn of_zeros(count: usize) -> Vec<u8> {
    const LONGEST_MATCH: usize = 258;
    let mut bits = Bits::default();
    // One last block with the fixed codes (RFC 1951 section 3.2.6): a zero, then repetitions of it.
    bits.push(1, 1);
    bits.push(1, 2);
    bits.push_code(0x30, 8);
    let (matches, rest) = ((count - 1) / LONGEST_MATCH, (count - 1) % LONGEST_MATCH);
    for _ in 0..matches {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    for _ in 0..rest {
        bits.push_code(0x30, 8);
    }
    bits.push_code(0, 7);
    let (table, mut crc, mut left) = (table(), !0, count);
    while left > 0 {
        (crc, left) = (step(&table, crc, 0), left - 1);
    }
    wrap(&bits.bytes, !crc, count)
}

/// A stream of these bytes, as they are.
pub fn of(bytes: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    let mut parts = bytes.chunks(0xffff).peekable();
    while let Some(part) = parts.next() {
        let length = part.len() as u16;
        blocks.push(u8::from(parts.peek().is_none()));
        blocks.extend_from_slice(&length.to_le_bytes());
        blocks.extend_from_slice(&(!length).to_le_bytes());
        blocks.extend_from_slice(part);
    }
    let table = table();
    let crc = bytes.iter().fold(!0, |crc, byte| step(&table, crc, *byte));
    wrap(&blocks, !crc, bytes.len())
}

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for n in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= (((value >> n) & 1) << (self.used % 8)) as u8;
            }
            self.used += 1;
        }
    }

    /// Huffman codes begin with their highest bit.
    fn push_code(&mut self, code: u32, count: u32) {
        for n in (0..count).rev() {
            self.push(code >> n, 1);
        }
    }
}

/// The table of CRC-32 (RFC 1952 section 8).
fn table() -> Vec<u32> {
    let of_bit = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    (0..256).map(|byte| (0..8).fold(byte, |crc, _| of_bit(crc))).collect()
}

fn step(table: &[u32], crc: u32, byte: u8) -> u32 {
    (crc >> 8) ^ table[((crc ^ u32::from(byte)) & 0xff) as usize]
}

fn wrap(blocks: &[u8], crc: u32, count: usize) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    stream.extend(blocks);
    stream.extend(crc.to_le_bytes());
    stream.extend((count as u32).to_le_bytes());
    stream
}
