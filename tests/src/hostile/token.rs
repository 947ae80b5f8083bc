//! How a token endpoint can misbehave.

pub mod errors;
pub mod members;
pub mod shapes;
pub mod wire;
