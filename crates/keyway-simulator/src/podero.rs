//! Podero: a Django server with django-oauth-toolkit and django-ninja, in two environments that share nothing.

mod api;
mod devices;
mod json;
mod token;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::FromRef,
    routing::{any, get, post},
};
use serde_json::Value;

use crate::{
    options::{Options, PoderoBody},
    server::World,
};

pub(crate) const ORG_ID: &str = "6f9d3c1e-52a4-4d0b-9a55-3f1c7f0e2b10";
const CLIENT: (&str, &str) = ("podero-simulator-client", "podero-simulator-secret");
const ODD_CLIENT: (&str, &str) = ("podero odd:client", "s+cr%41t/=&: ü");
const SANDBOX_CLIENT: (&str, &str) = ("podero-sandbox-client", "podero-sandbox-secret");

/// One environment of Podero.
#[derive(Debug)]
pub(crate) struct Podero {
    clients: Vec<(&'static str, &'static str)>,
    ttl: Duration,
    body: PoderoBody,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    tokens: HashMap<String, Token>,
    pub(crate) users: Vec<Value>,
    /// The inverters that were added, with the user that each belongs to.
    inverters: Vec<(String, Value)>,
    /// Whether the one vehicle is being charged.
    charging: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    scope: String,
    client: String,
    ends: Instant,
}

/// Which environment a router serves.
#[derive(Clone)]
pub(crate) struct Here {
    world: Arc<World>,
    sandbox: bool,
}

// === impl Podero ===

impl Podero {
    pub(crate) fn production(options: &Options) -> Self {
        Self::new(options, vec![CLIENT, ODD_CLIENT])
    }

    pub(crate) fn sandbox(options: &Options) -> Self {
        Self::new(options, vec![SANDBOX_CLIENT])
    }

    fn new(options: &Options, clients: Vec<(&'static str, &'static str)>) -> Self {
        let state = Mutex::new(State {
            tokens: HashMap::new(),
            users: api::first_users(),
            inverters: Vec::new(),
            charging: false,
        });
        Self {
            clients,
            ttl: Duration::from_secs(options.podero_token_ttl_s.min(crate::options::LONGEST_TTL_S)),
            body: options.podero_body,
            state,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kill_access_tokens(&self) {
        self.state().tokens.clear();
    }
}

// === impl Here ===

impl Here {
    pub(crate) fn podero(&self) -> &Podero {
        if self.sandbox { &self.world.sandbox } else { &self.world.podero }
    }
}

impl FromRef<Here> for Arc<World> {
    fn from_ref(here: &Here) -> Self {
        Arc::clone(&here.world)
    }
}

/// The demo account of production as environment variables.
pub(crate) fn demo_account() -> Vec<(String, String)> {
    account(CLIENT, "production")
}

/// The demo account of the sandbox.
pub(crate) fn sandbox_account() -> Vec<(String, String)> {
    account(SANDBOX_CLIENT, "sandbox")
}

fn account(client: (&str, &str), environment: &str) -> Vec<(String, String)> {
    [
        ("PODERO_CLIENT_ID", client.0),
        ("PODERO_CLIENT_SECRET", client.1),
        ("PODERO_ORG_ID", ORG_ID),
        ("PODERO_ENVIRONMENT", environment),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

pub(crate) fn router(world: &Arc<World>, sandbox: bool) -> Router {
    let org = "/api/partners/v2.0/org/{org_id}";
    let user = format!("{org}/users/{{user_id}}");
    Router::new()
        .route("/oauth2/token/", any(token::token))
        .route("/oauth2/token", any(token::without_slash))
        .route("/oauth2/revoke_token/", post(token::revoke))
        .route("/oauth2/introspect/", post(token::introspect))
        .route("/oauth2/.well-known/oauth-authorization-server", get(token::metadata))
        .route(&format!("{org}/users"), get(api::users).post(api::create_user))
        .route(&user, get(api::user).put(api::update_user))
        .route(&format!("{user}/heat-pumps"), get(api::heat_pumps))
        .route(&format!("{user}/heat-pumps/{{id}}"), get(api::heat_pump))
        .route(&format!("{user}/heat-pumps/{{id}}/statistics"), get(api::heat_pump_statistics))
        .route(&format!("{user}/electric-vehicles"), get(devices::vehicles))
        .route(&format!("{user}/electric-vehicles/{{id}}"), get(devices::vehicle))
        .route(&format!("{user}/electric-vehicles/{{id}}/boost"), post(devices::boost))
        .route(&format!("{user}/electric-vehicles/{{id}}/sessions"), get(api::sessions))
        .route(&format!("{user}/inverters"), get(devices::inverters).post(devices::create_inverter))
        .route(&format!("{user}/inverters/{{id}}"), get(devices::inverter))
        .route(&format!("{user}/energy-contracts"), post(api::create_contract))
        .route("/api/partners/v2.0/device-onboarding", post(api::onboarding))
        .method_not_allowed_fallback(api::method_not_allowed)
        .fallback(api::no_page)
        .with_state(Here { world: Arc::clone(world), sandbox })
}
