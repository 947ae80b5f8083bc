//! Requests that go straight to their server, on hyper: nearly all of them.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    rt::{Read, Write},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connection, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use tower_service::Service;

use crate::{
    body_reader::Pieces,
    fair::FairTcp,
    faults,
    options::TransportOptions,
    patience::Patience,
    resolver::GuardedResolver,
    transport::{AttemptEnd, WireFault},
};

/// Idle connections are dropped before common servers drop them (5 s), so that no request meets a closing one.
pub(crate) const POOL_IDLE: Duration = Duration::from_secs(4);
/// More headers than this are refused. hyper's own limit is half of that, and costs 1,900 instructions less an answer.
pub(crate) const MAX_HEADERS: usize = 200;
/// The most that is held of a connection at once, and so the most that an answer's head may have.
const MAX_BUFFER: usize = 64 << 10;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Failed = Box<dyn Error + Send + Sync>;

/// A client with its pool of connections.
pub(crate) struct Direct<C>(Client<Timed<C>, Full<Bytes>>);

/// Without TLS.
pub(crate) type Plain = Direct<FairTcp>;
/// With TLS, HTTP/1.1 or 2 as the server chooses.
pub(crate) type Secure = Direct<HttpsConnector<FairTcp>>;

/// A connector whose whole way, TLS included, has its time.
#[derive(Clone)]
pub(crate) struct Timed<C> {
    connector: C,
    timeout: Duration,
}

/// The time for a connection was over.
#[derive(Debug, thiserror::Error)]
#[error("no connection within the time for it")]
pub(crate) struct ConnectTimedOut;

/// An answer's body as hyper gives it.
pub(crate) struct DirectBody {
    body: Incoming,
    patience: Patience,
}

// === impl Direct ===

impl Plain {
    pub(crate) fn new(options: &TransportOptions) -> Self {
        Self::with(FairTcp(tcp(options)), options)
    }
}

impl Secure {
    pub(crate) fn new(options: &TransportOptions, tls: ClientConfig) -> Self {
        let mut tcp = tcp(options);
        tcp.enforce_http(false);
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_all_versions();
        Self::with(builder.wrap_connector(FairTcp(tcp)), options)
    }
}

fn tcp(options: &TransportOptions) -> HttpConnector<GuardedResolver> {
    let mut tcp = HttpConnector::new_with_resolver(GuardedResolver(options.guard.clone()));
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    // Shared out over a host's addresses.
    tcp.set_connect_timeout(Some(options.connect_timeout));
    tcp
}

impl<C> Direct<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Read + Write + Connection + Unpin + Send + 'static,
    C::Error: Into<Failed>,
    C::Future: Send + Unpin + 'static,
{
    fn with(connector: C, options: &TransportOptions) -> Self {
        let connector = Timed { connector, timeout: options.connect_timeout };
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http1_max_headers(MAX_HEADERS)
            .http1_max_buf_size(MAX_BUFFER)
            .http2_max_header_list_size(MAX_BUFFER as u32);
        Self(builder.build(connector))
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        patience: Patience,
    ) -> Result<Response<DirectBody>, AttemptEnd> {
        match patience.wait(self.0.request(request)).await {
            Ok(Ok(response)) => Ok(response.map(|body| DirectBody { body, patience })),
            Ok(Err(error)) => Err(faults::while_sending(&error, error.is_connect())),
            Err(timeout) => Err(AttemptEnd::MaybeProcessed(timeout)),
        }
    }
}

// === impl Timed ===

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Error: Into<Failed>,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Failed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connected = tokio::time::timeout(self.timeout, self.connector.call(uri));
        Box::pin(async move { connected.await.map_err(|_| ConnectTimedOut)?.map_err(Into::into) })
    }
}

// === impl DirectBody ===

impl Pieces for DirectBody {
    fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, WireFault> {
        loop {
            match self.patience.wait(self.body.frame()).await? {
                None => return Ok(None),
                Some(Err(error)) => return Err(faults::while_reading(&error)),
                // Trailers are not passed on.
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}
