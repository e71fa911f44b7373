//! The audit log: `/api/admin/audit`, and the same as a table.

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::header::{HeaderValue, LINK};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::paging::Paging;
use super::{csv, unavailable};
use crate::control::{Actor, Administrator, AuditSearch, Authority, Control, NamedEntry};
use crate::http::{Problem, json, query};
use crate::ports::PageRequest;

/// How many entries are read at once for a table.
const ROWS: u32 = 200;

/// How often entries are read for one answer: a store that is slow gives less rather than nothing in time.
const MOST_PAGES: usize = 50;

const HEADER: &str = "time,actor,actor_email,action,target,target_email,detail,request_id,address\r\n";

/// What is asked for.
struct Asked {
    search: AuditSearch,
    paging: Paging,
    /// The filters, as they go into the address of the next page.
    filters: Vec<(&'static str, String)>,
}

/// `GET /api/admin/audit?actor=&target=&limit=&cursor=`: one page of entries, newest first.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let Asked { search, paging, .. } = asked(&control, &administrator, raw.as_deref())?;
    let page = control.audit_log(&search).await.map_err(|error| unavailable(&error, &actor))?;
    let entries: Vec<Value> = page.items.iter().map(describe).collect();
    Ok(json::answer(StatusCode::OK, &json!({"entries": entries, "next_cursor": paging.next(page.next.as_ref())})))
}

/// `GET /api/admin/audit.csv?actor=&target=&cursor=`: the entries as a table (RFC 4180). A header `Link` leads to what one answer
/// has no room for (RFC 8288).
pub(super) async fn export<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let Asked { mut search, paging, filters } = asked(&control, &administrator, raw.as_deref())?;
    let mut table = HEADER.to_owned();
    for _ in 0..MOST_PAGES {
        search.page.limit = ROWS;
        let page = control.audit_log(&search).await.map_err(|error| unavailable(&error, &actor))?;
        page.items.iter().for_each(|entry| write_row(&mut table, entry));
        search.page = PageRequest { limit: ROWS, cursor: page.next };
        if search.page.cursor.is_none() || table.len() > csv::LARGEST {
            break;
        }
    }
    let mut response = csv::answer(table, "audit.csv");
    if let Some(cursor) = paging.next(search.page.cursor.as_ref()) {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(filters)
            .append_pair("cursor", &cursor)
            .finish();
        let link = HeaderValue::try_from(format!("</api/admin/audit.csv?{query}>; rel=\"next\""));
        response.headers_mut().extend(link.ok().map(|link| (LINK, link)));
    }
    Ok(response)
}

fn asked<A: Authority>(
    control: &Control<A>,
    administrator: &Administrator,
    raw: Option<&str>,
) -> Result<Asked, Problem> {
    let [actor, target, limit, cursor] = query::parse_filled(raw, ["actor", "target", "limit", "cursor"])?;
    let list = format!("audit {:?}", (&actor, &target));
    let paging = Paging::of(control, &list, &administrator.id.to_string(), limit.as_deref(), cursor.as_deref())?;
    let filters = [("actor", &actor), ("target", &target)];
    let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let search = AuditSearch { actor, target, page: paging.page.clone() };
    Ok(Asked { search, paging, filters })
}

fn describe(NamedEntry { entry, actor, target }: &NamedEntry) -> Value {
    json!({
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "actor_email": actor,
        "action": entry.action,
        "target": entry.target,
        "target_email": target,
        "detail": entry.detail,
        "request_id": entry.request,
        "address": entry.address,
    })
}

fn write_row(table: &mut String, NamedEntry { entry, actor, target }: &NamedEntry) {
    let at = jiff::Timestamp::from_second(entry.at.0).map_or_else(|_| entry.at.0.to_string(), |at| at.to_string());
    let address = |email: &Option<crate::identity::Email>| email.as_ref().map(ToString::to_string).unwrap_or_default();
    let cells = [
        at,
        entry.actor.clone(),
        address(actor),
        entry.action.clone(),
        entry.target.clone(),
        address(target),
        entry.detail.to_string(),
        entry.request.clone(),
        entry.address.clone(),
    ];
    csv::write_row(table, &cells);
}
