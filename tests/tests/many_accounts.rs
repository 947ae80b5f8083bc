//! Ten thousand accounts in one process: what each takes while it rests. Alone in its file, so that nobody else's memory
//! is counted.

use futures_util::{StreamExt, stream};
use http::{HeaderMap, StatusCode};
use keyway::{AttemptEnd, Credential, MemoryStore, Message, SendFuture, Transport, WireAnswer, WireCall};
use keyway_tests::{
    acme::{acme, host_with},
    measured::memory,
    mock::token,
};
use serde_json::json;

const ACCOUNTS: usize = 10_000;
/// What an account may take at rest, its token and the token's place in the store included.
const MOST_BYTES: u64 = 4096;

/// Answers token requests with a token, and messages with what they were signed with.
struct Wire;

impl Transport for Wire {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        Box::pin(async move {
            let body = match call.url.path() {
                "/token" => token(1),
                _ => json!({}),
            };
            let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, "application/json".parse().unwrap())]);
            let body = bytes::Bytes::from(body.to_string()).into();
            AttemptEnd::Answered(WireAnswer { status: StatusCode::OK, headers, body })
        })
    }
}

fn account(n: usize) -> Credential {
    let client = [("ACME_CLIENT_ID", format!("client-{n}")), ("ACME_CLIENT_SECRET", format!("secret-of-account-{n}"))];
    Credential::from_vars("acme", client).named(format!("account-{n}"))
}

#[tokio::test]
async fn an_account_at_rest_is_small() {
    let host = host_with(&acme("https://acme.test"), |builder| {
        // Few at once: what messages under way take is not what accounts take.
        builder.transport(Wire).token_store(MemoryStore::default()).concurrency(8)
    });
    let connect = |n: usize| host.connect(account(n)).unwrap();
    // What is made once is made before.
    connect(ACCOUNTS).send(Message::get("/x")).await.unwrap();
    let before = memory("self", "VmRSS");
    (0..ACCOUNTS).for_each(|n| drop(connect(n)));
    let messages = stream::iter((0..ACCOUNTS).map(|n| Message::get("/x").credential(format!("account-{n}"))));
    let good = host.run(messages).filter(|outcome| std::future::ready(outcome.result.is_ok())).count().await;
    assert_eq!(good, ACCOUNTS);
    let each = memory("self", "VmRSS").saturating_sub(before) / ACCOUNTS as u64;
    println!("{each} bytes an account");
    assert!(each <= MOST_BYTES, "{each} bytes an account");
}
