//! Browser sessions: the ticket in the cookie, and the record that it opens.
//!
//! Out of scope: how a session comes about ([`crate::signin`]).

mod cookie;
mod record;
mod ticket;

pub use cookie::{CookiePolicy, Cookies, SESSION_COOKIE};
pub use record::{SEEN_FOR, Session};
pub use ticket::{InvalidTicket, SessionId, Ticket, TicketHash};
