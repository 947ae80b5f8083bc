//! Keys that sign JWTs in replays. Everybody has them: they are good for nothing else, and what they sign is compared
//! without its signature.

use keyway_component::{
    Component,
    component::{Assertion, SigningAlgorithm},
};

const RSA: &str = include_str!("keys/rsa.pem");
const P256: &str = include_str!("keys/p256.pem");
const P384: &str = include_str!("keys/p384.pem");
const ED25519: &str = include_str!("keys/ed25519.pem");

/// A key of the kind that an account with this grant signs with.
pub(super) fn signing_key(component: &Component, grant: &str) -> &'static str {
    let oauth2 = &component.oauth2;
    let assertion: Option<&Assertion> = match grant {
        "jwt_bearer" => oauth2.grants.jwt_bearer.as_ref().map(|grant| &grant.assertion),
        "signed_jwt" => oauth2.grants.signed_jwt.as_ref().map(|grant| &grant.assertion),
        _ => oauth2.client_assertion.as_ref(),
    };
    match assertion.and_then(|assertion| assertion.algorithm) {
        Some(SigningAlgorithm::ES256) => P256,
        Some(SigningAlgorithm::ES384) => P384,
        Some(SigningAlgorithm::EdDSA) => ED25519,
        _ => RSA,
    }
}
