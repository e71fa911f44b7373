//! `llm-gateway import-customers`: gives people the budgets that they had as customers of a LiteLLM proxy, by the gateway's own API, so
//! that administrators can change them afterwards.
//!
//! In scope: what `GET /customer/list` of the proxy tells. Out of scope: budgets of its keys and teams, which have no counterpart.

use axum::body::to_bytes;
use gateway_core::identity::Email;
use gateway_core::ports::{Body, Http};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Largest answer that is read, in bytes: a sentence.
const MAX_ANSWER: usize = 64 * 1024;

/// A customer, as far as it matters here. What else is told is passed over.
#[derive(Deserialize)]
struct Customer {
    user_id: String,
    #[serde(default)]
    blocked: Option<bool>,
    #[serde(default)]
    litellm_budget_table: Option<CustomerBudget>,
}

#[derive(Deserialize)]
struct CustomerBudget {
    /// As it was written: no amount goes through floating point.
    #[serde(default)]
    max_budget: Option<Box<RawValue>>,
    #[serde(default)]
    budget_duration: Option<String>,
}

/// What became of the customers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Those who have what they had.
    pub(crate) taken: usize,
    /// Those who had a budget here already, and keep it.
    pub(crate) kept: usize,
    /// Those who are left out for good, and why.
    pub(crate) left: Vec<String>,
    /// Those whom the gateway did not take, and why.
    pub(crate) refused: Vec<String>,
}

/// Why nothing can be made of a file.
#[derive(Debug, thiserror::Error)]
#[error("no list of customers, as LiteLLM's GET /customer/list answers it")]
pub(crate) struct NoCustomers(#[source] serde_json::Error);

/// Tells the gateway at `origin` of the customers in a list.
///
/// # Errors
///
/// [`NoCustomers`], or whatever keeps the gateway from being asked. Told again, it goes on: who has a budget keeps it.
pub(crate) async fn import(
    list: &str,
    origin: &str,
    token: &str,
    client: &impl Http,
) -> Result<Outcome, Box<dyn std::error::Error>> {
    let customers: Vec<Customer> = serde_json::from_str(list).map_err(NoCustomers)?;
    let mut credential = HeaderValue::from_str(&format!("Bearer {token}"))?;
    credential.set_sensitive(true);
    let url = format!("{}/customer/new", origin.trim_end_matches('/'));
    let mut outcome = Outcome::default();
    for customer in customers {
        let body = match body_of(&customer) {
            Ok(body) => body,
            Err(reason) => {
                outcome.left.push(format!("{:?}: {reason}", customer.user_id));
                continue;
            }
        };
        let request = Request::post(&url).header(CONTENT_TYPE, "application/json");
        let request = request.header(AUTHORIZATION, credential.clone()).body(Body::from(body.to_string()))?;
        let answer = client.send(request).await?;
        let status = answer.status();
        let told = to_bytes(answer.into_body(), MAX_ANSWER).await.unwrap_or_default();
        let told: Value = serde_json::from_slice(&told).unwrap_or_default();
        let detail = told["detail"].as_str().unwrap_or_default();
        match status {
            StatusCode::OK => outcome.taken += 1,
            StatusCode::CONFLICT => outcome.kept += 1,
            // The next would be refused like this one.
            StatusCode::UNAUTHORIZED => return Err(format!("{url}: {status}. {detail}").into()),
            _ => outcome.refused.push(format!("{:?}: {status}. {detail}", customer.user_id)),
        }
    }
    Ok(outcome)
}

/// Returns what our API is told of a customer, or why it is told nothing.
fn body_of(customer: &Customer) -> Result<Value, &'static str> {
    let email = Email::parse(&customer.user_id).map_err(|_| "is no e-mail address; people are known by theirs")?;
    let budget = customer.litellm_budget_table.as_ref();
    let amount = budget.and_then(|budget| budget.max_budget.as_deref()).filter(|amount| amount.get() != "null");
    let is_blocked = customer.blocked.unwrap_or(false);
    let Some(amount) = amount else {
        return if is_blocked { Ok(json!({"user_id": email, "blocked": true})) } else { Err("has no budget") };
    };
    let mut body = json!({"user_id": email, "max_budget": amount.get()});
    if let Some(duration) = budget.and_then(|budget| budget.budget_duration.as_ref()) {
        body["budget_duration"] = json!(duration);
    }
    if is_blocked {
        body["blocked"] = json!(true);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Result<Value, &'static str> {
        body_of(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn tells_what_a_customer_had() {
        let text = r#"{"user_id": "Ann@Example.com", "alias": null, "spend": 1.5, "blocked": false,
                       "litellm_budget_table": {"budget_id": "b", "max_budget": 0.1, "budget_duration": "30d"}}"#;
        let expected = json!({"user_id": "ann@example.com", "max_budget": "0.1", "budget_duration": "30d"});
        assert_eq!(body(text), Ok(expected));
        let text = r#"{"user_id": "bob@example.com", "blocked": true, "litellm_budget_table": {"max_budget": null}}"#;
        assert_eq!(body(text), Ok(json!({"user_id": "bob@example.com", "blocked": true})));
    }

    #[test]
    fn leaves_out_who_is_nobody_and_who_had_nothing() {
        assert!(body(r#"{"user_id": "team-a", "litellm_budget_table": {"max_budget": 1}}"#).is_err());
        assert!(body(r#"{"user_id": "ann@example.com", "litellm_budget_table": null}"#).is_err());
    }
}
