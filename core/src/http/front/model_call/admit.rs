//! Asking the hot state about a call, and telling its refusals.

use std::sync::Arc;

use super::lease::Lease;
use crate::Chain;
use crate::admission::{
    Admit, Admitted, Denial, Denied, Limited, Preclusion, RateLimit, RateMeasure, Refusal, RuleScope, Verdict,
};
use crate::config::PublicUrl;
use crate::http::front::gate::BAD_CREDENTIAL;
use crate::http::front::{Front, control_plane};
use crate::http::{Kind, Problem};
use crate::money::{BudgetScope, BudgetState};
use crate::ports::{Admission as _, Platform, within};
use crate::time::Timestamp;

/// Asks about a call; the lease is open if the answer is yes, and closed or on its way there otherwise.
///
/// # Errors
///
/// The refusal, or 503 if the hot state did not say in time: the lease is cancelled then, so nobody pays for it.
pub(super) async fn admit<P: Platform>(lease: &mut Lease<P>) -> Result<Admitted, Problem> {
    let (front, admit) = (lease.front().clone(), Arc::clone(lease.question()));
    let asked = front.now_ms();
    let answer = decide(lease, &front, &admit).await;
    match &answer {
        Ok(admitted) => {
            front.recent().note(&admit, admitted, asked);
            lease.note_budgets(admitted.budgets.clone());
        }
        Err(_) => front.recent().forget(admit.token),
    }
    answer
}

async fn decide<P: Platform>(lease: &mut Lease<P>, front: &Front<P>, admit: &Admit) -> Result<Admitted, Problem> {
    // A second time after the control plane has told the hot state what it did not know.
    for _ in 0..2 {
        let platform = front.platform();
        let call = platform.hot().admit(admit);
        let verdict = within(platform.clock(), front.deadline(), "the hot state", call).await;
        match verdict {
            Ok(Verdict::Admitted(admitted)) => {
                lease.open();
                return Ok(admitted);
            }
            Ok(Verdict::Refused(refusal)) => {
                lease.refused();
                return Err(problem(&refusal, admit, front.public_url()).because(refusal.reason()));
            }
            Ok(Verdict::Unknown(generation)) => {
                if !restore(front, lease, admit, generation).await? {
                    return Err(Problem::new(Kind::Unauthenticated, BAD_CREDENTIAL));
                }
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), request = admit.call.request, "a call cannot be admitted");
                lease.cancel();
                return Err(Problem::unavailable());
            }
        }
    }
    tracing::error!(request = admit.call.request, "the hot state forgets what it is told");
    lease.refused();
    Err(Problem::unavailable())
}

async fn restore<P: Platform>(
    front: &Front<P>,
    lease: &mut Lease<P>,
    admit: &Admit,
    generation: crate::version::Generation,
) -> Result<bool, Problem> {
    let restored = control_plane::restore(front, generation, admit.user, Some(admit.token)).await;
    if !matches!(restored, Ok(true)) {
        lease.refused();
    }
    restored
}

fn problem(refusal: &Refusal, admit: &Admit, public_url: &PublicUrl) -> Problem {
    let now = admit.now;
    match refusal {
        Refusal::WrongUser => Problem::new(Kind::Unauthenticated, BAD_CREDENTIAL),
        Refusal::Expired => Problem::new(Kind::Unauthenticated, "token expired"),
        Refusal::Removed | Refusal::Revoked => Problem::new(Kind::Unauthenticated, "token revoked"),
        Refusal::Suspended { until: Some(until) } => {
            Problem::new(Kind::Suspended, format!("Your account is suspended until {}.", until.rfc3339()))
        }
        Refusal::Suspended { until: None } => {
            Problem::new(Kind::Suspended, "Your account is suspended until an administrator lifts it.")
        }
        Refusal::SignInTooOld => Problem::new(Kind::Unauthenticated, format!("sign in again at {public_url}")),
        Refusal::Precluded(Preclusion::Scope) => {
            Problem::new(Kind::Forbidden, format!("The API token has no scope for this; mint one at {public_url}."))
        }
        Refusal::Precluded(Preclusion::UnknownModel) => {
            Problem::new(Kind::ModelNotFound, format!("The model {:?} is not configured.", admit.call.model))
        }
        Refusal::Precluded(Preclusion::OtherForm) => Problem::new(
            Kind::Invalid,
            format!(
                "The model {:?} is not served at {}; its provider takes other calls.",
                admit.call.model, admit.call.route
            ),
        ),
        Refusal::Denied(denial) => denied(*denial, admit),
        Refusal::Limited(limited) => self::limited(limited, now),
        Refusal::Unpriced => Problem::new(
            Kind::Unpriced,
            format!(
                "The model {:?} has no price, and a budget applies to you. An administrator can add one in gateway.toml \
                 under [models.{:?}].",
                admit.call.model, admit.call.model
            ),
        ),
        Refusal::Exhausted(state) => exhausted(state, now),
        Refusal::Reserved(state) => Problem::new(
            Kind::BudgetReserved,
            format!("The rest of {} is held by calls that are still running. Try again shortly.", name(state)),
        ),
        Refusal::Closed => Problem::unavailable(),
    }
}

fn denied(Denial { by_token, what }: Denial, admit: &Admit) -> Problem {
    let who = if by_token { "This API token" } else { "You" };
    let text = match what {
        Denied::Model if admit.call.model.is_empty() => format!("{who} may not call {}.", admit.call.route),
        Denied::Model => format!("{who} may not call the model {:?}.", admit.call.model),
        Denied::Scope => format!("{who} may not use the gateway for this."),
    };
    Problem::new(Kind::Forbidden, format!("{text} An administrator can change that."))
}

fn limited(limited: &Limited, now: Timestamp) -> Problem {
    let RateLimit { scope, model, requests_per_minute, tokens_per_minute, calls_in_flight } = &limited.limit;
    let (most, what) = match limited.measure {
        RateMeasure::Requests => (requests_per_minute, "requests in a minute"),
        RateMeasure::Tokens => (tokens_per_minute, "tokens in a minute"),
        RateMeasure::InFlight => (calls_in_flight, "calls at once"),
    };
    let most = most.unwrap_or_default();
    let of = match scope {
        RuleScope::Of(BudgetScope::User(_) | BudgetScope::DefaultUser) => "you may have",
        RuleScope::Of(BudgetScope::Group(_)) => "your group may have",
        RuleScope::Of(BudgetScope::Org) => "the organisation may have",
        RuleScope::Of(BudgetScope::Token(_)) | RuleScope::DefaultToken => "this API token may have",
    };
    let model = model.as_ref().map(|model| format!(" of {}", model.as_str())).unwrap_or_default();
    let wait = limited.retry_after(now);
    let text = format!("Too many: {of} {most} {what}{model}. Try again in {wait} s.");
    Problem::new(Kind::RateLimited, text).retry_after(wait)
}

fn exhausted(state: &BudgetState, now: Timestamp) -> Problem {
    let (spent, limit) = (state.spent, state.budget.limit);
    let used_up = format!("Used up: {} (${spent} of ${limit} spent);", name(state));
    let problem = match state.reset {
        Some(reset) => {
            let text = format!("{used_up} it starts afresh at {}, and an administrator can raise it.", reset.rfc3339());
            Problem::new(Kind::BudgetExhausted, text).retry_after(reset.since(now))
        }
        None => Problem::new(
            Kind::BudgetExhausted,
            format!("{used_up} it never starts afresh; an administrator can raise it."),
        ),
    };
    problem.about(state.clone())
}

fn name(state: &BudgetState) -> String {
    let window = state.budget.window.name();
    match &state.budget.scope {
        BudgetScope::User(_) | BudgetScope::DefaultUser => format!("your {window} budget"),
        BudgetScope::Group(group) => format!("the {window} budget of the group {group:?}"),
        BudgetScope::Org => format!("the organisation's {window} budget"),
        BudgetScope::Token(_) => format!("the {window} budget of this token"),
    }
}
