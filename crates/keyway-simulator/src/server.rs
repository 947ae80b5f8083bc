//! The ports, and what every request on them goes through: recording, faults, clock.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Response, StatusCode, header},
    middleware::{self, Next},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    control,
    faults::{Fault, FaultKind, FaultTarget, Faults},
    options::Options,
    podero::{self, Podero},
    podio::{self, Podio},
    record::{Call, Recorder, Stats},
};

/// The most bytes of a request.
const MAX_BODY: usize = 128 << 20;

/// The running simulator. Dropped, it stops.
#[derive(Debug)]
pub struct Simulator {
    world: Arc<World>,
    addresses: [SocketAddr; 3],
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Where a real origin is simulated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Origin {
    /// The real origin.
    pub real: String,
    /// The simulated one, on 127.0.0.1.
    pub simulated: String,
}

/// What a client needs to know: origins, and the demo accounts as the environment variables they would be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Demo {
    /// Real origins and where they are simulated.
    pub origins: Vec<Origin>,
    /// Names and values by component; `component@environment` where an environment has an account of its own.
    pub accounts: std::collections::BTreeMap<String, Vec<(String, String)>>,
}

/// Everything that the simulated servers know.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) recorder: Recorder,
    pub(crate) faults: Faults,
    pub(crate) podio: Podio,
    pub(crate) podero: Podero,
    pub(crate) sandbox: Podero,
    pub(crate) demo: std::sync::OnceLock<Demo>,
}

/// Which simulated server a port belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Podio,
    Podero,
    PoderoSandbox,
}

// === impl Simulator ===

impl Simulator {
    /// Binds three free ports on 127.0.0.1 and serves.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Self::start_at(options, 0).await
    }

    /// Binds `port` and the two after it, or three free ones for 0.
    ///
    /// # Errors
    /// A port cannot be bound.
    pub async fn start_at(options: Options, port: u16) -> std::io::Result<Self> {
        let world = Arc::new(World::new(options));
        let (stop, stopped) = watch::channel(false);
        let (mut addresses, mut tasks) = (Vec::new(), Vec::new());
        for (n, server) in [Server::Podio, Server::Podero, Server::PoderoSandbox].into_iter().enumerate() {
            let wanted = if port == 0 { 0 } else { port.saturating_add(n as u16) };
            let listener = TcpListener::bind(("127.0.0.1", wanted)).await?;
            addresses.push(listener.local_addr()?);
            let (app, mut stopped) = (router(&world, server), stopped.clone());
            tasks.push(tokio::spawn(async move {
                let until = async move {
                    let _ = stopped.wait_for(|stop| *stop).await;
                };
                tokio::select! {
                    _ = axum::serve(listener, app) => {}
                    () = until => {}
                }
            }));
        }
        let addresses: [SocketAddr; 3] =
            addresses.try_into().map_err(|_| std::io::Error::other("three ports were not bound"))?;
        let _ = world.demo.set(demo(&addresses));
        Ok(Self { world, addresses, stop, tasks })
    }

    /// Origins and demo accounts.
    #[must_use]
    pub fn demo(&self) -> Demo {
        demo(&self.addresses)
    }

    /// `http://127.0.0.1:PORT` of Podio, Podero and Podero's sandbox.
    #[must_use]
    pub fn urls(&self) -> [String; 3] {
        self.addresses.map(|address| format!("http://{address}"))
    }

    /// What the servers have seen.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.world.stats()
    }

    /// Forgets what the servers have seen. Accounts, tokens and data stay.
    pub fn reset_stats(&self) {
        self.world.reset_stats();
    }

    /// The refresh tokens with which Podio would renew now.
    #[must_use]
    pub fn live_refresh_tokens(&self) -> BTreeSet<String> {
        self.world.podio.live_refresh_tokens()
    }

    /// Podio's first user signs in once more, by the demo client: the refresh token of a grant of its own.
    #[must_use]
    pub fn new_refresh_token(&self) -> String {
        self.world.podio.new_refresh_token()
    }

    /// Switches a fault on.
    pub fn fault(&self, fault: Fault) {
        self.world.apply(fault);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

// === impl World ===

impl World {
    fn new(options: Options) -> Self {
        Self {
            podio: Podio::new(&options),
            podero: Podero::production(&options),
            sandbox: Podero::sandbox(&options),
            recorder: Recorder::new(),
            faults: Faults::default(),
            demo: std::sync::OnceLock::new(),
            options,
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let (refresh_rotations, refresh_reuses) = self.podio.refresh_counts();
        Stats { refresh_rotations, refresh_reuses, ..self.recorder.stats() }
    }

    pub(crate) fn reset_stats(&self) {
        self.recorder.reset();
        self.podio.reset_counts();
    }

    pub(crate) fn apply(&self, fault: Fault) {
        match fault.fault {
            FaultKind::TokensDie => {
                self.podio.kill_access_tokens();
                self.podero.kill_access_tokens();
                self.sandbox.kill_access_tokens();
            }
            FaultKind::RefreshTokensDie => self.podio.kill_refresh_tokens(),
            _ => self.faults.add(fault),
        }
    }
}

fn demo(addresses: &[SocketAddr; 3]) -> Demo {
    let [podio_at, podero_at, sandbox_at] = addresses.map(|address| format!("http://{address}"));
    let origin = |real: &str, simulated: &String| Origin { real: real.to_owned(), simulated: simulated.clone() };
    Demo {
        origins: vec![
            origin("https://api.podio.com", &podio_at),
            origin("https://podio.com", &podio_at),
            origin("https://files.podio.com", &podio_at),
            origin("https://app.podero.com", &podero_at),
            origin("https://sandbox-app.podero.com", &sandbox_at),
        ],
        accounts: [
            ("podio".to_owned(), podio::demo_account()),
            ("podero".to_owned(), podero::demo_account()),
            ("podero@sandbox".to_owned(), podero::sandbox_account()),
        ]
        .into(),
    }
}

fn router(world: &Arc<World>, server: Server) -> Router {
    let app = match server {
        Server::Podio => podio::router().with_state(Arc::clone(world)),
        Server::Podero | Server::PoderoSandbox => podero::router(world, server == Server::PoderoSandbox),
    };
    let through = middleware::from_fn_with_state((Arc::clone(world), server), pass);
    control::router().with_state(Arc::clone(world)).fallback_service(app.layer(through))
}

/// Every request of a simulated server: recorded, delayed, spoiled.
async fn pass(State((world, server)): State<(Arc<World>, Server)>, request: Request, next: Next) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let target = if is_token_path(&path) { FaultTarget::Token } else { FaultTarget::Api };
    let call = Call {
        server: match server {
            Server::Podio => "podio",
            Server::Podero => "podero",
            Server::PoderoSandbox => "podero_sandbox",
        }
        .to_owned(),
        target: if target == FaultTarget::Token { "token" } else { "api" }.to_owned(),
        method: parts.method.to_string(),
        path: path.clone(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        ..Call::default()
    };
    let mut open = world.recorder.open(call);
    let Ok(bytes) = to_bytes(body, MAX_BODY).await else {
        open.call.status = 413;
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    open.call.set_body(&bytes);
    let fault = world.faults.next(target);
    let delay = if target == FaultTarget::Token { world.options.token_delay_ms } else { world.options.api_delay_ms };
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    if let Some(fault) = &fault {
        fault.wait().await;
    }
    let instead = fault.as_ref().and_then(|fault| fault.instead(server == Server::Podio, &path, parts.method.as_str()));
    let mut response = match (instead, fault) {
        (Some(response), _) => response,
        (None, Some(fault)) => {
            let mut response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            let body = to_bytes(std::mem::take(response.body_mut()), MAX_BODY).await.unwrap_or_default();
            fault.spoil(response, body)
        }
        (None, None) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
    };
    if world.options.clock_skew_s != 0 {
        let shift = Duration::from_secs(world.options.clock_skew_s.unsigned_abs());
        let now = SystemTime::now();
        let told = if world.options.clock_skew_s > 0 { now + shift } else { now - shift };
        if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(told)) {
            response.headers_mut().insert(header::DATE, date);
        }
    }
    open.call.status = response.status().as_u16();
    let way = Duration::from_millis(world.options.token_answer_delay_ms);
    if target == FaultTarget::Token && !way.is_zero() {
        tokio::time::sleep(way).await;
    }
    response
}

fn is_token_path(path: &str) -> bool {
    matches!(path.trim_end_matches('/'), "/oauth/token" | "/oauth/token/v2" | "/oauth2/token")
}
