//! Podio: one host for API, sign-in page and files.

mod api;
mod auth;
mod data;
mod error;
mod files;
mod hooks;
mod rate;
mod refresh;
mod sign_in;
mod token;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::Response,
    routing::{get, post},
};

use self::{auth::Grants, data::Data, rate::Rates};
use crate::{options::Options, server::World};

/// Everything that Podio knows.
#[derive(Debug)]
pub(crate) struct Podio(Mutex<State>);

#[derive(Debug)]
pub(crate) struct State {
    grants: Grants,
    rates: Rates,
    data: Data,
}

// === impl Podio ===

impl Podio {
    pub(crate) fn new(options: &Options) -> Self {
        Self(Mutex::new(State { grants: Grants::new(options), rates: Rates::new(options), data: Data::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kill_access_tokens(&self) {
        self.state().grants.kill_access_tokens();
    }

    pub(crate) fn kill_refresh_tokens(&self) {
        self.state().grants.refresh.kill();
    }

    pub(crate) fn live_refresh_tokens(&self) -> BTreeSet<String> {
        self.state().grants.refresh.live()
    }

    pub(crate) fn new_refresh_token(&self) -> String {
        self.state().grants.new_refresh_token()
    }

    pub(crate) fn refresh_counts(&self) -> (u64, u64) {
        self.state().grants.refresh.counts()
    }

    pub(crate) fn reset_counts(&self) {
        self.state().grants.refresh.reset_counts();
    }
}

/// The demo account as environment variables, with the inputs of every grant.
pub(crate) fn demo_account() -> Vec<(String, String)> {
    [
        ("PODIO_CLIENT_ID", auth::CLIENT_ID),
        ("PODIO_CLIENT_SECRET", auth::CLIENT_SECRET),
        ("PODIO_USERNAME", auth::USER),
        ("PODIO_PASSWORD", auth::PASSWORD),
        ("PODIO_APP_ID", auth::APP_ID),
        ("PODIO_APP_TOKEN", auth::APP_TOKEN),
        ("PODIO_CODE", auth::CODE),
        ("PODIO_REDIRECT_URI", auth::REDIRECT_URI),
        ("PODIO_REFRESH_TOKEN", auth::REFRESH_TOKEN),
        ("PODIO_GRANT", "password"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// 420, as Podio says it.
pub(crate) fn throttled(wait_s: u64, path: &str, method: &str) -> Response<Body> {
    error::Refusal::rate_limit(wait_s).at(path, "", method)
}

pub(crate) fn router() -> Router<Arc<World>> {
    let guarded = Router::new()
        .route("/user", get(api::user))
        .route("/user/status", get(api::user_status))
        .route("/oauth/scope", get(api::scope))
        .route("/oauth/grant/invalidate", post(api::invalidate))
        .route("/org/", get(api::organizations))
        .route("/org/{id}", get(api::organization))
        .route("/space/{id}", get(api::space))
        .route("/app/space/{id}/", get(api::apps_of_space))
        .route("/app/{id}", get(api::app))
        .route("/item/app/{id}/filter/", post(api::filter_items))
        .route("/item/app/{id}/", post(api::create_item))
        .route("/item/{id}", get(api::item).put(api::update_item).delete(api::delete_item))
        .route("/task/", get(api::tasks).post(api::create_task))
        .route("/task/{id}", get(api::task))
        .route("/task/{id}/complete", post(api::complete_task))
        .route("/comment/{kind}/{id}/", get(api::comments).post(api::create_comment))
        .route("/comment/{id}", get(api::comment).put(api::update_comment).delete(api::delete_comment))
        .route("/file/", post(files::upload))
        .route("/file", post(files::upload))
        .route("/file/{id}", get(files::file))
        .route("/file/{id}/raw", get(files::raw))
        .route("/hook/{kind}/{id}/", get(hooks::list).post(hooks::create))
        .route("/hook/{id}", axum::routing::delete(hooks::delete))
        .route("/hook/{id}/verify/request", post(hooks::request))
        .route("/hook/{id}/verify/validate", post(hooks::validate))
        // files.podio.com/{id}
        .route("/{file_id}", get(files::by_number));
    let guarded = guarded.fallback(no_operation).method_not_allowed_fallback(no_operation);
    Router::new()
        .route("/oauth/token", post(token::form))
        .route("/oauth/token/v2", post(token::json))
        .route("/oauth/authorize", get(sign_in::page))
        .route("/oauth/authorize/decide", get(sign_in::decide))
        .method_not_allowed_fallback(no_operation)
        .merge(guarded)
}

/// The router's own refusal, for unknown paths and wrong methods alike.
async fn no_operation(request: Request) -> Response<Body> {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    error::Refusal::not_found("No matching operation could be found. No body was given.").at(
        &path,
        &query,
        request.method().as_str(),
    )
}
