//! A bare reqwest loop: one client, and a header that never changes.

use futures_util::{StreamExt, stream};
use http::header;
use tokio::sync::mpsc;

use super::AUTHORIZATION;
use crate::{
    fault::Ended,
    input::{self, Answer, Line},
};

pub(super) async fn run(server: &str, concurrency: usize) -> Ended {
    // The one that is compiled in. A second call would fail, and there is none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
    let mut lines = input::lines();
    let (results, written) = mpsc::channel(1024);
    let writer = tokio::spawn(input::write_all(written));
    let mut done = stream::poll_fn(|context| lines.poll_recv(context))
        .map(|line| {
            let (client, base) = (client.clone(), server.to_owned());
            async move { tokio::spawn(async move { one(&client, &base, &line).await }).await? }
        })
        .buffer_unordered(concurrency);
    while let Some(result) = done.next().await {
        if results.send(result?).await.is_err() {
            break;
        }
    }
    drop(done);
    drop(results);
    Ok(writer.await??)
}

async fn one(client: &reqwest::Client, base: &str, line: &Line) -> Ended<Vec<u8>> {
    let response = client
        .request(line.method(), format!("{base}/api{}", line.url))
        .header(header::AUTHORIZATION, AUTHORIZATION)
        .header(header::CONTENT_TYPE, "application/json")
        .body(line.body())
        .send()
        .await?;
    let answer = Answer { status: response.status().as_u16(), body: response.bytes().await? };
    Ok(line.result(&answer)?)
}
