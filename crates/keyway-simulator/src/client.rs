//! Asks a running simulator what it stands for.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::server::Demo;

/// The most bytes that are read of an answer.
const MAX_BYTES: u64 = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Origins and demo accounts of the simulator at `http://127.0.0.1:PORT`.
///
/// # Errors
/// Nothing answers there, or something that is no simulator.
pub async fn ask(url: &str) -> io::Result<Demo> {
    tokio::time::timeout(TIMEOUT, get(url)).await.map_err(|_| io::Error::other("it does not answer"))?
}

async fn get(url: &str) -> io::Result<Demo> {
    let url = url::Url::parse(url).map_err(io::Error::other)?;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let request = format!("GET /_simulator HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(MAX_BYTES).read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    serde_json::from_str(body).map_err(|_| io::Error::other("what answers there is no simulator"))
}
