//! How often may be called, how much at once, and what.

use std::sync::Arc;

use super::helpers::{ask, assert_admitted, install_all, refused, settle};
use crate::admission::{
    AccessVerdict, Admit, CallRules, Cancel, Denial, Denied, Limited, RateLimit, RateMeasure, Refusal, RuleScope,
};
use crate::conformance::fixture::{START, admit, email, lease_id, model_pattern, token_id};
use crate::money::BudgetScope;
use crate::ports::Hot;
use crate::time::Timestamp;

/// The last second but nine of a minute.
const LATE: Timestamp = Timestamp(START.0 - START.0.rem_euclid(60) + 50);

fn limit(scope: RuleScope, requests: Option<u64>, tokens: Option<u64>, in_flight: Option<u64>) -> RateLimit {
    RateLimit {
        scope,
        model: None,
        requests_per_minute: requests,
        tokens_per_minute: tokens,
        calls_in_flight: in_flight,
    }
}

fn ruled(number: u8, lease: u16, now: Timestamp, limits: &[RateLimit]) -> Admit {
    let rules = Arc::new(CallRules { limits: limits.to_vec(), access: Vec::new() });
    Admit { rules, tokens: 10, ..admit(number, lease, now, 0, &[]) }
}

fn limited(limit: &RateLimit, measure: RateMeasure) -> Refusal {
    Refusal::Limited(Limited { limit: limit.clone(), measure })
}

const fn everybody() -> RuleScope {
    RuleScope::Of(BudgetScope::Org)
}

/// A limit on calls in a minute holds until the minute is over, and not a second longer. What is refused does not count.
pub async fn opens_again_when_the_minute_is_over(hot: &impl Hot) {
    install_all(hot, 2).await;
    let limits = [limit(everybody(), Some(2), None, None)];
    for lease in 1..=2 {
        assert_admitted(&ask(hot, &ruled(1, lease, LATE, &limits)).await);
        settle(hot, lease, LATE, 0).await;
    }
    for (lease, now) in [(3, LATE), (4, LATE.plus(9))] {
        let refusal = refused(ask(hot, &ruled(1, lease, now, &limits)).await);
        assert_eq!(refusal, limited(&limits[0], RateMeasure::Requests));
        let Refusal::Limited(limited) = refusal else { return };
        assert_eq!(now.plus(limited.retry_after(now)), LATE.plus(10));
    }
    for lease in 5..=6 {
        assert_admitted(&ask(hot, &ruled(1, lease, LATE.plus(10), &limits)).await);
    }
    assert_eq!(
        refused(ask(hot, &ruled(1, 7, LATE.plus(10), &limits)).await),
        limited(&limits[0], RateMeasure::Requests)
    );
}

/// Until a call has ended it counts as what it is expected to use, and then as what it used.
pub async fn counts_the_tokens_that_were_used(hot: &impl Hot) {
    install_all(hot, 2).await;
    let limits = [limit(everybody(), None, Some(15), None)];
    assert_admitted(&ask(hot, &ruled(1, 1, LATE, &limits)).await);
    assert_eq!(refused(ask(hot, &ruled(1, 2, LATE, &limits)).await), limited(&limits[0], RateMeasure::Tokens));
    // It used 3.
    settle(hot, 1, LATE, 0).await;
    assert_admitted(&ask(hot, &ruled(1, 3, LATE, &limits)).await);
    assert_eq!(refused(ask(hot, &ruled(1, 4, LATE, &limits)).await), limited(&limits[0], RateMeasure::Tokens));
    let large = Admit { tokens: 1000, ..ruled(1, 5, LATE.plus(10), &limits) };
    assert_admitted(&ask(hot, &large).await);
}

/// However a call ends, its place is free again.
pub async fn frees_the_place_of_a_call_that_ends(hot: &impl Hot) {
    install_all(hot, 2).await;
    let limits = [limit(everybody(), None, None, Some(1))];
    let full = limited(&limits[0], RateMeasure::InFlight);
    assert_admitted(&ask(hot, &ruled(1, 1, LATE, &limits)).await);
    assert_eq!(refused(ask(hot, &ruled(1, 2, LATE, &limits)).await), full);
    settle(hot, 1, LATE, 0).await;
    settle(hot, 1, LATE, 0).await;
    assert_admitted(&ask(hot, &ruled(1, 3, LATE, &limits)).await);
    assert_eq!(refused(ask(hot, &ruled(1, 4, LATE, &limits)).await), full);
    hot.cancel(Cancel { lease: lease_id(3), now: LATE }).await.expect("the store answers");
    assert_admitted(&ask(hot, &ruled(1, 5, LATE, &limits)).await);
    assert_eq!(hot.sweep(LATE.plus(100), 50).await.expect("the store answers"), 1);
    let later = LATE.plus(100);
    assert_admitted(&ask(hot, &ruled(1, 6, later, &limits)).await);
    // The one that was swept ends after all: that frees nobody else's place.
    settle(hot, 5, later, 0).await;
    assert_eq!(refused(ask(hot, &ruled(1, 7, later, &limits)).await), full);
}

/// A call that was given up never was.
pub async fn counts_no_call_that_was_given_up(hot: &impl Hot) {
    install_all(hot, 2).await;
    let limits = [limit(everybody(), Some(1), Some(15), None)];
    assert_admitted(&ask(hot, &ruled(1, 1, LATE, &limits)).await);
    hot.cancel(Cancel { lease: lease_id(1), now: LATE }).await.expect("the store answers");
    assert_admitted(&ask(hot, &ruled(1, 2, LATE, &limits)).await);
}

/// Everybody has their own limit, a group shares one, and what is about somebody replaces what is about anybody for the same models.
pub async fn applies_the_limits_that_fit(hot: &impl Hot) {
    install_all(hot, 4).await;
    let opus = |limit: RateLimit| RateLimit { model: Some(model_pattern("opus-*")), ..limit };
    let limits = [
        limit(RuleScope::Of(BudgetScope::DefaultUser), Some(1), None, None),
        limit(RuleScope::Of(BudgetScope::User(email(1))), Some(2), None, None),
        limit(RuleScope::Of(BudgetScope::Group("even".to_owned())), Some(1), None, None),
        limit(RuleScope::DefaultToken, None, None, Some(2)),
        opus(limit(RuleScope::Of(BudgetScope::Token(token_id(1))), Some(1), None, None)),
    ];
    let mut lease = 0;
    let mut verdict = async |number| {
        lease += 1;
        match ask(hot, &ruled(number, lease, LATE, &limits)).await {
            crate::admission::Verdict::Refused(Refusal::Limited(limited)) => Some(limited.limit),
            other => {
                assert_admitted(&other);
                None
            }
        }
    };
    assert_eq!(verdict(3).await, None);
    assert_eq!(verdict(3).await, Some(limits[0].clone()));
    assert_eq!(verdict(2).await, None);
    assert_eq!(verdict(0).await, Some(limits[2].clone()), "the group's is used up by somebody else");
    // Of the first person: two for the person, and one for the token and models of the last.
    assert_eq!(verdict(1).await, None);
    assert_eq!(verdict(1).await, Some(limits[4].clone()));
}

/// What groups may call adds up, and what a token may call holds besides.
pub async fn refuses_what_may_not_be_called(hot: &impl Hot) {
    install_all(hot, 4).await;
    let verdict = |scope, model, token_scope| AccessVerdict { scope: RuleScope::Of(scope), model, token_scope };
    let even = || BudgetScope::Group("even".to_owned());
    let token = || BudgetScope::Token(token_id(1));
    let denial = |by_token, what| Some(Denial { by_token, what });
    let mut lease = 0;
    for (number, access, expected) in [
        (1, vec![verdict(even(), false, false)], None),
        (1, vec![verdict(BudgetScope::DefaultUser, false, true)], denial(false, Denied::Model)),
        (2, vec![verdict(BudgetScope::DefaultUser, false, true), verdict(even(), true, true)], None),
        (
            2,
            vec![verdict(BudgetScope::DefaultUser, true, true), verdict(even(), true, false)],
            denial(false, Denied::Scope),
        ),
        (2, vec![verdict(BudgetScope::User(email(2)), true, false), verdict(even(), false, true)], None),
        (
            1,
            vec![verdict(BudgetScope::DefaultUser, true, true), verdict(token(), false, true)],
            denial(true, Denied::Model),
        ),
        (3, vec![verdict(token(), false, true)], None),
    ] {
        lease += 1;
        let rules = Arc::new(CallRules { limits: Vec::new(), access });
        let answer = ask(hot, &Admit { rules, ..admit(number, lease, START, 0, &[]) }).await;
        match expected {
            None => assert_admitted(&answer),
            Some(denial) => assert_eq!(refused(answer), Refusal::Denied(denial)),
        }
    }
}
