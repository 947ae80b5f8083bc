//! Content encodings, undone as the bytes come (RFC 9110 section 8.4).
//!
//! gzip, with all of its members, and deflate, with and without its zlib wrapper, since servers send both under that
//! name. Brotli is not asked for: a body of some hundred bytes can claim a window of more than 100 MiB, which no limit on
//! bodies counts. A body in an encoding that nobody asked for is passed on as it came, with the header that names it.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, HeaderValue, header};

/// What is asked for.
pub(crate) const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip, deflate");

/// Encoded bytes are taken in parts of this length, so that the limits are looked at before each of them becomes
/// half a MiB (deflate makes of one byte 1032 at most).
pub(crate) const PART_BYTES: usize = 512;

/// Undoes one encoding. What it has decoded so far is [`Decoder::decoded`].
pub(crate) enum Decoder {
    Gzip(MultiGzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Deflate(DeflateDecoder<Vec<u8>>),
    /// The first two bytes tell which deflate it is.
    Undecided(Vec<u8>),
}

// === impl Decoder ===

impl Decoder {
    /// The decoder for an answer with these headers, where one is needed and known.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        // More than one encoding is more than was asked for.
        let (coding, None) = (codings.next()?.to_str().ok()?.trim(), codings.next()) else { return None };
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            Some(Self::Gzip(MultiGzDecoder::new(Vec::new())))
        } else if coding.eq_ignore_ascii_case("deflate") {
            Some(Self::Undecided(Vec::new()))
        } else {
            None
        }
    }

    /// Takes in the next encoded bytes.
    ///
    /// # Errors
    /// They are not in the encoding.
    pub(crate) fn write(&mut self, part: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(decoder) => decoder.write_all(part),
            Self::Zlib(decoder) => decoder.write_all(part),
            Self::Deflate(decoder) => decoder.write_all(part),
            Self::Undecided(begin) => {
                begin.extend_from_slice(part);
                if begin.len() < 2 {
                    return Ok(());
                }
                let begin = std::mem::take(begin);
                *self = if is_zlib(&begin) {
                    Self::Zlib(ZlibDecoder::new(Vec::new()))
                } else {
                    Self::Deflate(DeflateDecoder::new(Vec::new()))
                };
                self.write(&begin)
            }
        }
    }

    /// What is decoded so far.
    pub(crate) fn decoded(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
            Self::Undecided(begin) => begin,
        }
    }

    /// All that was decoded, once there are no more bytes.
    ///
    /// # Errors
    /// The encoding has not come to its end.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => decoder.finish(),
            Self::Zlib(decoder) => decoder.finish(),
            Self::Deflate(decoder) => decoder.finish(),
            Self::Undecided(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// RFC 1950 section 2.2: method 8, and a check in the second byte. No raw deflate stream of use begins so.
fn is_zlib(begin: &[u8]) -> bool {
    matches!(begin, [method, check, ..] if method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*check)) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(coding: &str, bytes: &[u8], parts: usize) -> Option<io::Result<Vec<u8>>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, coding.parse().unwrap());
        let mut decoder = Decoder::of(&headers)?;
        let written = bytes.chunks(parts).try_for_each(|part| decoder.write(part));
        Some(written.and_then(|()| decoder.finish()))
    }

    #[test]
    fn every_form_comes_back_whatever_the_parts() {
        let text = "a body that comes in parts, again and again. ".repeat(50).into_bytes();
        let half = text.len() / 2;
        let members = [gzip(&text[..half]), gzip(&text[half..])].concat();
        let table: [(&str, Vec<u8>); 6] = [
            ("gzip", gzip(&text)),
            ("X-GZip", gzip(&text)),
            ("gzip", members),
            ("deflate", zlib(&text)),
            ("deflate", deflate(&text)),
            (" DEFLATE ", deflate(&text)),
        ];
        for (coding, bytes) in &table {
            for parts in [1, 2, 3, 100, PART_BYTES, 1 << 20] {
                assert_eq!(decode(coding, bytes, parts).unwrap().unwrap(), text, "{coding} in parts of {parts}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_none_is_an_error() {
        let text = b"a body".repeat(100);
        for (coding, bytes) in [("gzip", gzip(&text)), ("deflate", zlib(&text)), ("deflate", deflate(&text))] {
            for cut in [1, bytes.len() / 2, bytes.len() - 1] {
                assert!(decode(coding, &bytes[..cut], 7).unwrap().is_err(), "{coding} cut after {cut}");
            }
        }
        assert!(decode("gzip", b"{\"ok\":true}", 7).unwrap().is_err());
        assert!(decode("gzip", &[gzip(&text), b"more".to_vec()].concat(), 7).unwrap().is_err());
    }

    #[test]
    fn what_nobody_asked_for_is_left_alone() {
        for coding in ["identity", "br", "zstd", "gzip, gzip", "", "nonsense"] {
            assert!(decode(coding, b"x", 1).is_none(), "{coding:?}");
        }
    }
}
