//! How a token endpoint can misbehave.
