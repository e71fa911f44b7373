use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::behaviour::{Manner, NO_STAMP};
use super::reply::{Body, Events, Reply};
use super::request;
use super::shared::Shared;

/// What becomes of a connection after an answer.
#[derive(Debug, PartialEq, Eq)]
enum After {
    Keep,
    Close,
}

/// Serves one connection until either side has enough.
pub(super) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = request::read(&mut stream, &mut buffer).await? {
        let reply = shared.reply(&request);
        let close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
        let (mut reader, mut writer) = stream.split();
        let sent = tokio::select! {
            biased;
            sent = send(&mut writer, reply) => sent,
            error = gone(&mut reader, &mut buffer) => Err(error),
        };
        match sent {
            Ok(after) => {
                shared.record().complete();
                if close || after == After::Close {
                    return Ok(());
                }
            }
            Err(error) => {
                shared.record().abort();
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Returns once the caller has gone away; keeps what it sent before.
async fn gone(reader: &mut ReadHalf<'_>, buffer: &mut Vec<u8>) -> io::Error {
    loop {
        match reader.read_buf(buffer).await {
            Ok(0) => return io::ErrorKind::ConnectionAborted.into(),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

async fn send(writer: &mut WriteHalf<'_>, reply: Reply) -> io::Result<After> {
    match reply {
        Reply::Raw { bytes, manner } => {
            wait(&manner).await;
            writer.write_all(&bytes).await?;
            Ok(After::Close)
        }
        Reply::Http { mut head, body: Body::Whole(body), manner } => {
            write!(head, "content-length: {}\r\n\r\n", body.len()).expect("a text takes any text");
            if plain(&manner) {
                let mut bytes = head.into_bytes();
                bytes.extend_from_slice(&body);
                writer.write_all(&bytes).await?;
                return Ok(After::Keep);
            }
            wait(&manner).await;
            writer.write_all(head.as_bytes()).await?;
            events(writer, Box::new(std::iter::once(body.to_vec())), &manner, false).await
        }
        Reply::Http { mut head, body: Body::Events(stream), manner } => {
            head.push_str("cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n");
            wait(&manner).await;
            writer.write_all(head.as_bytes()).await?;
            events(writer, stream, &manner, true).await
        }
    }
}

fn plain(manner: &Manner) -> bool {
    let Manner { hold, stalls, cut_after, pace, pieces, stamp } = manner;
    hold.is_none() && stalls.is_empty() && cut_after.is_none() && pace.is_zero() && pieces.is_none() && !stamp
}

async fn wait(manner: &Manner) {
    if let Some(gate) = &manner.hold {
        gate.pass().await;
    }
}

async fn events(writer: &mut WriteHalf<'_>, events: Events, manner: &Manner, chunked: bool) -> io::Result<After> {
    let mut sent = 0;
    let mut events = events;
    loop {
        for (_, gate) in manner.stalls.iter().filter(|(after, _)| *after == sent) {
            gate.pass().await;
        }
        if manner.cut_after == Some(sent) {
            return Ok(After::Close);
        }
        let Some(mut event) = events.next() else { break };
        if !manner.pace.is_zero() {
            tokio::time::sleep(manner.pace).await;
        }
        if manner.stamp {
            stamp(&mut event);
        }
        for piece in event.chunks(manner.pieces.unwrap_or(event.len()).max(1)) {
            let framed = if chunked { frame(piece) } else { piece.to_vec() };
            writer.write_all(&framed).await?;
        }
        sent += 1;
    }
    if chunked {
        writer.write_all(b"0\r\n\r\n").await?;
    }
    Ok(After::Keep)
}

/// Writes the time into an event that has a place for it.
fn stamp(event: &mut [u8]) {
    let length = NO_STAMP.len();
    let Some(place) = event.windows(length).position(|window| window == NO_STAMP.as_bytes()) else { return };
    #[expect(clippy::disallowed_methods, reason = "who reads it compares it with the clock of the same machine")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    event[place..place + length].copy_from_slice(format!("@{now:019}").as_bytes());
}

fn frame(piece: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:x}\r\n", piece.len()).into_bytes();
    framed.extend_from_slice(piece);
    framed.extend_from_slice(b"\r\n");
    framed
}
