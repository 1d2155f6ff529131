//! Connections to applications that checks and collectors have in common, with bounds on what is read of them.

pub(crate) mod kafka;
pub(crate) mod mysql;
pub(crate) mod postgresql;
mod scram;
pub(crate) mod web;
pub(crate) mod wire;

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

use crate::check::Said;

/// Why there is no session of a database.
pub(crate) struct Refused {
    /// In words.
    pub(crate) said: Said,
    /// Whether all connections are taken.
    pub(crate) full: bool,
}

impl From<Said> for Refused {
    fn from(said: Said) -> Self {
        Self { said, full: false }
    }
}

/// Bytes that one round of questions may bring.
pub(crate) const MOST: u64 = 16 * 1024 * 1024;

/// What is still read of a connection before it is given up; filled up again before each round.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(MOST)))
    }

    /// For what is counted elsewhere.
    pub(crate) fn endless() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// A new round begins.
    pub(crate) fn refill(&self) {
        self.0.store(MOST, Ordering::Relaxed);
    }
}

/// What a client library speaks over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that breaks when more is read than is allowed: libraries take in whatever a server sends.
pub(crate) struct Bounded {
    inner: Box<dyn Stream>,
    left: Allowance,
}

impl Bounded {
    pub(crate) fn new(inner: Box<dyn Stream>, left: Allowance) -> Self {
        Self { inner, left }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let left = this.left.0.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::Error::other(format!("an answer of more than {MOST} bytes"))));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        let read = (buffer.filled().len() - before) as u64;
        this.left.0.store(left.saturating_sub(read), Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

/// A task that drives a connection, and ends with whoever has it: a server that never answers leaves nothing behind.
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) {
        // One that panicked has ended, too.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does something in which a library may panic over an odd answer; `None` if it did. What it had is given up with it, and
/// whoever asked goes on.
pub(crate) async fn guarded<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = Box::pin(work);
    // After a panic the work is not polled again, so nobody sees what it left half done.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_panic_ends_the_work_and_not_the_task() {
        let broken = async {
            tokio::task::yield_now().await;
            assert_eq!(1, 2, "as a library does over an odd answer");
        };
        assert_eq!(guarded(broken).await, None);
        assert_eq!(guarded(async { 5 }).await, Some(5));
    }

    #[tokio::test]
    async fn a_connection_breaks_at_its_allowance_and_goes_on_after_a_refill() {
        let allowance = Allowance::new();
        let mut stream =
            Bounded::new(Box::new(tokio::io::join(tokio::io::repeat(1), tokio::io::sink())), allowance.clone());
        let mut buffer = vec![0; 64 * 1024];
        let mut read = 0;
        let error = loop {
            match stream.read(&mut buffer).await {
                Ok(length) => read += length as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::Other);
        assert!((MOST..=MOST + 64 * 1024).contains(&read), "{read}");
        allowance.refill();
        assert!(stream.read(&mut buffer).await.is_ok());
    }
}
