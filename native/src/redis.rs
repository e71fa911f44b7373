//! The way to a Redis server: one connection that everybody shares, over TCP or TLS.
//!
//! Commands are sent as they come and answered in turn. A connection that breaks is made anew in the background; what was
//! under way is unavailable, and so is what is asked meanwhile.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gateway_core::config::RedisServer;
use gateway_core::ports::Unavailable;
use gateway_core::redis::{Reply, Transport};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, Cmd, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, RedisError, Value};
use secrecy::ExposeSecret as _;

/// What the server is called in errors.
const NAME: &str = "redis";

/// How long one attempt to connect may take: a few round trips, with TLS.
const CONNECT: Duration = Duration::from_secs(2);

/// The longest pause between two attempts to connect, so that a server that is back is soon used again.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long the other side may leave bytes unacknowledged, or a probe unanswered, before the connection counts as broken.
const SILENCE: Duration = Duration::from_secs(5);

/// A connection to one Redis server. Clones share it.
#[derive(Clone)]
pub struct RedisTransport {
    connection: Arc<RwLock<Numbered>>,
    client: Client,
    deadline: Duration,
}

/// A connection that makes itself anew when it breaks, and how many were given up before it.
#[derive(Clone)]
struct Numbered {
    manager: ConnectionManager,
    number: u64,
}

impl RedisTransport {
    /// Connects, trying for a few seconds. Each command has `deadline` to be answered.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server is not there or does not take our password.
    pub async fn connect(server: &RedisServer, deadline: Duration) -> Result<Self, ConnectError> {
        let failed = |source| ConnectError { server: server.to_string(), source };
        let client = client(server).map_err(failed)?;
        let mut manager = ConnectionManager::new_with_config(client.clone(), patience()).await.map_err(failed)?;
        // A server lets everybody in, and refuses then what they ask for.
        let answer = manager.send_packed_command(&redis::cmd("PING")).await;
        answer.and_then(Value::extract_error).map_err(failed)?;
        let connection = Arc::new(RwLock::new(Numbered { manager, number: 0 }));
        Ok(Self { connection, client, deadline })
    }

    fn connection(&self) -> Numbered {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connects anew for the next command, unless somebody has seen to it.
    fn renew(&self, number: u64) {
        let mut connection = self.connection.write().unwrap_or_else(PoisonError::into_inner);
        if connection.number == number {
            match ConnectionManager::new_lazy_with_config(self.client.clone(), patience()) {
                Ok(manager) => *connection = Numbered { manager, number: number + 1 },
                Err(error) => tracing::error!(%error, "no other connection to redis can be made"),
            }
        }
    }
}

fn patience() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(None)
        .set_max_delay(LONGEST_PAUSE)
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the redis server {server}")]
pub struct ConnectError {
    server: String,
    source: RedisError,
}

fn client(server: &RedisServer) -> Result<Client, RedisError> {
    let (host, port) = (server.host.clone(), server.port);
    let address = if server.tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    };
    let mut login = RedisConnectionInfo::default().set_db(server.database);
    if let Some(username) = &server.username {
        login = login.set_username(username);
    }
    if let Some(password) = &server.password {
        login = login.set_password(password.expose_secret());
    }
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(SILENCE);
    Client::open(address.into_connection_info()?.set_tcp_settings(settings).set_redis_settings(login))
}

impl Transport for RedisTransport {
    async fn send(&self, command: &[String]) -> Result<Reply, Unavailable> {
        let mut packed = Cmd::with_capacity(command.len(), command.iter().map(String::len).sum());
        for argument in command {
            packed.arg(argument);
        }
        let Numbered { mut manager, number } = self.connection();
        let answer = tokio::time::timeout(self.deadline, manager.send_packed_command(&packed));
        let answer = answer.await.map_err(|_| Unavailable::timed_out(NAME))?;
        let is_over = match &answer {
            // A server that was the primary one: its name leads to another by now.
            Ok(Value::ServerError(error)) => error.code() == "READONLY",
            Ok(_) => false,
            // The manager makes anew what broke, and keeps for good what was refused when it connected.
            Err(error) => !error.is_io_error(),
        };
        if is_over {
            self.renew(number);
        }
        reply(answer.map_err(|error| Unavailable::new(NAME, error))?)
    }
}

impl fmt::Debug for RedisTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RedisTransport").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

fn reply(value: Value) -> Result<Reply, Unavailable> {
    match value {
        Value::Nil => Ok(Reply::Nil),
        Value::Int(number) => Ok(Reply::Integer(number)),
        Value::Okay => Ok(Reply::Text("OK".to_owned())),
        Value::SimpleString(text) => Ok(Reply::Text(text)),
        Value::BulkString(bytes) => {
            String::from_utf8(bytes).map(Reply::Text).map_err(|error| Unavailable::new(NAME, error.utf8_error()))
        }
        Value::Array(values) => values.into_iter().map(reply).collect::<Result<_, _>>().map(Reply::List),
        Value::ServerError(error) => {
            Ok(Reply::Error(format!("{} {}", error.code(), error.details().unwrap_or_default())))
        }
        _ => Err(Unavailable::new(NAME, "it replied in another protocol")),
    }
}
