//! People: `/api/admin/users*`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::paging::Paging;
use super::{Address, address, change_problem, failed_change, invalid, unavailable};
use crate::control::{
    Actor, Administrator, Authority, ChangeError, Control, ListedPerson, PeopleSearch, Standing, Whom,
};
use crate::http::json::{Member, Sent};
use crate::http::{Kind, Problem, json, query};
use crate::id::UserId;
use crate::identity::{Email, Role};
use crate::ports::Activity;
use crate::time::Timestamp;

/// Longest `q`, in bytes: more than an address has.
const MAX_PREFIX: usize = 256;

/// How long somebody is suspended if nobody says for how long, in seconds: a week.
const SUSPENDED_FOR: i64 = 7 * 86400;

/// Longest suspension that ends by itself, in seconds: ten years. Whoever means more means until it is lifted.
const LONGEST: i64 = 10 * 366 * 86400;

/// Longest reason, in characters: a few sentences.
const MAX_REASON: usize = 500;

/// `GET /api/admin/users?q=&status=&limit=&cursor=`: one page of people, those who signed in last first, or by address where one
/// is searched for.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [prefix, status, limit, cursor] = query::parse_filled(raw.as_deref(), ["q", "status", "limit", "cursor"])?;
    let list = format!("people {:?}", (&prefix, &status));
    let owner = administrator.id.to_string();
    let paging = Paging::of(&control, &list, &owner, limit.as_deref(), cursor.as_deref())?;
    if prefix.as_ref().is_some_and(|prefix| prefix.len() > MAX_PREFIX) {
        return Err(invalid(&format!("q may have {MAX_PREFIX} bytes at most.")));
    }
    let standing = status.as_deref().map(standing).transpose()?;
    let search = PeopleSearch { prefix, standing, page: paging.page.clone() };
    let page = control.people(&search).await.map_err(|error| unavailable(&error, &actor))?;
    let now = control.now();
    let users: Vec<Value> = page.items.iter().map(|person| describe(person, now)).collect();
    let body = json!({"users": users, "next_cursor": paging.next(page.next.as_ref())});
    Ok(json::answer(StatusCode::OK, &body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SuspendRequest {
    user_email: String,
    #[serde(default)]
    duration_seconds: Member<serde_json::Number>,
    #[serde(default)]
    reason: String,
}

/// `POST /api/admin/users/ban`: suspends whoever has an address, for a while or until it is lifted.
pub(super) async fn suspend<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(SuspendRequest { user_email, duration_seconds, reason }): Sent<SuspendRequest>,
) -> Result<Response<Body>, Problem> {
    let email = address(&user_email)?;
    let until = suspended_until(&duration_seconds, control.now())?;
    if reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(invalid(&format!("reason may have {MAX_REASON} characters at most, and no line breaks.")));
    }
    let suspended = control.suspend(&actor, &administrator, &email, until, reason.trim()).await;
    suspended.map_err(|error| change_problem(&error, &email, &actor))?;
    let body = json!({
        "message": "User suspended",
        "user_email": email,
        "banned_until": until,
        "banned_by": administrator.email,
    });
    Ok(json::answer(StatusCode::OK, &body))
}

fn suspended_until(duration: &Member<serde_json::Number>, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    match duration {
        Member::Missing => Ok(Some(now.plus(SUSPENDED_FOR))),
        Member::Null => Ok(None),
        Member::Is(number) => {
            let seconds = number.as_i64().filter(|seconds| (1..=LONGEST).contains(seconds));
            let refused =
                || invalid(&format!("duration_seconds must be a whole number between 1 and {LONGEST}, or null."));
            seconds.map(|seconds| Some(now.plus(seconds))).ok_or_else(refused)
        }
    }
}

/// `POST /api/admin/users/unban`: lifts a suspension.
pub(super) async fn lift<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(asked): Sent<Address>,
) -> Result<Response<Body>, Problem> {
    let email = asked.email()?;
    lift_suspension(&control, &actor, &administrator, &email).await
}

/// `DELETE /api/admin/sessions/unban/{email}`: the same, as clients of the old API ask for it.
pub(super) async fn lift_by_path<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Path(email): Path<String>,
) -> Result<Response<Body>, Problem> {
    lift_suspension(&control, &actor, &administrator, &address(&email)?).await
}

async fn lift_suspension<A: Authority>(
    control: &Control<A>,
    actor: &Actor,
    administrator: &Administrator,
    email: &Email,
) -> Result<Response<Body>, Problem> {
    control.lift(actor, administrator, email).await.map_err(|error| match error {
        ChangeError::NotFound => Problem::new(Kind::NotFound, format!("{email} is not suspended.")),
        error => change_problem(&error, email, actor),
    })?;
    let body = json!({"message": "Suspension lifted", "user_email": email, "unbanned_by": administrator.email});
    Ok(json::answer(StatusCode::OK, &body))
}

/// `POST /api/admin/users/restore`: lets somebody sign in again who was removed.
pub(super) async fn restore<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(asked): Sent<Address>,
) -> Result<Response<Body>, Problem> {
    let email = asked.email()?;
    control.restore_person(&actor, &administrator, &email).await.map_err(|error| match error {
        ChangeError::NotFound => Problem::new(Kind::NotFound, format!("{email} was not removed.")),
        error => change_problem(&error, &email, &actor),
    })?;
    let body = json!({"message": "User restored", "user_email": email, "restored_by": administrator.email});
    Ok(json::answer(StatusCode::OK, &body))
}

/// `POST /api/admin/users/unpin`: frees an address of the role lists for whoever signs in with it next.
pub(super) async fn unpin<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(asked): Sent<Address>,
) -> Result<Response<Body>, Problem> {
    let email = asked.email()?;
    control.unpin(&actor, &email).await.map_err(|error| match error {
        ChangeError::NotFound => Problem::new(Kind::NotFound, format!("{email} is nobody's alone.")),
        error => change_problem(&error, &email, &actor),
    })?;
    let body = json!({"message": "Address unpinned", "user_email": email, "unpinned_by": administrator.email});
    Ok(json::answer(StatusCode::OK, &body))
}

/// `DELETE /api/admin/users/{whom}`: erases what tells who somebody is, of an address or an id.
pub(super) async fn erase<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Path(text): Path<String>,
) -> Result<Response<Body>, Problem> {
    let whom = match text.parse::<UserId>() {
        Ok(id) => Whom::Id(id),
        Err(_) => Whom::Address(address(&text)?),
    };
    let erased = control.erase(&actor, &administrator, &whom).await;
    erased.map_err(|error| match &whom {
        Whom::Address(email) => change_problem(&error, email, &actor),
        Whom::Id(_) => failed_change(&error, &actor),
    })?;
    let body = json!({"message": "User erased", "user": text, "erased_by": administrator.email});
    Ok(json::answer(StatusCode::OK, &body))
}

fn standing(text: &str) -> Result<Standing, Problem> {
    match text {
        "active" => Ok(Standing::Active),
        "suspended" => Ok(Standing::Suspended),
        "removed" => Ok(Standing::Removed),
        _ => Err(invalid("status must be active, suspended or removed.")),
    }
}

/// Returns a role and those below it.
pub(super) fn roles(highest: Role) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| *role <= highest).collect()
}

/// Names the ways in which somebody was seen in the last day.
pub(super) fn methods(activity: &Activity) -> Vec<&'static str> {
    let ways = [("session", activity.by_session), ("token", activity.by_token)];
    ways.into_iter().filter(|(_, seen)| seen.is_some()).map(|(name, _)| name).collect()
}

fn describe(person: &ListedPerson, now: Timestamp) -> Value {
    let ListedPerson { user, role, standing, activity, spent } = person;
    let suspension = user.status.suspension(now);
    let seen = activity.as_ref().and_then(|activity| activity.by_session.max(activity.by_token));
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "groups": user.groups,
        "roles": roles(*role),
        "status": standing,
        "suspended_until": suspension.and_then(|suspension| suspension.until),
        "suspension_reason": suspension.map(|suspension| suspension.reason.clone()),
        "has_signed_in": user.account.is_some(),
        "is_provisioned": user.provisioning.is_some(),
        "first_seen": user.first_seen,
        "last_sign_in": user.last_sign_in,
        "last_access": seen,
        "auth_methods": activity.as_ref().map(methods),
        "session_count": activity.as_ref().map(|activity| activity.sessions),
        "token_count": activity.as_ref().and_then(|activity| activity.tokens),
        "spent_this_month": spent.map(|spent| spent.to_string()),
    })
}
