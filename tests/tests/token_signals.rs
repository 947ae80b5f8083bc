//! A signal ends a command, but not before a renewal that is under way has stored its token.

mod support;

use std::sync::Arc;

use keyway_tests::mock::{Mock, Seen, reply};
use serde_json::json;
use support::{
    scripted::{component, token},
    sign_in::{ACME, Account, NAME},
};
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_under_way_is_stored_before_the_command_ends() {
    for signal in ["TERM", "INT"] {
        let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&go));
        let server = Mock::start(move |seen: Seen| {
            let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
            async move {
                // The server has rotated; its answer is on its way.
                if seen.path == "/token" && seen.nth == 1 {
                    tell.notify_one();
                    wait.notified().await;
                }
                match seen.path.as_str() {
                    "/token" => reply(200, &token(seen.nth + 1)),
                    _ => reply(200, &json!({})),
                }
            }
        })
        .await;
        let account = Account::new(&component(&server), "authorization_code", ACME).signed_in().await;
        let renewing = account.keyway(&["token", "renew", NAME]).start();
        arrived.notified().await;
        renewing.signal(signal).await;
        go.notify_one();
        let ran = renewing.end().await;
        assert_eq!(ran.code(), Some(if signal == "TERM" { 143 } else { 130 }), "{ran}");
        // What the next one sends is what the server gave last.
        account.keyway(&["token", "renew", NAME]).run("").await.succeeded();
        let sent = support::scripted::form(&server.seen("/token")[2]);
        assert_eq!(sent["refresh_token"], "refresh-2", "{signal}");
    }
}
