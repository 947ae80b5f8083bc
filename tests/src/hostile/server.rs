//! The server: one raw listener that answers by path, as the cases say.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
};

use super::{
    answer::{Answer, End, Step, json},
    request::Request,
    secrets::ACCESS_TOKEN,
};

/// No connection is held open for longer: every case ends before that.
const LONGEST_HOLD: Duration = Duration::from_secs(30);

/// A server on a free port of 127.0.0.1. Dropped, it stops.
pub struct Hostile {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What a connection meets before it has said anything.
#[derive(Debug, Clone)]
pub enum OnAccept {
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
    /// It is never heard.
    Silence,
    /// This is said to it, and it is closed.
    Say(Bytes),
    /// This is said to it, and its requests are answered as always.
    Greet(Bytes),
}

#[derive(Default)]
pub(super) struct Shared {
    answers: Mutex<HashMap<String, Vec<Answer>>>,
    seen: Mutex<Vec<Request>>,
    /// What stands for each place of an answer.
    places: Mutex<Vec<(&'static str, String)>>,
    on_accept: Mutex<VecDeque<OnAccept>>,
    tokens: AtomicUsize,
    /// Rung with every request.
    asked: Notify,
    /// Connections that are over.
    ended: watch::Sender<usize>,
}

// === impl Hostile ===

impl Hostile {
    /// Starts a server that answers well until it is told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let shared = Arc::new(Shared::default());
        shared.places().push(("@SELF@", url.clone()));
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("it is bound");
                while connections.try_join_next().is_some() {}
                let served = Arc::clone(&served);
                connections.spawn(async move {
                    Arc::clone(&served).connection(stream).await;
                    served.ended.send_modify(|ended| *ended += 1);
                });
            }
        });
        Self { url, shared, task }
    }

    /// From now on this path is answered so, in turn; the last answer goes on.
    pub fn answer(&self, path: impl Into<String>, answers: Vec<Answer>) {
        self.shared.answers.lock().expect("no answer panics").insert(path.into(), answers);
    }

    /// From now on this stands for a place in answers.
    pub fn place(&self, name: &'static str, value: impl Into<String>) {
        self.shared.places().push((name, value.into()));
    }

    /// The next connections meet this, one each.
    pub fn on_accept(&self, plans: Vec<OnAccept>) {
        *self.shared.on_accept.lock().expect("no answer panics") = plans.into();
    }

    /// Waits until the next request has come.
    pub async fn changed(&self) {
        self.shared.asked.notified().await;
    }

    /// Waits until so many connections are over.
    pub async fn ended(&self, count: usize) {
        let mut ended = self.shared.ended.subscribe();
        ended.wait_for(|ended| *ended >= count).await.expect("the server is there");
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Request> {
        self.shared.seen.lock().expect("no answer panics").clone()
    }

    /// The requests whose path is this, or lies below it.
    pub fn seen_at(&self, path: &str) -> Vec<Request> {
        let below = |found: &str| found.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.seen().into_iter().filter(|request| below(request.path())).collect()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Shared ===

impl Shared {
    fn places(&self) -> MutexGuard<'_, Vec<(&'static str, String)>> {
        self.places.lock().expect("no answer panics")
    }

    async fn connection(self: Arc<Self>, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let plan = self.on_accept.lock().expect("no answer panics").pop_front();
        match plan {
            Some(OnAccept::Close) => return,
            Some(OnAccept::Reset) => return drop(stream.set_zero_linger()),
            Some(OnAccept::Silence) => return wait_for_the_peer(&mut stream, LONGEST_HOLD).await,
            Some(OnAccept::Say(bytes)) => {
                let _ = stream.write_all(&bytes).await;
                return leave(stream).await;
            }
            Some(OnAccept::Greet(bytes)) => drop(stream.write_all(&bytes).await),
            None => {}
        }
        let mut buffer = BytesMut::new();
        while let Some(mut request) = Request::read_head(&mut stream, &mut buffer).await {
            let answer = self.chosen(request.path());
            if !answer.early && request.read_body(&mut stream, &mut buffer).await.is_none() {
                return;
            }
            self.seen.lock().expect("no answer panics").push(request.clone());
            self.asked.notify_one();
            let sent = self.send(&mut stream, &answer, &request).await;
            match answer.end {
                End::Keep if sent.is_some() => {}
                End::Reset => return drop(stream.set_zero_linger()),
                End::Hold => return wait_for_the_peer(&mut stream, LONGEST_HOLD).await,
                End::Close | End::Keep => return leave(stream).await,
            }
        }
    }

    fn chosen(&self, path: &str) -> Answer {
        let seen = self.seen.lock().expect("no answer panics");
        let nth = seen.iter().filter(|earlier| earlier.path() == path).count();
        drop(seen);
        let answers = self.answers.lock().expect("no answer panics");
        match answers.get(path) {
            Some(answers) => answers[nth.min(answers.len() - 1)].clone(),
            None if path.starts_with("/token") => self.good_token(),
            None => json(r#"{"good":true}"#),
        }
    }

    fn good_token(&self) -> Answer {
        let n = self.tokens.fetch_add(1, Ordering::Relaxed);
        json(format!(r#"{{"access_token":"{ACCESS_TOKEN}{n}","token_type":"Bearer","expires_in":3600}}"#))
    }

    /// `None` once nobody takes it any more.
    async fn send(&self, stream: &mut TcpStream, answer: &Answer, request: &Request) -> Option<()> {
        for step in &answer.steps {
            match step {
                Step::Send(bytes) => stream.write_all(bytes).await.ok()?,
                Step::Pause(pause) => tokio::time::sleep(*pause).await,
                Step::Repeat(bytes, times) => {
                    for _ in 0..*times {
                        stream.write_all(bytes).await.ok()?;
                    }
                }
                Step::Drip(bytes, pause) => {
                    for byte in bytes {
                        stream.write_all(&[*byte]).await.ok()?;
                        tokio::time::sleep(*pause).await;
                    }
                }
                Step::Page(head, body) => {
                    let head = self.filled(head, request);
                    let body = match std::str::from_utf8(body) {
                        Ok(text) if text.contains('@') => self.filled(text, request).into(),
                        _ => body.clone(),
                    };
                    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
                    let body = if request.method == "HEAD" { Bytes::new() } else { body };
                    stream.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
                }
            }
        }
        Some(())
    }

    fn filled(&self, text: &str, request: &Request) -> String {
        let places = self.places().clone().into_iter().chain(super::secrets::echoed(request));
        places.fold(text.to_owned(), |text, (place, value)| text.replace(place, &value))
    }
}

/// Ends in order: what was sent arrives before the end does.
async fn leave(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    wait_for_the_peer(&mut stream, Duration::from_secs(5)).await;
}

async fn wait_for_the_peer(stream: &mut TcpStream, longest: Duration) {
    let mut sink = vec![0; 16 << 10];
    let gone = async { while matches!(stream.read(&mut sink).await, Ok(read) if read > 0) {} };
    let _ = tokio::time::timeout(longest, gone).await;
}
