//! A proxy that connects every name to one place, or does what proxies do on bad days.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A proxy on a free port of 127.0.0.1. Dropped, it takes no more connections.
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

/// One request that it got.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `CONNECT host:port`, or a method with an absolute URL.
    pub what: String,
    /// The whole head.
    pub head: String,
}

/// What it does with a request.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Connects to this port of this machine, whatever it was asked for.
    Lead(u16),
    /// Answers with this status.
    Refuse(u16),
    /// Says nothing at all.
    Hang,
    /// Closes without a word.
    Close,
    /// Says that it is connected, and closes.
    CloseAfterwards,
    /// Says that it is connected, and answers in clear what was meant for somebody else.
    Lie,
    /// Says something that is no HTTP.
    Babble,
}

// === impl Proxy ===

impl Proxy {
    /// One that leads all to this port.
    pub async fn to(port: u16) -> Self {
        Self::start(move |_| Manner::Lead(port)).await
    }

    /// One that decides by what it is asked.
    pub async fn start(manner: impl Fn(&Asked) -> Manner + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", manner).await
    }

    /// One that listens at all addresses of this machine.
    pub async fn everywhere(manner: impl Fn(&Asked) -> Manner + Send + Sync + 'static) -> Self {
        Self::at("0.0.0.0:0", manner).await
    }

    async fn at(address: &str, manner: impl Fn(&Asked) -> Manner + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.expect("this machine has free ports");
        let address = listener.local_addr().expect("it is bound");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (record, manner) = (Arc::clone(&asked), Arc::new(manner));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (record, manner) = (Arc::clone(&record), Arc::clone(&manner));
                tokio::spawn(async move {
                    let mut stream = stream;
                    let head = read_head(&mut stream).await?;
                    let what = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
                    let asked = Asked { what, head };
                    let manner = manner(&asked);
                    record.lock().unwrap().push(asked);
                    serve(stream, manner).await
                });
            }
        });
        Self { address, asked, task }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its URL with a user and a password, percent-encoded.
    pub fn url_for(&self, user: &str) -> String {
        format!("http://{user}@{}", self.address)
    }

    /// What it was asked for, each once and sorted.
    pub fn asked(&self) -> Vec<String> {
        let mut asked: Vec<String> = self.heads().into_iter().map(|asked| asked.what).collect();
        asked.sort();
        asked.dedup();
        asked
    }

    /// All requests.
    pub fn heads(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // Not a byte more: what comes behind the head belongs to somebody else.
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn serve(mut stream: TcpStream, manner: Manner) -> io::Result<()> {
    const CONNECTED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
    match manner {
        Manner::Lead(port) => {
            let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.write_all(CONNECTED).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut server).await?;
        }
        Manner::Refuse(status) => {
            let ask = if status == 407 { "proxy-authenticate: Basic realm=\"proxy\"\r\n" } else { "" };
            let page = "<html>no</html>";
            let length = page.len();
            let answer = format!("HTTP/1.1 {status} No\r\n{ask}content-length: {length}\r\n\r\n{page}");
            stream.write_all(answer.as_bytes()).await?;
        }
        Manner::Hang => std::future::pending().await,
        Manner::Close => {}
        Manner::CloseAfterwards => {
            stream.write_all(CONNECTED).await?;
            // What the client says first is taken, so that closing is no reset.
            let _ = stream.read(&mut [0; 4096]).await?;
        }
        Manner::Lie => {
            stream.write_all(CONNECTED).await?;
            let _ = stream.read(&mut [0; 4096]).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await?;
        }
        Manner::Babble => stream.write_all(b"220 mail.example ESMTP\r\n").await?,
    }
    Ok(())
}
