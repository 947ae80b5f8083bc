//! Names looked up, and only permitted addresses let through: a connection uses exactly what was checked, so that no
//! second look-up can lead elsewhere.

use std::{
    error::Error,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower_service::Service;

use crate::address_guard::AddressGuard;

/// Looks names up for both forms of client.
#[derive(Clone)]
pub(crate) struct GuardedResolver(pub(crate) AddressGuard);

/// A name that could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct LookUpFailed(io::Error);

type Failed = Box<dyn Error + Send + Sync>;
type Found = Pin<Box<dyn Future<Output = Result<vec::IntoIter<SocketAddr>, Failed>> + Send>>;

// === impl GuardedResolver ===

impl GuardedResolver {
    async fn look_up(self, host: String) -> Result<vec::IntoIter<SocketAddr>, Failed> {
        let found = tokio::net::lookup_host((host.as_str(), 0)).await.map_err(LookUpFailed)?;
        let (mut permitted, mut refused) = (Vec::new(), None);
        for address in found {
            match self.0.check(&host, address.ip()) {
                Ok(()) => permitted.push(address),
                Err(why) => refused = Some(why),
            }
        }
        match refused {
            Some(why) if permitted.is_empty() => Err(why.into()),
            _ => Ok(permitted.into_iter()),
        }
    }
}

impl Service<dns::Name> for GuardedResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Failed;
    type Future = Found;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Found {
        Box::pin(self.clone().look_up(name.as_str().to_owned()))
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.clone().look_up(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(found.await?) as Addrs) })
    }
}
