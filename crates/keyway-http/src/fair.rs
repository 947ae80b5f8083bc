//! A connection that lets others have their turn.
//!
//! hyper reads on as long as there is something, and some of what a server may send is never an answer: `1xx` without
//! end, a chunk's size of a million zeros. Such a connection would keep a worker to itself.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tower_service::Service;

use crate::resolver::GuardedResolver;

/// So many bytes are read in one go.
const TURN_BYTES: usize = 64 << 10;

/// Connects over TCP.
#[derive(Clone)]
pub(crate) struct FairTcp(pub(crate) HttpConnector<GuardedResolver>);

/// A connection, and how much was read of it in this turn.
pub(crate) struct Fair {
    stream: TcpStream,
    read: usize,
}

type Connecting<E> = Pin<Box<dyn Future<Output = Result<TokioIo<Fair>, E>> + Send>>;

// === impl FairTcp ===

impl Service<Uri> for FairTcp {
    type Response = TokioIo<Fair>;
    type Error = <HttpConnector<GuardedResolver> as Service<Uri>>::Error;
    type Future = Connecting<Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { Ok(TokioIo::new(Fair { stream: connecting.await?.into_inner(), read: 0 })) })
    }
}

// === impl Fair ===

impl Connection for Fair {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl AsyncRead for Fair {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read >= TURN_BYTES {
            this.read = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        match polled {
            Poll::Ready(_) => this.read += buffer.filled().len() - before,
            Poll::Pending => this.read = 0,
        }
        polled
    }
}

impl AsyncWrite for Fair {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
