//! The clients that are compiled in. Each reads lines and writes results, at the concurrency that it is told.

mod bare_hyper;
mod bare_reqwest;
mod library;

use crate::fault::Ended;

/// What every request of a bare loop carries. It stands for all that Keyway does about tokens.
const AUTHORIZATION: &str = "Bearer bench-token-of-forty-characters-or-so-00";

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Kind {
    Hyper,
    Reqwest,
    Library,
}

/// Runs a client to the end of its input.
pub(crate) fn run(kind: Kind, server: &str, concurrency: usize) -> Ended {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match kind {
            Kind::Hyper => bare_hyper::run(server, concurrency).await,
            Kind::Reqwest => bare_reqwest::run(server, concurrency).await,
            Kind::Library => library::run(server, concurrency).await,
        }
    })
}
