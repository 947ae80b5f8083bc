//! A server that is faster than its clients: one thread, answers prepared once.
//!
//! - `POST /oauth/token`: a token that lives for an hour.
//! - `POST /api/echo`: about 300 bytes of JSON, the request's body among them.
//! - `GET /api/size/N`: a JSON body of about `N` bytes.
//! - `POST /api/delay/MS/…`: as echo, so many milliseconds later.
//! - `GET /held`: for how many milliseconds delayed requests were held since that was asked last, on average. Timers are
//!   never early.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::fault::Ended;

const TOKEN: &str =
    r#"{"access_token":"bench-token-of-forty-characters-or-so-00","token_type":"bearer","expires_in":3600}"#;

/// Serves until it is killed. The address is the first line of its output.
pub(crate) fn serve() -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let kept: Arc<Kept> = Arc::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let kept = Arc::clone(&kept);
            let service = service_fn(move |request| answer(request, Arc::clone(&kept)));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

/// What the server keeps between requests.
#[derive(Default)]
struct Kept {
    /// Large bodies that were asked for.
    bodies: Mutex<HashMap<usize, Bytes>>,
    /// How many requests were held, and for how long together.
    held: Mutex<(u32, Duration)>,
}

async fn answer(request: Request<Incoming>, kept: Arc<Kept>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (path, came) = (request.uri().path().to_owned(), Instant::now());
    let sent = request.into_body().collect().await?.to_bytes();
    let number = |text: &str| text.split('/').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let body = match path.strip_prefix("/api/") {
        None if path == "/held" => kept.held_ms().to_string().into(),
        None => Bytes::from_static(TOKEN.as_bytes()),
        Some(path) => {
            if let Some(size) = path.strip_prefix("size/") {
                kept.body_of(number(size))
            } else {
                if let Some(delay) = path.strip_prefix("delay/") {
                    tokio::time::sleep(Duration::from_millis(number(delay) as u64)).await;
                    kept.hold(came.elapsed());
                }
                echo(&sent)
            }
        }
    };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

fn echo(sent: &[u8]) -> Bytes {
    const BEFORE: &[u8] = br#"{"items":[{"id":1,"name":"first","done":true},{"id":2,"name":"second","done":false},{"id":3,"name":"third","done":false}],"note":"as long as answers of such APIs are","sent":"#;
    [BEFORE, if sent.is_empty() { b"null" } else { sent }, b"}"].concat().into()
}

// === impl Kept ===

impl Kept {
    fn body_of(&self, bytes: usize) -> Bytes {
        let make = || {
            let mut body = String::from("{\"items\":[");
            for n in 0.. {
                body += &format!(
                    r#"{{"id":{n},"name":"item {n}","mail":"item-{n}@example.com","score":{n}.5,"done":true}}"#
                );
                if body.len() >= bytes {
                    break;
                }
                body.push(',');
            }
            Bytes::from(body + "]}")
        };
        locked(&self.bodies).entry(bytes).or_insert_with(make).clone()
    }

    fn hold(&self, time: Duration) {
        let mut held = locked(&self.held);
        *held = (held.0 + 1, held.1 + time);
    }

    fn held_ms(&self) -> f64 {
        let (requests, time) = std::mem::take(&mut *locked(&self.held));
        time.as_secs_f64() * 1e3 / f64::from(requests.max(1))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
