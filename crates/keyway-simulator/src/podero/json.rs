//! JSON as Python writes it: a space after each comma and colon.

use std::io::{self, Write};

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use serde_json::{Value, ser::Formatter};

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// An answer with such a body.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut bytes = Vec::new();
    let written = body.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Spaced));
    if written.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let label = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, [label], bytes).into_response()
}
