//! A bare hyper loop: a connection of its own for each of so many workers, and a header that never changes.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{Mutex, mpsc},
    task::JoinSet,
};

use super::AUTHORIZATION;
use crate::{
    fault::{Ended, Fault},
    input::{self, Answer, Line},
};

pub(super) async fn run(server: &str, concurrency: usize) -> Ended {
    let host: Arc<str> = server.trim_start_matches("http://").into();
    let lines = Arc::new(Mutex::new(input::lines()));
    let (results, written) = mpsc::channel(1024);
    let writer = tokio::spawn(input::write_all(written));
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let (host, lines, results) = (Arc::clone(&host), Arc::clone(&lines), results.clone());
        workers.spawn(async move {
            let mut connection = connect(&host).await?;
            loop {
                let line = lines.lock().await.recv().await;
                let Some(line) = line else { return Ended::Ok(()) };
                let answer = send(&mut connection, &host, &line).await?;
                if results.send(line.result(&answer)?).await.is_err() {
                    return Ok(());
                }
            }
        });
    }
    drop(results);
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(writer.await??)
}

async fn connect(host: &str) -> Ended<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn send(connection: &mut SendRequest<Full<Bytes>>, host: &str, line: &Line) -> Ended<Answer> {
    let request = Request::builder()
        .method(line.method())
        .uri(format!("/api{}", line.url))
        .header(header::HOST, host)
        .header(header::AUTHORIZATION, AUTHORIZATION)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(line.body()))?;
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(Fault::in_("reading an answer"))?.to_bytes();
    Ok(Answer { status, body })
}
