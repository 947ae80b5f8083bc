//! A server that is faster than its clients: one thread, answers prepared once.
//!
//! - `POST /oauth/token`: a token that lives for an hour.
//! - `POST /api/echo`: about 300 bytes of JSON, the request's body among them.
//! - `GET /api/size/N`: a JSON body of about `N` bytes.
//! - `POST /api/delay/MS/…`: as echo, so many milliseconds later.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
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
        let sizes: Arc<Sizes> = Arc::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let sizes = Arc::clone(&sizes);
            let service = service_fn(move |request| answer(request, Arc::clone(&sizes)));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

/// Large bodies that were asked for.
#[derive(Default)]
struct Sizes(Mutex<HashMap<usize, Bytes>>);

async fn answer(request: Request<Incoming>, sizes: Arc<Sizes>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let sent = request.into_body().collect().await?.to_bytes();
    let number = |text: &str| text.split('/').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let body = match path.strip_prefix("/api/") {
        None => Bytes::from_static(TOKEN.as_bytes()),
        Some(path) => {
            if let Some(size) = path.strip_prefix("size/") {
                sizes.of(number(size))
            } else {
                if let Some(delay) = path.strip_prefix("delay/") {
                    tokio::time::sleep(Duration::from_millis(number(delay) as u64)).await;
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

// === impl Sizes ===

impl Sizes {
    fn of(&self, bytes: usize) -> Bytes {
        let mut held = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
        held.entry(bytes).or_insert_with(make).clone()
    }
}
