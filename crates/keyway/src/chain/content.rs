//! Bodies of requests with their labels.

use bytes::Bytes;
use http::HeaderValue;
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::message::Payload;

/// A body and its `content-type`.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) label: HeaderValue,
    pub(super) bytes: Bytes,
}

/// A part of a `multipart/form-data` body.
pub(super) struct Part<'p> {
    pub(super) name: &'p str,
    pub(super) file: Option<File>,
    /// What a field is that is no text.
    pub(super) label: Option<&'static str>,
    pub(super) bytes: Bytes,
}

/// What makes a part a file.
pub(super) struct File {
    pub(super) name: String,
    pub(super) content_type: String,
}

// === impl Content ===

impl Content {
    fn labelled(label: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { label: HeaderValue::from_static(label), bytes: bytes.into() }
    }

    /// The body that a message brings.
    pub(super) fn of(payload: &Payload) -> Option<Self> {
        Some(match payload {
            Payload::None => return None,
            Payload::Json(json) => Self::labelled("application/json", json.as_bytes().clone()),
            Payload::Form(fields) => Self::form(fields),
            Payload::Text(text) => Self::labelled("text/plain; charset=utf-8", Bytes::copy_from_slice(text.as_bytes())),
            Payload::Bytes(bytes) => Self::labelled("application/octet-stream", bytes.clone()),
        })
    }

    pub(super) fn json(value: &serde_json::Value) -> Self {
        Self::labelled("application/json", value.to_string())
    }

    pub(super) fn form(fields: &[(String, String)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::labelled("application/x-www-form-urlencoded", form)
    }

    /// RFC 7578. What parts the parts is made of their own bytes: it cannot stand in them, and is the same when they are
    /// sent again.
    pub(super) fn multipart(parts: &[Part<'_>]) -> Option<Self> {
        let mut digest = Sha256::new();
        parts.iter().for_each(|part| digest.update(&part.bytes));
        let boundary: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(part.name)).as_bytes(),
            );
            if let Some(file) = &part.file {
                let label = HeaderValue::from_str(&file.content_type).ok()?;
                body.extend_from_slice(format!("; filename=\"{}\"\r\nContent-Type: ", quoted(&file.name)).as_bytes());
                body.extend_from_slice(label.as_bytes());
            }
            if let Some(label) = part.label {
                body.extend_from_slice(b"\r\nContent-Type: ");
                body.extend_from_slice(label.as_bytes());
            }
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(&part.bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let label = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).ok()?;
        Some(Self { label, bytes: body.into() })
    }
}

/// A name as browsers write it (WHATWG HTML, multipart form data): nothing in it ends it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_whatever_is_in_them() {
        let file = || Some(File { name: "a\"\r\nb.txt".to_owned(), content_type: "text/plain".to_owned() });
        let parts = [
            Part { name: "source", file: file(), label: None, bytes: Bytes::from_static(b"--x\r\n\r\n--") },
            Part { name: "filename", file: None, label: None, bytes: Bytes::from_static("ä".as_bytes()) },
        ];
        let content = Content::multipart(&parts).unwrap();
        let label = content.label.to_str().unwrap();
        let boundary = label.strip_prefix("multipart/form-data; boundary=").unwrap();
        let wanted = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"source\"; filename=\"a%22%0D%0Ab.txt\"\r\n\
             Content-Type: text/plain\r\n\r\n--x\r\n\r\n--\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"filename\"\r\n\r\nä\r\n--{boundary}--\r\n"
        );
        assert_eq!(std::str::from_utf8(&content.bytes).unwrap(), wanted);
        assert_eq!(Content::multipart(&parts).unwrap().bytes, content.bytes, "sent again, it is the same");
        let file = File { name: String::new(), content_type: "a\r\nb: c".to_owned() };
        let evil = [Part { name: "x", file: Some(file), label: None, bytes: Bytes::new() }];
        assert!(Content::multipart(&evil).is_none());
    }
}
