//! SCIM 2.0 (RFC 7644): `/scim/v2/*`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{failed_change, unavailable};
use crate::control::{Actor, Authority, ChangeError, Control, ProvisionError};
use crate::http::{Problem, query};
use crate::id::UserId;
use crate::identity::User;
use crate::scim::{self, Filter, MAX_RESULTS, Patch, Resource, ScimError, ScimType, Selection};
use crate::version::Stored;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// How many people one answer has if nothing is said.
const DEFAULT_RESULTS: u32 = 100;

/// How a request is answered that SCIM has its own words for.
type Answer = Result<Response<Body>, Problem>;

/// `GET /scim/v2/ServiceProviderConfig`: what we can do.
pub(super) async fn service_provider_config<A: Authority>(State(control): State<Control<A>>) -> Response<Body> {
    answer(StatusCode::OK, &scim::service_provider_config(&base(&control)))
}

/// `GET /scim/v2/ResourceTypes`: what there is.
pub(super) async fn resource_types<A: Authority>(State(control): State<Control<A>>) -> Response<Body> {
    answer(StatusCode::OK, &scim::resource_types(&base(&control)))
}

/// `GET /scim/v2/ResourceTypes/{id}`.
pub(super) async fn resource_type<A: Authority>(
    State(control): State<Control<A>>,
    Path(id): Path<String>,
) -> Response<Body> {
    if id == "User" { answer(StatusCode::OK, &scim::user_resource_type(&base(&control))) } else { not_found() }
}

/// `GET /scim/v2/Schemas`: what it is made of.
pub(super) async fn schemas<A: Authority>(State(control): State<Control<A>>) -> Response<Body> {
    answer(StatusCode::OK, &scim::schemas(&base(&control)))
}

/// `GET /scim/v2/Schemas/{id}`.
pub(super) async fn schema<A: Authority>(State(control): State<Control<A>>, Path(id): Path<String>) -> Response<Body> {
    if id == scim::USER { answer(StatusCode::OK, &scim::user_schema(&base(&control))) } else { not_found() }
}

/// `GET /scim/v2/Users?filter=&startIndex=&count=&attributes=&excludedAttributes=`: people whom the directory has told of (RFC 7644
/// §3.4.2).
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let names = ["filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder"];
    let [filter, start, count, attributes, excluded, _, _] = query::parse_filled(raw.as_deref(), names)?;
    let told = async {
        let (start, count) = (number(start.as_deref())?, number(count.as_deref())?);
        let question = question(filter.as_deref(), start, count, attributes.as_deref(), excluded.as_deref())?;
        listed(&control, &question).await
    };
    told.await.or_else(|error| refusal(error, &actor))
}

/// What a search has in its body (RFC 7644 §3.4.3). Its `schemas` are no input: nothing else is sent there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchRequest {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    attributes: Option<Vec<String>>,
    excluded_attributes: Option<Vec<String>>,
}

/// `POST /scim/v2/.search`, `POST /scim/v2/Users/.search`: the same, for questions that should be in no address.
pub(super) async fn search<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let told = async {
        let asked = SearchRequest::deserialize(read(&headers, &body)?);
        let asked = asked.map_err(|_| ScimError::new(ScimType::InvalidSyntax, "the body is no search"))?;
        let [attributes, excluded] =
            [asked.attributes, asked.excluded_attributes].map(|names| names.map(|names| names.join(",")));
        let filter = asked.filter.as_deref();
        let question = question(filter, asked.start_index, asked.count, attributes.as_deref(), excluded.as_deref())?;
        listed(&control, &question).await
    };
    told.await.or_else(|error| refusal(error, &actor))
}

/// What is asked about people.
struct Question {
    filter: Option<Filter>,
    skip: u32,
    limit: u32,
    selection: Selection,
}

/// Reads a question. A number below what there is means that, and one above, too (RFC 7644 §3.4.2.4).
fn question(
    filter: Option<&str>,
    start: Option<i64>,
    count: Option<i64>,
    attributes: Option<&str>,
    excluded: Option<&str>,
) -> Result<Question, ScimError> {
    let most = u32::try_from(MAX_RESULTS).unwrap_or(u32::MAX);
    let number = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
    Ok(Question {
        filter: filter.map(Filter::parse).transpose()?,
        skip: number(start.unwrap_or(1)).max(1) - 1,
        limit: count.map_or(DEFAULT_RESULTS, number).min(most),
        selection: Selection::parse(attributes, excluded)?,
    })
}

async fn listed<A: Authority>(control: &Control<A>, question: &Question) -> Result<Response<Body>, ProvisionError> {
    let Question { filter, skip, limit, selection } = question;
    let (people, total) = match filter {
        Some(filter) => found(control, filter, *skip, *limit).await?,
        None => control.provisioned_people(*skip, *limit).await.map_err(ChangeError::Unavailable)?,
    };
    let shown = people.iter().map(|user| selection.apply(scim::render(user, &users(control)))).collect();
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    Ok(answer(StatusCode::OK, &scim::list_response(total, *skip as usize + 1, shown)))
}

async fn found<A: Authority>(
    control: &Control<A>,
    filter: &Filter,
    skip: u32,
    limit: u32,
) -> Result<(Vec<Stored<User>>, u64), ProvisionError> {
    let mut found = control.provisioned_by(filter).await?;
    found.retain(|user| filter.matches(&scim::render(user, &users(control))));
    let total = found.len() as u64;
    Ok((found.into_iter().skip(skip as usize).take(limit as usize).collect(), total))
}

/// `POST /scim/v2/Users`: somebody joins (RFC 7644 §3.3).
pub(super) async fn create<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let told = async {
        let resource = Resource::parse(&read(&headers, &body)?)?;
        let user = control.provision(&actor, &resource).await?;
        let shown = scim::render(&user, &users(&control));
        let mut response = answer(StatusCode::CREATED, &shown);
        if let Ok(location) = HeaderValue::try_from(shown["meta"]["location"].as_str().unwrap_or_default()) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    };
    told.await.or_else(|error| refusal(error, &actor))
}

/// `GET /scim/v2/Users/{id}`: one of them (RFC 7644 §3.4.1).
pub(super) async fn show<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Answer {
    let [attributes, excluded] = query::parse_filled(raw.as_deref(), ["attributes", "excludedAttributes"])?;
    let selection = match Selection::parse(attributes.as_deref(), excluded.as_deref()) {
        Ok(selection) => selection,
        Err(error) => return refusal(error.into(), &actor),
    };
    let Ok(id) = id.parse::<UserId>() else { return Ok(not_found()) };
    let user = control.provisioned_person(id).await.map_err(|error| unavailable(&error, &actor))?;
    let Some(user) = user else { return Ok(not_found()) };
    Ok(answer(StatusCode::OK, &selection.apply(scim::render(&user, &users(&control)))))
}

/// `PUT /scim/v2/Users/{id}`: replaces what is known of somebody (RFC 7644 §3.5.1).
pub(super) async fn replace<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let Ok(id) = id.parse::<UserId>() else { return Ok(not_found()) };
    let told = async {
        let body = read(&headers, &body)?;
        let user = control.reprovision(&actor, id, |former| former.replaced_by(&body)).await?;
        Ok(answer(StatusCode::OK, &scim::render(&user, &users(&control))))
    };
    told.await.or_else(|error| refusal(error, &actor))
}

/// `PATCH /scim/v2/Users/{id}`: changes some of it (RFC 7644 §3.5.2).
pub(super) async fn change<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let Ok(id) = id.parse::<UserId>() else { return Ok(not_found()) };
    let told = async {
        let patch = Patch::parse(&read(&headers, &body)?)?;
        let user = control.reprovision(&actor, id, |resource| patch.apply(resource)).await?;
        Ok(answer(StatusCode::OK, &scim::render(&user, &users(&control))))
    };
    told.await.or_else(|error| refusal(error, &actor))
}

/// `DELETE /scim/v2/Users/{id}`: somebody leaves (RFC 7644 §3.6).
pub(super) async fn delete<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let Ok(id) = id.parse::<UserId>() else { return Ok(not_found()) };
    match control.deprovision(&actor, id).await {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        Err(error) => refusal(error, &actor),
    }
}

fn base<A: Authority>(control: &Control<A>) -> String {
    control.config().public_url().join("/scim/v2")
}

fn users<A: Authority>(control: &Control<A>) -> String {
    control.config().public_url().join("/scim/v2/Users")
}

/// Reads a body (RFC 7644 §3.1: `application/scim+json`, and `application/json` for those who know no better).
fn read(headers: &HeaderMap, body: &Bytes) -> Result<Value, ScimError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !["application/scim+json", "application/json"].iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
        let detail = "the body must be application/scim+json";
        return Err(ScimError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    scim::parse_body(body)
}

fn number(text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let malformed = || ScimError::new(ScimType::InvalidValue, "startIndex and count are whole numbers");
    text.map(|text| text.parse().map_err(|_| malformed())).transpose()
}

fn refusal(error: ProvisionError, actor: &Actor) -> Answer {
    match error {
        ProvisionError::Scim(error) => Ok(answer(error.status, &error.to_json())),
        ProvisionError::Change(error) => Err(failed_change(&error, actor)),
    }
}

fn not_found() -> Response<Body> {
    let error = ScimError::of_status(StatusCode::NOT_FOUND, "there is no such resource");
    answer(error.status, &error.to_json())
}

fn answer(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
