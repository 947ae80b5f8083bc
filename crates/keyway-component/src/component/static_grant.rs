//! Grants without a token endpoint: for APIs that take a key, a password or a JWT as well as OAuth2 tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Assertion, Authorization};
use crate::template::Template;

/// The grant `api_key`: a key of the account is its token. The variables that it names are its inputs; no client is
/// needed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyGrant {
    /// The key, such as `{key}`: it names a secret variable.
    pub token: Template,
    /// Where the key stands in a request; `api.authorization` when absent.
    #[serde(default)]
    pub authorization: Option<Authorization>,
}

/// The grant `basic`: user name and password go with every request (RFC 7617). The variables that they name are its
/// inputs; no client is needed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicGrant {
    /// The user name; it has no colon.
    #[serde(default = "username")]
    pub username: Template,
    /// The password.
    #[serde(default = "password")]
    pub password: Template,
    /// Where they stand in a request; the header `Authorization` when absent.
    #[serde(default = "basic")]
    pub authorization: Authorization,
}

/// The grant `signed_jwt`: a JWT that the account's own key signs is its token, made anew before it ends (as of GitHub Apps
/// and App Store Connect). The key and the variables that it names are its inputs; no client is needed, and without a
/// client's id it has no `iss` but that of `claims`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedJwtGrant {
    /// How the JWT is made.
    pub assertion: Assertion,
    /// Where it stands in a request; `api.authorization` when absent.
    #[serde(default)]
    pub authorization: Option<Authorization>,
}

fn username() -> Template {
    Template::placeholder("username")
}

fn password() -> Template {
    Template::placeholder("password")
}

fn basic() -> Authorization {
    Authorization::Header { name: "Authorization".to_owned(), scheme: "Basic".to_owned() }
}
