//! Keyway as a library: the same lines through [`Host::run`].

use std::io::{self, BufReader, BufWriter, Write};

use futures_util::{FutureExt, StreamExt, stream};
use keyway::{Credential, Host, Lines, MemoryStore};
use tokio::sync::mpsc;

use crate::{fault::Ended, peers::component_of};

pub(super) async fn run(server: &str, concurrency: usize) -> Ended {
    let folder = component_of(server)?;
    let host = Host::builder()
        .components_dir(folder.path())
        .token_store(MemoryStore::default())
        .concurrency(concurrency)
        .build()?;
    let client = [("BENCH_CLIENT_ID", "bench"), ("BENCH_CLIENT_SECRET", "bench-secret")];
    host.connect(Credential::from_vars("bench", client))?;

    let (sender, mut lines) = mpsc::channel(256);
    std::thread::spawn(move || {
        for line in Lines::new(BufReader::with_capacity(64 << 10, io::stdin()), 16 << 20) {
            if line.map_or(true, |line| sender.blocking_send(line).is_err()) {
                return;
            }
        }
    });
    let mut outcomes = host.run(stream::poll_fn(move |context| lines.poll_recv(context)));
    tokio::spawn(async move {
        let mut out = BufWriter::with_capacity(64 << 10, io::stdout());
        loop {
            let mut next = outcomes.next().now_or_never();
            if next.is_none() {
                // Whoever has work may do it once before what there is goes out.
                tokio::task::yield_now().await;
                next = outcomes.next().now_or_never();
            }
            let outcome = match next {
                Some(outcome) => outcome,
                None => {
                    out.flush()?;
                    outcomes.next().await
                }
            };
            match outcome {
                Some(outcome) => outcome.write_line(&mut out)?,
                None => return out.flush(),
            }
        }
    })
    .await??;
    Ok(())
}
