//! A credential that insists on `localhost`: both loopback addresses are listened on, so that nobody else takes the answer.

mod support;

use serde_json::json;
use support::{
    http,
    scripted::{component, willing},
    sign_in::{ACME, Account, is_signed_in},
};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn localhost_is_both_loopback_addresses() {
    let server = willing().await;
    let more = json!({"redirect_uri": "http://localhost/callback/acme"});
    let account = Account::with(&component(&server), "authorization_code", ACME, &more);
    let sign_in = account.sign_in(&[]).await;
    let port = sign_in.waiting.port().expect("it has one");
    assert_eq!(sign_in.waiting.host_str(), Some("localhost"));
    for address in ["127.0.0.1", "::1"] {
        // A machine without IPv6 has no second one to take.
        if TcpListener::bind((address, 0)).await.is_ok() {
            TcpListener::bind((address, port)).await.expect_err("somebody is there already");
        }
    }
    let answer = sign_in.callback(&[("code", "a-code")]);
    assert_eq!(http::get(&answer).await.h1(), "You are signed in");
    is_signed_in(&sign_in.running.end().await);
}
