//! What a hostile server, a failing store or a second process must not bring about.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use keyway_component::{Redactor, check_component};
use keyway_http::{AttemptEnd, NoJitter, SendFuture, SystemClock, Transport, WireAnswer, WireCall};
use keyway_oauth::{
    store::{Exclusive, Pending, StoreFuture, Stored, Version},
    *,
};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

struct Server {
    n: AtomicU32,
    seen: Arc<Mutex<Vec<String>>>,
}
impl Transport for Server {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        let n = self.n.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(String::from_utf8_lossy(&call.body).into_owned());
        let body =
            json!({"access_token": format!("access-{n}"), "refresh_token": format!("refresh-{n}"), "expires_in": 3600})
                .to_string();
        Box::pin(async move {
            AttemptEnd::Answered(WireAnswer {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: Bytes::from(body).into(),
            })
        })
    }
}
/// A store whose writes fail, or whose lease is lost once, as a store with a time to live has it.
#[derive(Clone)]
struct Moody {
    inner: MemoryStore,
    full: Arc<AtomicBool>,
    lose_lease: Arc<AtomicBool>,
}
struct Guard {
    inner: Box<dyn Exclusive>,
    moody: Moody,
    key: TokenKey,
}
impl TokenStore for Moody {
    fn keyed_hash(&self, parts: &[&str]) -> String {
        self.inner.keyed_hash(parts)
    }
    fn load<'a>(&'a self, key: &'a TokenKey) -> StoreFuture<'a, Stored> {
        self.inner.load(key)
    }
    fn exclusive<'a>(&'a self, key: &'a TokenKey, ttl: Duration) -> StoreFuture<'a, Box<dyn Exclusive>> {
        Box::pin(async move {
            Ok(Box::new(Guard { inner: self.inner.exclusive(key, ttl).await?, moody: self.clone(), key: key.clone() })
                as Box<dyn Exclusive>)
        })
    }
    fn is_durable(&self) -> bool {
        false
    }
    fn place(&self) -> String {
        "here".into()
    }
}
impl Exclusive for Guard {
    fn load(&mut self) -> StoreFuture<'_, Stored> {
        self.inner.load()
    }
    fn mark_pending(&mut self, p: Option<Pending>) -> StoreFuture<'_, ()> {
        self.inner.mark_pending(p)
    }
    fn remove_if(&mut self, v: Version) -> StoreFuture<'_, ()> {
        self.inner.remove_if(v)
    }
    fn replace_if<'a>(&'a mut self, v: Version, token: &'a Token) -> StoreFuture<'a, Version> {
        if self.moody.full.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::Io { place: "disk".into(), why: "full".into() }) });
        }
        if self.moody.lose_lease.swap(false, Ordering::SeqCst) {
            let _ = &self.key;
            return Box::pin(async move {
                // somebody else wrote meanwhile
                let mut other = token.clone();
                other.access_token = keyway_component::Secret::new("a-peers");
                self.inner.replace_if(v, &other).await?;
                Err(StoreError::Conflict)
            });
        }
        self.inner.replace_if(v, token)
    }
}
fn source(moody: &Moody) -> (TokenSource, Arc<Mutex<Vec<String>>>) {
    let component = json!({"keyway":1,"name":"acme","title":"A","version":"1.0.0","environments":{"production":{}},
      "oauth2":{"token_endpoint":"https://a.test/token","authorization_endpoint":"https://a.test/authorize","token_endpoint_auth_method":"none",
        "grants":{"authorization_code":{"code_challenge_method":"S256"},"refresh_token":{}}},"api":{"base_url":"https://a.test/api"},"retry":{"count":2,"delay_ms":10}}).to_string();
    let component = Arc::new(check_component("c", &component).unwrap().value);
    let credential = Credential::from_vars("acme", [("ACME_CLIENT_ID", "id"), ("ACME_GRANT", "authorization_code")]);
    let account = Arc::new(Account::resolve(&component, &credential, &AccountSettings::default()).unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let transport = Arc::new(Server { n: AtomicU32::new(0), seen: Arc::clone(&seen) });
    (
        TokenSource::new(TokenSourceParts {
            account,
            store: Arc::new(moody.clone()),
            transport,
            redactor: Redactor::default(),
            clock: Arc::new(SystemClock),
            jitter: Arc::new(NoJitter),
            token_timeout: Duration::from_secs(5),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        }),
        seen,
    )
}
fn moody() -> Moody {
    Moody { inner: MemoryStore::new(), full: Arc::default(), lose_lease: Arc::default() }
}
async fn sign_in(tokens: &TokenSource, code: &str) -> Result<Arc<Token>, TokenError> {
    let request = tokens.authorization_request("https://app.test/cb").unwrap();
    let code = request.read_pasted(code).unwrap();
    tokens.redeem_code(request, code).await
}
#[tokio::test]
async fn a_code_is_exchanged_once_when_a_lease_is_lost() {
    let moody = moody();
    let (tokens, seen) = source(&moody);
    moody.lose_lease.store(true, Ordering::SeqCst);
    sign_in(&tokens, "the-one-code").await.unwrap();
    let codes = seen.lock().unwrap().iter().filter(|body| body.contains("the-one-code")).count();
    assert_eq!(codes, 1, "a code works once");
}
#[tokio::test]
async fn what_is_forgotten_stays_forgotten() {
    let moody = moody();
    let (tokens, _) = source(&moody);
    moody.full.store(true, Ordering::SeqCst);
    sign_in(&tokens, "the-one-code").await.unwrap();
    assert!(tokens.forget().await.unwrap());
    moody.full.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert!(tokens.stored().await.unwrap().token.is_none(), "it came back");
}
#[tokio::test]
async fn a_sign_in_after_a_sign_out_is_not_overwritten() {
    let moody = moody();
    let (one, _) = source(&moody);
    sign_in(&one, "code-1").await.unwrap();
    moody.full.store(true, Ordering::SeqCst);
    one.renew().await.unwrap(); // stays in memory: instead_of is version 1
    moody.full.store(false, Ordering::SeqCst);
    let (other, _) = source(&moody);
    assert!(other.forget().await.unwrap());
    let fresh = sign_in(&other, "code-2").await.unwrap(); // version 1 again
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert!(
        other.stored().await.unwrap().token.unwrap().is_same(&fresh),
        "an old token took the place of a new sign-in"
    );
}
#[test]
fn an_environments_parameter_cannot_change_what_protects_a_sign_in() {
    let component = json!({"keyway":1,"name":"acme","title":"A","version":"1.0.0","environments":{"production":{}},
      "oauth2":{"token_endpoint":"https://a.test/token","authorization_endpoint":"https://a.test/authorize","token_endpoint_auth_method":"none",
        "grants":{"authorization_code":{}}},"api":{"base_url":"https://a.test/api"}}).to_string();
    let component = Arc::new(check_component("c", &component).unwrap().value);
    let credential = Credential::from_vars(
        "acme",
        [
            ("ACME_CLIENT_ID", "id"),
            ("ACME_GRANT", "authorization_code"),
            ("ACME_AUTHORIZATION_PARAMS", "state:fixed,code_challenge_method:plain,redirect_uri:https://evil.test"),
        ],
    );
    let error = Account::resolve(&component, &credential, &AccountSettings::default()).unwrap_err();
    assert!(error.to_string().contains("Keyway's own"), "{error}");
}
