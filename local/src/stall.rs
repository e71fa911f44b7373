//! Connections whose peer has stopped reading.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a write may make no progress at all.
///
/// The network may be gone for that long and come back: TCP itself goes on for about a quarter of an hour. A client that
/// takes no byte for two minutes has stopped or means harm; until then it keeps a connection, and what its call holds.
pub(crate) const STALL: Duration = Duration::from_mins(2);

/// A connection whose writes fail once they have made no progress for [`STALL`].
///
/// Without this, a client that stops reading keeps its answer waiting for ever: nobody asks the answer for more, so that
/// not even its own limit of time comes to pass.
pub(crate) struct Stalling<T> {
    inner: T,
    /// Runs while a write waits.
    limit: Option<Pin<Box<Sleep>>>,
}

impl<T> Stalling<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self { inner, limit: None }
    }

    /// Passes on what became of a write, unless it waits for too long.
    fn limited<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.limit = None;
            return written;
        }
        let limit = self.limit.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
        limit.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stalling<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stalling<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.limited(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.limited(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn fails_writes_to_somebody_who_has_stopped_reading() {
        let (near, mut far) = duplex(4);
        let mut near = Stalling::new(near);
        #[expect(clippy::disallowed_methods, reason = "the clock is paused")]
        let began = Instant::now();
        let error = near.write_all(b"12345").await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, STALL));
        let mut taken = [0; 4];
        far.read_exact(&mut taken).await.unwrap();
        assert_eq!(&taken, b"1234", "what fitted was written");
    }

    #[tokio::test(start_paused = true)]
    async fn writes_to_somebody_who_reads_slowly() {
        let (near, mut far) = duplex(1);
        let mut near = Stalling::new(near);
        let writing = tokio::spawn(async move { near.write_all(b"slow").await });
        for letter in *b"slow" {
            tokio::time::sleep(STALL.saturating_sub(Duration::from_secs(1))).await;
            assert_eq!(far.read_u8().await.unwrap(), letter);
        }
        writing.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn leaves_connections_alone_on_which_nothing_is_written() {
        let (near, mut far) = duplex(1);
        let mut near = Stalling::new(near);
        near.write_all(b"a").await.unwrap();
        advance(STALL * 10).await;
        assert_eq!(far.read_u8().await.unwrap(), b'a');
        near.write_all(b"b").await.unwrap();
    }
}
