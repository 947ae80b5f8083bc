//! An API that misbehaves in every way that its tables know, and a host that survives it.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use keyway_tests::hostile::{Case, Stage, api};

#[tokio::test(flavor = "multi_thread")]
async fn first_lines_that_are_none() {
    Stage::start().await.survives(api::status_lines::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_wrong_too_many_or_too_long() {
    Stage::start().await.survives(api::headers::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_short_slow_endless_or_broken() {
    Stage::start().await.survives(api::bodies::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encodings_that_are_unasked_broken_or_bombs() {
    Stage::start().await.survives(api::encodings::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_is_not_what_it_says() {
    Stage::start().await.survives(api::content::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_lead_nowhere_that_a_message_could_not_go() {
    Stage::start().await.survives(api::redirects::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_to_places_too_long_to_be_sent_are_results() {
    Stage::start().await.survives(api::redirects::long()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttles_and_their_waits_in_every_form() {
    Stage::start().await.survives(api::rate_limits::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_every_kind() {
    Stage::start().await.survives(api::auth::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_end_too_early_or_say_too_much() {
    Stage::start().await.survives(api::connections::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_linger_are_left_or_found_dead() {
    let each = api::connections::lingering().into_iter().map(|case| async move {
        let silent = case.name.ends_with("silent");
        let stage = Stage::with(|_| {}, |builder| builder.token_timeout(Duration::from_secs(2))).await;
        stage.survives_once_over(case, silent).await;
    });
    stream::iter(each).buffer_unordered(4).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_answer_in_the_same_piece_never_answers_the_next_message() {
    let two = || api::connections::cases().into_iter().filter(|case| case.name == "two-answers");
    let many = (0..60).flat_map(|n| two().map(move |case| Case { name: format!("two-{n}"), ..case }));
    Stage::start().await.survives(many.collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_wrong_before_anything_is_said() {
    let each = api::connections::on_accept().into_iter().map(|(name, plan, expected)| async move {
        Stage::start().await.survives_on_accept(name, plan, expected).await;
    });
    stream::iter(each).buffer_unordered(4).collect::<()>().await;
}
