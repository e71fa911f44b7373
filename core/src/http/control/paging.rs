//! Pages of lists: what is asked for, and where the next one begins.

use crate::control::{Authority, Control};
use crate::http::cursor::CursorSeal;
use crate::http::{Kind, Problem};
use crate::ports::{Cursor, PageRequest};

/// Rows of a page when none are asked for.
const DEFAULT_LIMIT: u32 = 50;

/// Most rows of a page.
const MAX_LIMIT: u32 = 200;

/// One page of one list.
pub(super) struct Paging {
    seal: CursorSeal,
    /// What is asked for.
    pub(super) page: PageRequest,
}

impl Paging {
    /// Reads which page is asked for. A cursor is good for the same `list`, with the same filters, and for the same `owner` only.
    pub(super) fn of<A: Authority>(
        control: &Control<A>,
        list: &str,
        owner: &str,
        limit: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Self, Problem> {
        let seal = CursorSeal::new(&control.cursor_secrets(), list, owner);
        let seal = seal.ok_or_else(|| Problem::new(Kind::Internal, "The list cannot be paged."))?;
        let foreign = || Problem::new(Kind::Invalid, "The cursor is not one of this list's.");
        let cursor = cursor.map(|text| seal.open(text).ok_or_else(foreign)).transpose()?;
        Ok(Self { page: PageRequest { limit: page_limit(limit)?, cursor }, seal })
    }

    /// Returns what a client asks for the next page with.
    pub(super) fn next(&self, cursor: Option<&Cursor>) -> Option<String> {
        cursor.map(|cursor| self.seal.seal(cursor))
    }
}

fn page_limit(text: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = text else { return Ok(DEFAULT_LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| Problem::new(Kind::Invalid, format!("limit must be between 1 and {MAX_LIMIT}.")))
}
