use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use url::Url;

use super::command::Command;
use super::reply::Reply;

/// Where a Redis server listens unless its address says otherwise.
const PORT: u16 = 6379;

/// Where the server is, and how long it may take.
#[derive(Debug, Clone)]
pub(crate) struct Redis {
    address: (String, u16),
    password: Option<String>,
    deadline: Duration,
}

/// Why the server has not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error("redis is unavailable")]
    Unreachable(#[from] io::Error),
    #[error("redis refuses the password")]
    Refused,
    #[error("redis did not answer in time")]
    Late,
}

impl Redis {
    /// Returns how to reach the server at `redis://host:port`, or `None` if that is no such address.
    pub(crate) fn new(url: &str, password: Option<String>, deadline: Duration) -> Option<Self> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "redis")?;
        let address = (url.host_str()?.to_owned(), url.port().unwrap_or(PORT));
        Some(Self { address, password, deadline })
    }

    /// Sends the commands in one piece, over a connection of their own, and returns as many replies.
    ///
    /// # Errors
    ///
    /// - [`Unavailable`] if not all replies came before the deadline. The commands may have been executed.
    pub(crate) async fn ask(&self, commands: &[&Command]) -> Result<Vec<Reply>, Unavailable> {
        tokio::time::timeout(self.deadline, self.exchange(commands)).await.unwrap_or(Err(Unavailable::Late))
    }

    async fn exchange(&self, commands: &[&Command]) -> Result<Vec<Reply>, Unavailable> {
        let (host, port) = &self.address;
        let mut stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        let (reading, mut writing) = stream.split();
        let mut reading = BufReader::new(reading);
        if let Some(password) = &self.password {
            let auth = Command(vec!["AUTH".into(), password.clone().into()]);
            writing.write_all(&written(&[&auth])).await?;
            if let Reply::Error(_) = read(&mut reading).await? {
                return Err(Unavailable::Refused);
            }
        }
        // Both at once, as neither side reads without end what the other does not fetch.
        let (sent, replies) = tokio::join!(async { writing.write_all(&written(commands)).await }, async {
            let mut replies = Vec::with_capacity(commands.len());
            for _ in commands {
                replies.push(read(&mut reading).await?);
            }
            io::Result::Ok(replies)
        },);
        sent?;
        Ok(replies?)
    }
}

fn written(commands: &[&Command]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Command(arguments) in commands {
        bytes.extend(format!("*{}\r\n", arguments.len()).into_bytes());
        for argument in arguments {
            bytes.extend(format!("${}\r\n", argument.len()).into_bytes());
            bytes.extend_from_slice(argument);
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes
}

async fn read(stream: &mut (impl AsyncBufRead + Unpin + Send)) -> io::Result<Reply> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await?;
    let (kind, rest) = line.strip_suffix(b"\r\n").and_then(<[u8]>::split_first).ok_or_else(no_reply)?;
    Ok(match kind {
        b'+' => Reply::Status(rest.to_vec()),
        b'-' => Reply::Error(rest.to_vec()),
        b':' => Reply::Integer(number(rest)?),
        b'$' => match usize::try_from(number(rest)?) {
            Ok(length) => Reply::Bulk(bulk(stream, length).await?),
            Err(_) => Reply::Nil,
        },
        b'*' => match usize::try_from(number(rest)?) {
            Ok(length) => {
                let mut replies = Vec::new();
                for _ in 0..length {
                    replies.push(Box::pin(read(&mut *stream)).await?);
                }
                Reply::Array(replies)
            }
            Err(_) => Reply::Nil,
        },
        _ => return Err(no_reply()),
    })
}

async fn bulk(stream: &mut (impl AsyncBufRead + Unpin), length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length + 2];
    stream.read_exact(&mut bytes).await?;
    bytes.truncate(length);
    Ok(bytes)
}

fn number(digits: &[u8]) -> io::Result<i64> {
    str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or_else(no_reply)
}

fn no_reply() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no reply of Redis")
}
