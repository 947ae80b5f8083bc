//! Where an account's messages may go: its origins, its base path, and the endpoints that are not theirs. Made once a
//! connection, so that a message only compares.

use keyway_component::Origin;
use keyway_oauth::Endpoints;
use percent_encoding::percent_decode_str;
use url::Url;

/// The places of one account.
pub(crate) struct Places {
    origins: Vec<Known>,
    /// Path of the base URL, without a slash at its end.
    base_path: String,
    oauth: Vec<Endpoint>,
}

/// An origin that messages may go to.
pub(crate) struct Known {
    origin: Origin,
    /// Whether it is that of the base URL, below whose path messages have to stay.
    pub(crate) is_base: bool,
    /// Whether the token goes there.
    pub(crate) token: bool,
}

/// An OAuth endpoint, as what all its spellings have in common.
struct Endpoint {
    origin: Option<Origin>,
    /// The names of its path, in lower case.
    path: Vec<String>,
}

// === impl Places ===

impl Places {
    pub(crate) fn of(endpoints: &Endpoints) -> Self {
        let times = |origin: &Origin| endpoints.api_origins.iter().filter(|(other, _)| other == origin).count();
        let known = |(origin, token): &(Origin, bool)| Known {
            origin: origin.clone(),
            // Named once more, all of it is open.
            is_base: endpoints.base_url.as_ref().is_some_and(|url| origin.is_of(url)) && times(origin) == 1,
            token: *token,
        };
        Self {
            origins: endpoints.api_origins.iter().map(known).collect(),
            base_path: endpoints
                .base_url
                .as_ref()
                .map_or_else(String::new, |url| url.path().trim_end_matches('/').to_owned()),
            oauth: endpoints.oauth.iter().map(Endpoint::of).collect(),
        }
    }

    /// The origin of a URL, if messages may go there.
    pub(crate) fn origin_of(&self, url: &Url) -> Option<&Known> {
        self.origins.iter().find(|known| known.origin.is_of(url))
    }

    /// All origins, for people.
    pub(crate) fn origins(&self) -> String {
        let known: Vec<String> = self.origins.iter().map(|known| known.origin.to_string()).collect();
        known.join(", ")
    }

    pub(crate) fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Whether a URL at the base URL's origin is below it.
    pub(crate) fn is_below_base(&self, url: &Url) -> bool {
        url.path().strip_prefix(&self.base_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a URL leads to an OAuth endpoint, spelled as that or otherwise.
    pub(crate) fn is_oauth_endpoint(&self, url: &Url) -> bool {
        self.oauth.iter().any(|endpoint| endpoint.is_meant_by(url))
    }
}

// === impl Endpoint ===

impl Endpoint {
    fn of(url: &Url) -> Self {
        let [path, _] = decoded(url.path());
        let path = names(&path).map(str::to_ascii_lowercase).collect();
        Self { origin: Origin::of(url), path }
    }

    fn is_meant_by(&self, url: &Url) -> bool {
        if !self.origin.as_ref().is_some_and(|origin| origin.is_of(url)) {
            return false;
        }
        if !url.path().contains('%') {
            return self.is_path(url.path());
        }
        decoded(url.path()).iter().any(|path| self.is_path(path))
    }

    fn is_path(&self, path: &str) -> bool {
        let mut names = names(path);
        self.path.iter().all(|wanted| names.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
            && names.next().is_none()
    }
}

/// The text decoded once, and decoded twice: a proxy and the server behind it may each do so.
pub(crate) fn decoded(text: &str) -> [String; 2] {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let once = decode(text);
    let twice = decode(&once);
    [once, twice]
}

/// What some server or other takes for the names of a path: without empty ones, and without a `;parameter`.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').map(|part| part.split(';').next().unwrap_or_default()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_in_other_spellings() {
        let endpoint = Endpoint::of(&Url::parse("https://api.podio.com/oauth/token/v2").unwrap());
        for text in [
            "/oauth/token/v2",
            "/oauth/token/v2/",
            "/oauth/%74oken/v2",
            "/oauth/%2574oken/v2",
            "/oauth/token;x=1/v2;y",
            "//oauth//token/v2",
            "/OAuth/Token/v2?x=1",
        ] {
            let url = Url::parse(&format!("https://api.podio.com{text}")).unwrap();
            assert!(endpoint.is_meant_by(&url), "{text}");
        }
        assert!(!endpoint.is_meant_by(&Url::parse("https://api.podio.com/oauth/scope").unwrap()));
    }
}
