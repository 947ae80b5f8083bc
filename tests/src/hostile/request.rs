//! Just enough of HTTP/1.1 to read what a client sends.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One request that a hostile server got.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its path with its query.
    pub target: String,
    /// Its first line and its headers, as they came.
    pub head: String,
    /// Its body; empty where the answer did not wait for it.
    pub body: Bytes,
}

// === impl Request ===

impl Request {
    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A header's value, empty without one.
    pub fn header(&self, name: &str) -> &str {
        let pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        pairs.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
    }

    /// All of it, as text.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.head, String::from_utf8_lossy(&self.body))
    }

    /// Reads up to the empty line. What came beyond it stays in the buffer.
    pub(super) async fn read_head(from: &mut (impl AsyncReadExt + Unpin), buffer: &mut BytesMut) -> Option<Self> {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if buffer.len() > 1 << 20 || from.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = buffer.split_to(end + 4);
        let head = String::from_utf8_lossy(&head).trim_end().to_owned();
        let mut words = head.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some(Self { method, target, head, body: Bytes::new() })
    }

    /// Reads the body that the head has announced.
    pub(super) async fn read_body<S>(&mut self, stream: &mut S, buffer: &mut BytesMut) -> Option<()>
    where
        S: AsyncReadExt + AsyncWriteExt + Unpin,
    {
        let length: usize = self.header("content-length").parse().unwrap_or(0);
        while buffer.len() < length {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        self.body = buffer.split_to(length).freeze();
        Some(())
    }
}
