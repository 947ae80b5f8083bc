//! JWTs that the client makes itself (RFC 7523 section 3). Pure: time and randomness are passed in.

mod key;

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyway_component::{
    Secret, Template, TemplateError,
    component::{Assertion, Claims, SigningAlgorithm},
};
use serde_json::{Map, Value, json};

pub(crate) use key::{KeyError, SigningKey};

/// What the claims of a JWT are before anything is laid over them.
pub(crate) struct Standard<'a> {
    /// Whose JWT it is: the client.
    pub(crate) issuer: &'a str,
    /// For whom it stands; `None` where only the component says that.
    pub(crate) subject: Option<&'a str>,
    /// Who is to read it, where the component does not say.
    pub(crate) audience: &'a str,
    /// What no other JWT has.
    pub(crate) id: String,
    /// The time.
    pub(crate) now: SystemTime,
}

/// Why a JWT cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssertionError {
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A template of the component cannot be filled in.
    #[error("the JWT cannot be made: {0}")]
    Template(#[from] TemplateError),
}

/// Makes one and signs it. `fill` fills in a template, and keeps a variable's type.
pub(crate) fn sign(
    assertion: &Assertion,
    algorithm: SigningAlgorithm,
    key: &Secret,
    standard: Standard<'_>,
    fill: impl Fn(&Template) -> Result<Value, TemplateError>,
) -> Result<Secret, AssertionError> {
    let now = standard.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let end = now + Duration::from_secs(assertion.lifetime_s.into());
    let audience = match &assertion.audience {
        Some(template) => fill(template)?,
        None => standard.audience.into(),
    };
    let mut claims = Map::new();
    // Who has no client id, or asks no server, says neither.
    if !standard.issuer.is_empty() {
        claims.insert("iss".to_owned(), standard.issuer.into());
    }
    claims.extend(standard.subject.map(|subject| ("sub".to_owned(), subject.into())));
    if audience != "" {
        claims.insert("aud".to_owned(), audience);
    }
    claims.insert("iat".to_owned(), now.as_secs().into());
    claims.insert("exp".to_owned(), end.as_secs().into());
    claims.insert("jti".to_owned(), standard.id.into());
    lay_over(&mut claims, &assertion.claims, &fill)?;
    let mut header = Map::new();
    header.insert("typ".to_owned(), "JWT".into());
    lay_over(&mut header, &assertion.header, &fill)?;
    header.insert("alg".to_owned(), algorithm.as_str().into());
    let key = SigningKey::read(algorithm, key)?;
    Ok(Secret::new(compact(&key, header, claims)?))
}

/// The compact form of a signed JWT (RFC 7515 section 7.1).
pub(crate) fn compact(
    key: &SigningKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
) -> Result<String, KeyError> {
    let part = |members| URL_SAFE_NO_PAD.encode(Value::Object(members).to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

fn lay_over(
    members: &mut Map<String, Value>,
    over: &Claims,
    fill: &impl Fn(&Template) -> Result<Value, TemplateError>,
) -> Result<(), TemplateError> {
    for (name, template) in over {
        let value = match template {
            Some(template) => template.render(|text| fill(text).map(Some))?.unwrap_or_default(),
            None => Value::Null,
        };
        // An account that leaves an optional value out leaves the claim out.
        if value.is_null() || value == json!("") {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
