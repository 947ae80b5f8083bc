//! Bodies that take more than a literal.

use std::io::Write;

use flate2::{
    Compress, Compression, FlushCompress,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

/// One gzip member.
pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Deflate with the frame that HTTP means by it (RFC 1950).
pub fn zlib(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Deflate without a frame, which some servers send instead.
pub fn deflate(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// So many MiB of spaces in one gzip member, a thousandth of that in size.
pub fn gzip_bomb(mib: usize) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut piece = Vec::with_capacity(64 << 10);
    compress.compress_vec(&vec![b' '; 1 << 20], &mut piece, FlushCompress::Full).expect("memory takes it");
    // A block that was flushed begins and ends with whole bytes, so it may be said again. The sum at the end is wrong,
    // and whoever comes that far has taken too much already.
    [&b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"[..], &piece.repeat(mib), b"\x03\0", &[0; 8]].concat()
}

/// `open` so often, then `inner`, then `close` as often.
pub fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

/// A good answer with one chunk of JSON and whatever is to follow it.
pub fn chunked(rest: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{{\"a\":1}}\r\n{rest}"
    )
}
