//! A fast API that fails at random and counts what it is sent. It speaks just enough HTTP for that.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Random numbers from a seed (splitmix64): the same seed, the same numbers.
pub struct Random(u64);

/// An API for `POST /api/item/N` with the key `key-N`, and its token endpoint. Dropped, it takes no more connections.
pub struct Flaky {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    seed: u64,
    requests: AtomicU64,
    told: watch::Sender<u64>,
    /// How often each item was asked for.
    times: Vec<AtomicU32>,
    failed: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

#[derive(Clone, Copy)]
enum Fate {
    Good,
    Slow,
    Status(u16),
    Throttled,
    Reset,
    Cut,
}

// === impl Random ===

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

// === impl Flaky ===

impl Flaky {
    /// Starts one for items up to this number.
    pub async fn start(items: u64, seed: u64) -> Self {
        let state = Arc::new(State {
            seed,
            requests: AtomicU64::new(0),
            told: watch::Sender::new(0),
            times: (0..=items).map(|_| AtomicU32::new(0)).collect(),
            failed: AtomicU64::new(0),
            wrong: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move { state.serve(stream).await });
            }
        });
        Self { url, state, task }
    }

    /// How many requests for items it has got, as it gets them.
    pub fn requests(&self) -> watch::Receiver<u64> {
        self.state.told.subscribe()
    }

    /// How many it failed on purpose.
    pub fn failed(&self) -> u64 {
        self.state.failed.load(Ordering::Relaxed)
    }

    /// How often it was asked for an item.
    pub fn times(&self, item: u64) -> u32 {
        self.state.times[item as usize].load(Ordering::Relaxed)
    }

    /// What it was sent that it must not be sent.
    pub fn wrong(&self) -> Vec<String> {
        self.state.wrong.lock().unwrap().clone()
    }
}

impl Drop for Flaky {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl State ===

impl State {
    /// Serves one connection to its end, whatever that is.
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let _ = stream.set_nodelay(true);
        let mut buffer = Vec::with_capacity(4096);
        loop {
            let head = loop {
                if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                    break end + 4;
                }
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            };
            let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
            let length = header(&text, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
            while buffer.len() < head + length {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
            buffer.drain(..head + length);
            let path = text.split(' ').nth(1).unwrap_or_default();
            if path == "/token" {
                let token = r#"{"access_token":"a-token","token_type":"Bearer","expires_in":3600}"#;
                stream.write_all(answer(200, "", token).as_bytes()).await?;
                continue;
            }
            let fate = self.note(path, &text);
            if !matches!(fate, Fate::Good | Fate::Slow) {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            let answer = match fate {
                Fate::Good => answer(200, "", "{\"ok\":true}"),
                Fate::Slow => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    answer(200, "", "{\"ok\":true}")
                }
                Fate::Status(status) => answer(status, "", "{}"),
                Fate::Throttled => answer(429, "retry-after: 0\r\n", "{}"),
                Fate::Reset => {
                    // With nothing left to wait for, closing is a reset.
                    stream.set_zero_linger()?;
                    return Ok(());
                }
                Fate::Cut => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"o").await?;
                    return Ok(());
                }
            };
            stream.write_all(answer.as_bytes()).await?;
        }
    }

    /// Notes a request and decides what becomes of it.
    fn note(&self, path: &str, head: &str) -> Fate {
        let nth = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let item = path.strip_prefix("/api/item/").and_then(|item| item.parse::<usize>().ok());
        let key = header(head, "idempotency-key").unwrap_or_default();
        match item.and_then(|item| Some((item, self.times.get(item)?))) {
            Some((item, times)) if key == format!("key-{item}") => _ = times.fetch_add(1, Ordering::Relaxed),
            _ => self.wrong.lock().unwrap().push(format!("{path} with the key `{key}`")),
        }
        self.told.send_replace(nth);
        match Random::new(self.seed ^ nth.wrapping_mul(0x2545_f491_4f6c_dd1d)).below(1000) {
            0..15 => Fate::Status(500),
            15..30 => Fate::Status(503),
            30..32 => Fate::Throttled,
            32..47 => Fate::Reset,
            47..60 => Fate::Cut,
            60..65 => Fate::Slow,
            _ => Fate::Good,
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let pairs = head.lines().filter_map(|line| line.split_once(':'));
    pairs.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}")
}
