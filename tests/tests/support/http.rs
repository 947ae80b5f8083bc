//! The smallest HTTP client: one request to loopback, on a connection of its own.

use std::{fmt, io};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use url::{Position, Url};

pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A request that is on its way.
pub struct Sent(TcpStream);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Connects and sends a request, without waiting for its answer.
pub async fn begin(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Sent> {
    let url = Url::parse(url).expect("a URL");
    let addresses = url.socket_addrs(|| None).expect("an address");
    let mut stream = TcpStream::connect(&addresses[..]).await?;
    let (host, path) =
        (&url[Position::BeforeHost..Position::AfterPort], &url[Position::BeforePath..Position::AfterQuery]);
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await?;
    Ok(Sent(stream))
}

/// Sends a request and waits for its answer.
pub async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
    begin(method, url, headers, body).await?.answer().await
}

/// A GET to a server that is there.
pub async fn get(url: impl AsRef<str>) -> Answer {
    let url = url.as_ref();
    send("GET", url, &[], "").await.unwrap_or_else(|error| panic!("{url} does not answer: {error}"))
}

/// A POST of a form to a server that is there.
pub async fn post(url: &str, form: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    send("POST", url, &[FORM], &body).await.unwrap_or_else(|error| panic!("{url} does not answer: {error}"))
}

impl Sent {
    /// Its answer.
    pub async fn answer(self) -> io::Result<Answer> {
        let mut stream = BufReader::new(self.0);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status line: {line:?}")))?;
        let mut headers = Vec::new();
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        // Some servers keep the connection open whatever they are asked for.
        match answer.header("content-length").parse() {
            Ok(length) => {
                answer.body.resize(length, 0);
                stream.read_exact(&mut answer.body).await?;
            }
            Err(_) => _ = stream.read_to_end(&mut answer.body).await?,
        }
        Ok(answer)
    }
}

impl Answer {
    /// A header's value, empty without one.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|header| header.0 == name).map_or("", |header| &header.1)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// What stands in the page's `<h1>`.
    #[track_caller]
    pub fn h1(&self) -> &str {
        let inside = || self.text().split_once("<h1>")?.1.split_once("</h1>");
        inside().unwrap_or_else(|| panic!("no <h1>: {self}")).0.trim()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{}", String::from_utf8_lossy(&self.body))
    }
}
