//! Takes the answer of a sign-in from a browser on this machine (RFC 8252 section 7.3): one answer, then closed.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::{self, JoinSet},
};
use url::Url;

use super::{AnswerError, AuthorizationRequest, Code, LoopbackRedirect, Page};

/// The longest that a browser may take to say what it wants, and to read what it is told.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that are kept at once. When one more comes the oldest is closed: whoever has an answer says so at once.
const MOST_OPEN: usize = 64;
/// The pause after a connection that cannot be had.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// No request of a browser needs more for its head.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// A listener on loopback that waits for one sign-in's answer.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    /// `localhost` is both loopback addresses: whoever held the other one could take the answer.
    other: Option<TcpListener>,
    redirect_uri: String,
}

/// An answer that ends the waiting, and the browser that waits for its page.
#[derive(Debug)]
pub struct Callback {
    answer: Result<Code, AnswerError>,
    page: oneshot::Sender<Page>,
    /// The browser's connection, among those that are open.
    browser: Option<task::Id>,
    open: JoinSet<()>,
}

/// An answer, where the page for its browser goes, and whose connection it is.
type Arrived = (Result<Code, AnswerError>, oneshot::Sender<Page>, Option<task::Id>);

/// What one awaited sign-in shares with its connections.
struct Awaited {
    request: AuthorizationRequest,
    origin: String,
    host: String,
    /// Gone with the first answer.
    answers: Mutex<Option<mpsc::Sender<Arrived>>>,
}

// === impl Loopback ===

impl Loopback {
    /// Listens where the answer is to arrive. `port` goes before the redirect URI's own.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn bind(redirect: &LoopbackRedirect, port: Option<u16>) -> io::Result<Self> {
        let host = redirect.host.trim_matches(['[', ']']);
        // Where the browser is sent, and nowhere else: 127.0.0.2 is somebody else's. `localhost` alone is no address.
        let ip: IpAddr = host.parse().unwrap_or(Ipv4Addr::LOCALHOST.into());
        let listener = TcpListener::bind((ip, port.or(redirect.port).unwrap_or(0))).await?;
        let port = listener.local_addr()?.port();
        let other = match host {
            "localhost" => match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(other) => Some(other),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
                // A machine without IPv6 has no other one.
                Err(_) => None,
            },
            _ => None,
        };
        let redirect_uri = format!("http://{}:{port}{}", redirect.host, redirect.path);
        Ok(Self { listener, other, redirect_uri })
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.other {
            None => self.listener.accept().await,
            Some(other) => tokio::select! {
                accepted = self.listener.accept() => accepted,
                accepted = other.accept() => accepted,
            },
        }
    }

    /// The redirect URI, with the port that was found.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the answer to a request. One that is not of this sign-in is told so, and the waiting goes on. The
    /// listener is closed when the answer is there; the browser then waits for [`Callback::show`].
    ///
    /// # Errors
    /// The listener fails.
    pub async fn answer(self, request: &AuthorizationRequest) -> io::Result<Callback> {
        let (answers, mut arrived) = mpsc::channel(1);
        let origin = self.redirect_uri.split_inclusive('/').take(3).collect::<String>();
        let origin = origin.trim_end_matches('/').to_owned();
        let host = origin.trim_start_matches("http://").to_owned();
        let answers = Mutex::new(Some(answers));
        let awaited = Arc::new(Awaited { request: request.clone(), origin, host, answers });
        let (mut open, mut by_age) = (JoinSet::new(), VecDeque::new());
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok((stream, _)) => {
                        by_age.retain(|connection: &task::AbortHandle| !connection.is_finished());
                        if by_age.len() >= MOST_OPEN && let Some(oldest) = by_age.pop_front() {
                            oldest.abort();
                        }
                        by_age.push_back(open.spawn(serve(stream, Arc::clone(&awaited))));
                    }
                    // It has gone already, or there are too many files open: neither ends a sign-in.
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
                },
                Some((answer, page, browser)) = arrived.recv() => {
                    return Ok(Callback { answer, page, browser, open });
                }
                Some(_) = open.join_next(), if !open.is_empty() => {}
            }
        }
    }
}

// === impl Callback ===

impl Callback {
    /// The answer.
    ///
    /// # Errors
    /// It gives no code.
    pub fn answer(&self) -> Result<&Code, &AnswerError> {
        self.answer.as_ref()
    }

    /// Shows the browser how the sign-in ended, and waits until it has read that.
    pub async fn show(self, page: Page) {
        // A browser that has gone away needs no page.
        let _ = self.page.send(page);
        let mut open = self.open;
        // Only its own connection counts: browsers open others ahead of time, and say nothing on them.
        let read = async {
            while let Some(ended) = open.join_next_with_id().await {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                if Some(id) == self.browser {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, read).await;
    }
}

/// One connection of a browser.
async fn serve(stream: TcpStream, awaited: Arc<Awaited>) {
    let service = service_fn(move |request| {
        let awaited = Arc::clone(&awaited);
        async move { Ok::<_, Infallible>(respond(&awaited, &request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // What a browser does to its own connection changes nothing.
    let _ = served.await;
}

async fn respond(awaited: &Awaited, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let page = match awaited.read(request) {
        None => Page::nothing_here(),
        Some(Err(error)) if error.leaves_open() => error.page(),
        Some(answer) => {
            let sender = awaited.answers.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (page, shown) = oneshot::channel();
            match sender {
                Some(sender) if sender.send((answer, page, task::try_id())).await.is_ok() => {
                    shown.await.unwrap_or_else(|_| Page::failed("the sign-in was given up"))
                }
                _ => Page::answered_already(),
            }
        }
    };
    rendered(&page)
}

// === impl Awaited ===

impl Awaited {
    /// The answer that a browser's request holds; `None` for a request that is none. A foreign `Host` means that a name
    /// of somebody else's was led to this machine.
    fn read(&self, request: &Request<Incoming>) -> Option<Result<Code, AnswerError>> {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok())?;
        let target = request.uri().path_and_query()?;
        let awaited = Url::parse(self.request.redirect_uri()).ok()?;
        if request.method() != Method::GET || host != self.host || target.path() != awaited.path() {
            return None;
        }
        let url = Url::parse(&format!("{}{target}", self.origin)).ok()?;
        Some(self.request.read_address(&url))
    }
}

fn rendered(page: &Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.html())));
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // The address holds the code: no other page may learn it.
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}
