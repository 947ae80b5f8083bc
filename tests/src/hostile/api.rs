//! How an API can misbehave, one table for each part of an answer.

pub mod auth;
pub mod bodies;
pub mod connections;
pub mod content;
pub mod encodings;
pub mod floods;
pub mod headers;
pub mod rate_limits;
pub mod redirects;
pub mod status_lines;
