//! The one list of names whose values are secrets: headers, query parameters, form and JSON members alike.

use std::collections::BTreeSet;

/// Names in lower case with `_` for `-`, so that `X-Api-Key` and `x_api_key` are one.
const BUILT_IN: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "assertion",
    "authorization",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "cookie",
    "device_code",
    "id_token",
    "oauth_token",
    "otp",
    "password",
    "private_key",
    "proxy_authorization",
    "recovery_code",
    "refresh_token",
    "secret",
    "set_cookie",
    "signature",
    "subject_token",
    "token",
    "x_access_token",
    "x_api_key",
    "x_auth_token",
];

/// A set of secret names that components may extend and nobody can shrink.
#[derive(Debug, Clone)]
pub struct SecretNames(BTreeSet<String>);

// === impl SecretNames ===

impl SecretNames {
    /// The built-in names and these.
    pub fn with<'a>(more: impl IntoIterator<Item = &'a str>) -> Self {
        let built_in = BUILT_IN.iter().map(|name| (*name).to_owned());
        Self(built_in.chain(more.into_iter().map(normal)).collect())
    }

    /// Adds names.
    pub fn extend<'a>(&mut self, more: impl IntoIterator<Item = &'a str>) {
        self.0.extend(more.into_iter().map(normal));
    }

    /// Whether the value under this name must be masked, whatever its case and separators.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&normal(name))
    }
}

impl Default for SecretNames {
    fn default() -> Self {
        Self::with([])
    }
}

fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_separators_do_not_matter_and_names_can_be_added() {
        let names = SecretNames::with(["X-Org-Key"]);
        for name in ["Authorization", "X-Api-Key", "x_api_key", "refresh_token", "x-org-key"] {
            assert!(names.contains(name), "{name}");
        }
        for name in ["accept", "user_id", "tokens", "state"] {
            assert!(!names.contains(name), "{name}");
        }
    }
}
