//! The HTTP contract: one table of routes, two routers, one table from refusal to answer.

mod body;
mod budget_notice;
mod context;
mod control;
mod credential;
mod csrf;
mod cursor;
mod front;
mod health;
mod instructions;
mod json;
mod problem;
mod query;
mod respond;
mod routes;

pub use context::{PeerAddress, RequestContext};
pub use control::{MAX_ANSWER, RemoteControl, control_router, remote_control_router};
pub use credential::{CredentialError, bearer, shows};
pub use csrf::is_own_page;
pub use front::{Compressible, Front, front_router, unserved};
pub use problem::{Dialect, Kind, Problem};
pub use routes::{ControlEndpoint, Endpoint, FrontEndpoint, Gate, ROUTES, Route};
