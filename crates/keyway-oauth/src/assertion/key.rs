//! Keys that sign: read from PEM, used through ring, which TLS uses too.

use keyway_component::{Secret, component::SigningAlgorithm};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        RsaEncoding, RsaKeyPair,
    },
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

/// A key, ready to sign.
pub(crate) enum SigningKey {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(hmac::Key),
}

/// A key that cannot be used. Nothing of it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// There is none.
    #[error("there is no key to sign with; give `{0}` in the credential")]
    Missing(&'static str),
    /// It is no PEM of a private key.
    #[error(
        "the private key is no PEM file with an unencrypted private key; write it with `openssl pkcs8 -topk8 -nocrypt`"
    )]
    NotPem,
    /// It is a key of another kind.
    #[error(
        "the private key cannot sign `{0}` ({1}); use a key of that kind, or set `algorithm` to what the key is for"
    )]
    WrongKind(&'static str, String),
    /// No signature came of it.
    #[error("the private key gives no signature; it may be damaged, so make a new one")]
    NoSignature,
}

// === impl SigningKey ===

impl SigningKey {
    /// Reads a private key in PEM (PKCS #8, or PKCS #1 for RSA), or takes a shared secret as it is.
    ///
    /// # Errors
    /// It is none that can sign like this.
    pub(crate) fn read(algorithm: SigningAlgorithm, key: &Secret) -> Result<Self, KeyError> {
        let text = key.expose_secret_text();
        if text.trim().is_empty() {
            return Err(KeyError::Missing(algorithm.key()));
        }
        let shared = |algorithm| Ok(Self::Hmac(hmac::Key::new(algorithm, text.as_bytes())));
        match algorithm {
            SigningAlgorithm::HS256 => return shared(hmac::HMAC_SHA256),
            SigningAlgorithm::HS384 => return shared(hmac::HMAC_SHA384),
            SigningAlgorithm::HS512 => return shared(hmac::HMAC_SHA512),
            _ => {}
        }
        // Who copies a key out of a JSON file copies its line breaks as `\n`.
        let text = zeroize::Zeroizing::new(text.replace("\\n", "\n"));
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::NotPem)?;
        let wrong = |why: String| KeyError::WrongKind(algorithm.as_str(), why);
        let rejected = |error: ring::error::KeyRejected| wrong(error.to_string());
        let padding: Option<&'static dyn RsaEncoding> = match algorithm {
            SigningAlgorithm::RS256 => Some(&RSA_PKCS1_SHA256),
            SigningAlgorithm::RS384 => Some(&RSA_PKCS1_SHA384),
            SigningAlgorithm::RS512 => Some(&RSA_PKCS1_SHA512),
            SigningAlgorithm::PS256 => Some(&RSA_PSS_SHA256),
            SigningAlgorithm::PS384 => Some(&RSA_PSS_SHA384),
            SigningAlgorithm::PS512 => Some(&RSA_PSS_SHA512),
            _ => None,
        };
        if let Some(padding) = padding {
            let pair = match &der {
                PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                _ => return Err(wrong("it is an elliptic curve's".to_owned())),
            };
            return Ok(Self::Rsa(pair.map_err(rejected)?, padding));
        }
        let PrivateKeyDer::Pkcs8(der) = &der else {
            return Err(wrong("it is not in PKCS #8; convert it with `openssl pkcs8 -topk8 -nocrypt`".to_owned()));
        };
        let der = der.secret_pkcs8_der();
        if algorithm == SigningAlgorithm::EdDSA {
            return Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519).map_err(rejected);
        }
        let curve = match algorithm {
            SigningAlgorithm::ES384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
        };
        EcdsaKeyPair::from_pkcs8(curve, der, &SystemRandom::new()).map(Self::Ecdsa).map_err(rejected)
    }

    /// Signs.
    ///
    /// # Errors
    /// The machine gives no randomness, or the key is damaged.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(*padding, &random, message, &mut signature);
                signed.map(|()| signature).map_err(|_| KeyError::NoSignature)
            }
            Self::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| KeyError::NoSignature)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}
