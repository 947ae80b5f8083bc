//! The switches of a simulator.

use serde::{Deserialize, Serialize};

/// No simulated token lives longer: ten years.
pub(crate) const LONGEST_TTL_S: u64 = 10 * 365 * 24 * 3600;

/// How the simulated servers behave. The defaults are what is known of the real ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Seconds that Podio's access tokens live.
    pub podio_token_ttl_s: u64,
    /// Seconds that Podero's access tokens live.
    pub podero_token_ttl_s: u64,
    /// Whether Podio gives a new refresh token at each renewal and refuses the old one.
    pub rotate_refresh_tokens: bool,
    /// Whether a refresh token that comes again after its rotation ends all tokens of its grant (RFC 9700
    /// section 4.14.2). It means something only where refresh tokens rotate.
    pub refresh_reuse_revokes: bool,
    /// Which bodies Podero's token endpoint reads.
    pub podero_body: PoderoBody,
    /// Podio calls an hour, in general.
    pub podio_limit: u32,
    /// Podio calls an hour, for operations that are marked as rate limited.
    pub podio_marked_limit: u32,
    /// Seconds of Podio's rate window; an hour on the real server.
    pub podio_window_s: u64,
    /// Milliseconds that every token answer takes.
    pub token_delay_ms: u64,
    /// Milliseconds that every token answer is on its way, after the server has done its part.
    pub token_answer_delay_ms: u64,
    /// Milliseconds that every API answer takes.
    pub api_delay_ms: u64,
    /// Seconds by which the servers' clocks are off.
    pub clock_skew_s: i64,
}

/// Which bodies Podero's token endpoint reads. A stock django-oauth-toolkit reads one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoderoBody {
    /// JSON only, as Podero documents it.
    #[default]
    Json,
    /// Forms only, as RFC 6749 says.
    Form,
    /// Either, by content type.
    Both,
    /// Forms only, and 415 for anything else, as django-oauth-toolkit 4.0 will.
    FormStrict,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            podio_token_ttl_s: 28_800,
            podero_token_ttl_s: 36_000,
            rotate_refresh_tokens: false,
            refresh_reuse_revokes: false,
            podero_body: PoderoBody::default(),
            podio_limit: 1_000,
            podio_marked_limit: 250,
            podio_window_s: 3_600,
            token_delay_ms: 0,
            token_answer_delay_ms: 0,
            api_delay_ms: 0,
            clock_skew_s: 0,
        }
    }
}
