//! Asking whether a call may be made.

use super::budgets::{described, state};
use super::keys::unseen;
use super::lease::HeldCall;
use super::script::{Answer, json, moment, unexpected};
use super::windows::Windows;
use super::{ELSEWHERE, RedisHot, Transport};
use crate::admission::{Admit, Admitted, Denial, Denied, Limited, MOST, RateMeasure, Refusal, Verdict};
use crate::identity::Email;
use crate::memory::TOKEN_SEEN_EVERY;
use crate::money::Calendar;
use crate::ports::{Clock, Random, Unavailable};
use crate::time::Timestamp;
use crate::version::Generation;

impl<T: Transport, C: Clock, R: Random> RedisHot<T, C, R> {
    pub(super) async fn ask_to_admit(&self, admit: &Admit) -> Result<Verdict, Unavailable> {
        let windows = self.windows_of(&admit.calendar)?;
        let mut answer = self.ask(admit, &windows).await?;
        let word = answer.text()?;
        if word != ELSEWHERE {
            return verdict(&word, answer, admit, &windows.calendar);
        }
        // A repeated question about a call of yesterday: it is answered by its own windows.
        let windows = self.windows_in(&answer.text()?)?;
        let mut answer = self.ask(admit, &windows).await?;
        verdict(&answer.text()?, answer, admit, &windows.calendar)
    }

    async fn ask(&self, admit: &Admit, windows: &Windows) -> Result<Answer, Unavailable> {
        let keys = &self.keys;
        let mut touched = vec![keys.user(admit.user), keys.token(admit.token), keys.lease(admit.lease), keys.leases()];
        touched.extend([keys.active(), keys.active_by_token(), keys.budgets()]);
        touched.extend(keys.rates());
        touched.extend_from_slice(&windows.keys);
        let mut arguments = vec![
            admit.now.0.to_string(),
            admit.lease.to_string(),
            admit.user.to_string(),
            admit.token.to_string(),
            admit.epoch.0.to_string(),
            moment(admit.signed_in_since),
            flag(admit.preclusion.is_some()),
            flag(admit.priced),
            flag(admit.is_free),
            admit.estimate.0.to_string(),
            admit.expiry.0.to_string(),
            windows.text.clone(),
            json(&HeldCall::of(admit))?,
            TOKEN_SEEN_EVERY.to_string(),
            unseen(admit.now),
            if admit.rules.is_empty() { String::new() } else { json(admit.rules.as_ref())? },
            admit.tokens.min(MOST).to_string(),
        ];
        arguments.extend(windows.kept(admit.now));
        arguments.extend(admit.budgets.iter().flat_map(described));
        self.believe("admit", touched, arguments).await
    }
}

fn flag(is_set: bool) -> String {
    if is_set { "1" } else { "0" }.to_owned()
}

fn verdict(word: &str, mut answer: Answer, admit: &Admit, calendar: &Calendar) -> Result<Verdict, Unavailable> {
    let refusal = match word {
        "admitted" => return admitted(answer, calendar).map(Verdict::Admitted),
        "unknown" => return Ok(Verdict::Unknown(Generation(answer.read()?))),
        "wrong_user" => Refusal::WrongUser,
        "expired" => Refusal::Expired,
        "removed" => Refusal::Removed,
        "revoked" => Refusal::Revoked,
        "suspended" => Refusal::Suspended { until: answer.read_any()?.map(Timestamp) },
        "sign_in_too_old" => Refusal::SignInTooOld,
        "closed" => Refusal::Closed,
        "precluded" => Refusal::Precluded(admit.preclusion.ok_or_else(unexpected)?),
        "denied" => Refusal::Denied(denial(&mut answer)?),
        "limited" => Refusal::Limited(limited(&mut answer, admit)?),
        "unpriced" => Refusal::Unpriced,
        "exhausted" => Refusal::Exhausted(state(&mut answer, calendar)?),
        "reserved" => Refusal::Reserved(state(&mut answer, calendar)?),
        _ => return Err(unexpected()),
    };
    Ok(Verdict::Refused(refusal))
}

fn denial(answer: &mut Answer) -> Result<Denial, Unavailable> {
    let by_token = answer.text()? == "token";
    let what = if answer.text()? == "model" { Denied::Model } else { Denied::Scope };
    Ok(Denial { by_token, what })
}

fn limited(answer: &mut Answer, admit: &Admit) -> Result<Limited, Unavailable> {
    let (scope, model) = (answer.text()?, answer.text()?);
    let limit = admit.rules.limit(&scope, &model).ok_or_else(unexpected)?.clone();
    let measure = match answer.text()?.as_str() {
        "requests" => RateMeasure::Requests,
        "tokens" => RateMeasure::Tokens,
        "in_flight" => RateMeasure::InFlight,
        _ => return Err(unexpected()),
    };
    Ok(Limited { limit, measure })
}

fn admitted(mut answer: Answer, calendar: &Calendar) -> Result<Admitted, Unavailable> {
    let email = Email::parse(&answer.text()?).map_err(|_| unexpected())?;
    let mut budgets = Vec::new();
    while !answer.is_empty() {
        budgets.push(state(&mut answer, calendar)?);
    }
    Ok(Admitted { email, budgets })
}
