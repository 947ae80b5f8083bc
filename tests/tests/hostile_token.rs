//! A token endpoint that misbehaves in every way that its tables know, and a host that survives it.

use std::time::Duration;

use keyway_tests::hostile::{Case, Grant, Stage, token};
use serde_json::Value;

/// A stage whose client says its secret in a header.
async fn basic() -> Stage {
    let header = |component: &mut Value| {
        component["oauth2"]["token_endpoint_auth_method"] = "client_secret_basic".into();
    };
    Stage::with(header, |builder| builder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_wrong_odd_or_too_much() {
    Stage::start().await.survives_tokens(token::members::cases(), Grant::Client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_answer_to_a_refresh_token() {
    Stage::start().await.survives_tokens(token::members::cases(), Grant::Refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_object_of_a_good_status() {
    Stage::start().await.survives_tokens(token::shapes::cases(), Grant::Password).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_never_followed() {
    Stage::start().await.survives_tokens(token::errors::redirects(), Grant::Password).await;
    Stage::start().await.survives_tokens(token::errors::redirects(), Grant::Refresh).await;
    basic().await.survives_tokens(token::errors::redirects(), Grant::Client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_made_fit_to_be_shown() {
    Stage::start().await.survives_tokens(token::errors::texts(), Grant::Client).await;
    basic().await.survives_tokens(token::errors::texts(), Grant::Password).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_far_too_long_hold_nobody_up() {
    Stage::start().await.survives_tokens(token::errors::long_texts(), Grant::Client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_waits_of_every_kind() {
    Stage::start().await.survives_tokens(token::errors::statuses(Grant::Client), Grant::Client).await;
    Stage::start().await.survives_tokens(token::errors::statuses(Grant::Refresh), Grant::Refresh).await;
}

/// The cases of HTTP alone that wait for something, or those that do not.
fn on_the_wire(waiting: bool) -> Vec<Case> {
    token::wire::cases().into_iter().filter(|case| token::wire::waits(case) == waiting).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_on_the_wire_is_no_refusal() {
    Stage::start().await.survives_tokens(on_the_wire(false), Grant::Client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_comes_is_not_waited_for() {
    let impatient = Stage::with(|_| {}, |builder| builder.token_timeout(Duration::from_millis(1000))).await;
    impatient.survives_tokens(on_the_wire(true), Grant::Client).await;
}
