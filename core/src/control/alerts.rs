//! Telling somebody that budgets run out: what there is to tell is noted beside the usage log, and sent by the upkeep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Authority, Control};
use crate::Chain;
use crate::accounts::Posting;
use crate::admission::{BudgetsEntry, UserEntry};
use crate::config::AlertFormat;
use crate::id::{TokenId, UserId};
use crate::memory::{Applicable, applicable_to};
use crate::money::{Alert, BudgetState, Calendar, Counter, WindowKind};
use crate::ports::{Alerts as _, Budgets as _, Http, Totals, Unavailable, Users as _, in_time};
use crate::time::Timestamp;

/// How many alerts are looked at once, the oldest first.
const BATCH: u32 = 200;

/// How many counters are asked about at once.
const COUNTERS: usize = 500;

/// How long a server may take to take an alert.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long alerts are sent at once, in seconds: others have work to do, too. What is left is sent the next time.
const AT_ONCE: i64 = 4;

/// Seconds to wait after a failure, at first; twice as long after each other.
const FIRST_PAUSE: i64 = 5;

/// The longest such pause, in seconds.
const LONGEST_PAUSE: i64 = 600;

/// Why an alert was not taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the webhook answers {0}")]
    Status(u16),
    #[error("the webhook does not answer in time")]
    Silence,
    #[error("the webhook cannot be reached")]
    Unreachable(#[from] crate::ports::HttpError),
    #[error("the webhook's address cannot be used")]
    Unusable,
    #[error("the webhook cannot be asked")]
    Request(#[from] http::Error),
}

impl Refused {
    /// Says whether it is this alert alone that is not taken: the server answers, and what it says is not that it has trouble.
    const fn is_about_one(&self) -> bool {
        matches!(self, Self::Status(400..=407 | 409..=428 | 430..=499))
    }
}

impl<A: Authority> Control<A> {
    /// Notes what there is to tell after these calls, in the windows in which they count. It goes before the calls leave the hot state:
    /// whoever is interrupted comes here again.
    pub(super) async fn note_alerts(&self, postings: &[Posting]) -> Result<(), Unavailable> {
        if self.config().alerts.webhook.is_none() {
            return Ok(());
        }
        let people = self.people_of(postings.iter().map(|posting| posting.event.user)).await?;
        let people: BTreeMap<UserId, UserEntry> =
            people.iter().map(|person| (person.value.id, UserEntry::from(person))).collect();
        let book = BudgetsEntry::from(&self.records().budget_book().await?);
        // Around midnight there are two.
        let mut calendars: Vec<&Calendar> = Vec::new();
        for posting in postings {
            if !calendars.contains(&&posting.calendar) {
                calendars.push(&posting.calendar);
            }
        }
        for calendar in calendars {
            let events = postings.iter().filter(|posting| posting.calendar == *calendar).map(|posting| &posting.event);
            let payers: BTreeSet<(UserId, TokenId)> = events.map(|event| (event.user, event.token)).collect();
            let payers = payers.into_iter().filter_map(|(user, token)| Some((people.get(&user)?, token)));
            self.note_alerts_of(payers, &book, calendar).await?;
        }
        Ok(())
    }

    async fn note_alerts_of(
        &self,
        payers: impl Iterator<Item = (&UserEntry, TokenId)>,
        book: &BudgetsEntry,
        calendar: &Calendar,
    ) -> Result<(), Unavailable> {
        let configured = self.config().budgets();
        let mut seen = BTreeSet::new();
        let mut budgets: Vec<Applicable> = Vec::new();
        for (user, token) in payers {
            let theirs = applicable_to(user, Some(token), &configured, book).into_iter();
            budgets
                .extend(theirs.filter(|one| seen.insert((one.counter.clone(), one.budget.window, one.budget.limit))));
        }
        for some in budgets.chunks(COUNTERS) {
            let mut alerts = self.alerts_of(some, calendar).await?;
            // Which were noted is known without asking, mostly.
            alerts.retain(|alert| !self.alert_desk().was_noted(&alert.id()));
            self.records().note_alerts(&alerts).await?;
            for alert in &alerts {
                self.alert_desk().noted(alert.id());
            }
        }
        Ok(())
    }

    async fn alerts_of(&self, budgets: &[Applicable], calendar: &Calendar) -> Result<Vec<Alert>, Unavailable> {
        let counters: Vec<(WindowKind, Counter)> =
            budgets.iter().map(|budget| (budget.budget.window, budget.counter.clone())).collect();
        let totals = self.totals_in(calendar, &counters).await?;
        let now = self.now();
        let alert = |(Applicable { budget, source, counter }, totals): (&Applicable, Totals)| {
            let window = calendar.window(budget.window);
            let Totals { spent, held } = totals;
            let state = BudgetState { budget: budget.clone(), source: *source, spent, held, reset: window.end };
            Alert::of(&state, counter.clone(), window.id.clone(), now)
        };
        Ok(budgets.iter().zip(totals).filter_map(alert).collect())
    }

    /// Sends the alerts that wait, the oldest first, for some seconds. Returns how many. While the server does not take them, they are
    /// tried more and more seldom; one that alone is not taken keeps none of the others.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn send_alerts(&self, client: &impl Http) -> Result<usize, Unavailable> {
        let Some(webhook) = &self.config().alerts.webhook else { return Ok(0) };
        let desk = self.alert_desk();
        let begun = self.now();
        if desk.pauses(begun) {
            return Ok(0);
        }
        let mut sent = 0;
        for alert in self.records().waiting_alerts(BATCH).await? {
            if self.now().since(begun) >= AT_ONCE {
                break;
            }
            let id = alert.id();
            if desk.puts_off(&id, self.now()) {
                continue;
            }
            match self.send_alert(client, webhook, &alert).await? {
                Ok(()) => {
                    desk.goes_on();
                    self.records().alert_sent(&alert).await?;
                    sent += 1;
                }
                Err(error) if error.is_about_one() => {
                    tracing::warn!(error = %Chain(&error), alert = id, "an alert is not taken");
                    desk.put_off(id, self.now().plus(LONGEST_PAUSE));
                }
                Err(error) => {
                    let seconds = desk.pause(self.now(), FIRST_PAUSE, LONGEST_PAUSE);
                    tracing::warn!(error = %Chain(&error), again_in = seconds, "alerts are not taken");
                    break;
                }
            }
        }
        Ok(sent)
    }

    async fn send_alert(
        &self,
        client: &impl Http,
        webhook: &SecretString,
        alert: &Alert,
    ) -> Result<Result<(), Refused>, Unavailable> {
        let whose = self.whose(&alert.counter).await?;
        let body = match self.config().alerts.format {
            AlertFormat::Json => told(alert, &whose),
            AlertFormat::Slack => json!({"text": escaped(&sentence(alert, &whose))}),
        };
        Ok(self.post_alert(client, webhook, alert, body.to_string()).await)
    }

    async fn post_alert(
        &self,
        client: &impl Http,
        webhook: &SecretString,
        alert: &Alert,
        body: String,
    ) -> Result<(), Refused> {
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(alert.id()));
        let at = self.now().0.to_string();
        // As it was checked: written in full, in ASCII.
        let address = Url::parse(webhook.expose_secret()).map_err(|_| Refused::Unusable)?;
        let mut request = Request::builder().method(Method::POST).uri(address.as_str());
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request = request.header(USER_AGENT, HeaderValue::from_static("llm-gateway"));
        // As the specification Standard Webhooks has it, so that libraries can check it.
        if let Some(key) = self.config().alerts.signing_key() {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length will do");
            mac.update(format!("{id}.{at}.{body}").as_bytes());
            let signature = STANDARD.encode(mac.finalize().into_bytes());
            request = request.header("webhook-signature", format!("v1,{signature}"));
        }
        let request = request.header("webhook-id", id).header("webhook-timestamp", at).body(Body::from(body))?;
        let answer = in_time(self.clock(), PATIENCE, client.send(request)).await.ok_or(Refused::Silence)??;
        let status = answer.status();
        // Read, so that the connection can be used again; what it says is not told to anybody.
        let _ = in_time(self.clock(), PATIENCE, to_bytes(answer.into_body(), 64 * 1024)).await;
        if status.is_success() { Ok(()) } else { Err(Refused::Status(status.as_u16())) }
    }

    async fn whose(&self, counter: &Counter) -> Result<Whose, Unavailable> {
        Ok(match counter {
            Counter::User(id) => {
                let user = self.records().user(*id).await?;
                let email = user.filter(|user| user.value.erased.is_none()).map(|user| user.value.email.to_string());
                Whose { scope: "user", name: email.unwrap_or_else(|| id.to_string()), id: Some(id.to_string()) }
            }
            Counter::Token(id) => Whose { scope: "token", name: id.to_string(), id: Some(id.to_string()) },
            Counter::Group(name) => Whose { scope: "group", name: name.clone(), id: None },
            Counter::Org => Whose { scope: "org", name: String::new(), id: None },
        })
    }
}

/// Whose budget it is, for a reader.
struct Whose {
    scope: &'static str,
    name: String,
    id: Option<String>,
}

fn told(alert: &Alert, whose: &Whose) -> Value {
    json!({
        "type": "budget.threshold",
        "at": alert.at.rfc3339(),
        "scope": whose.scope,
        "name": whose.name,
        "id": whose.id,
        "window": alert.window,
        "percent": alert.percent,
        "spent": alert.spent.to_string(),
        "limit": alert.limit.to_string(),
        "reset": alert.reset.map(Timestamp::rfc3339),
        "text": sentence(alert, whose),
    })
}

fn sentence(alert: &Alert, whose: &Whose) -> String {
    let window = alert.window.name();
    let budget = match whose.scope {
        "user" => format!("the {window} budget of {}", whose.name),
        "group" => format!("the {window} budget of the group {}", whose.name),
        "token" => format!("the {window} budget of the token {}", whose.name),
        _ => format!("the organisation's {window} budget"),
    };
    let (spent, limit) = (alert.spent, alert.limit);
    let afresh = alert.reset.map(|reset| format!(" It starts afresh at {}.", reset.rfc3339())).unwrap_or_default();
    if alert.percent >= 100 {
        return format!("Used up: {budget} (${spent} of ${limit}).{afresh}");
    }
    format!("{} % of {budget} are spent (${spent} of ${limit}).{afresh}", alert.percent)
}

/// Takes from a text what Slack would read as a link or a mention (api.slack.com, "Formatting text for app surfaces").
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
