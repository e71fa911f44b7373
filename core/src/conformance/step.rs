//! What can happen in a random history.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::admission::Preclusion;
use crate::money::WindowKind;

/// People in a history; each has one token.
pub(super) const USERS: u8 = 4;

/// Leases that a history names; more than it opens, so that some are settled or cancelled before they were asked for.
const LEASES: u16 = 12;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Admit {
        user: u8,
        lease: u16,
        estimate: i64,
        terms: Terms,
    },
    Settle {
        lease: u16,
        cost: i64,
    },
    Cancel {
        lease: u16,
    },
    Sweep {
        limit: u32,
    },
    /// Events are taken over into the usage log.
    Discard {
        limit: u32,
    },
    Wait {
        seconds: i64,
    },
    /// The records change, and the store is told.
    Change {
        user: u8,
        change: Change,
    },
    /// The store is told what has changed since.
    InstallLate {
        user: u8,
    },
    /// The book of budgets changes, and the store is told.
    Decide {
        budget: u8,
        amount: Option<i64>,
    },
    Restart,
}

/// What is special about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terms {
    /// Nothing.
    Usual,
    /// The model has no price.
    Unpriced,
    /// The model has no price, and there are no budgets.
    Free,
    /// The front found something against it.
    Precluded(Preclusion),
    /// Rules apply, and it is expected to use so many tokens.
    Ruled { tokens: u64 },
    /// The person has to have signed in lately.
    SignedInWithin { seconds: i64 },
}

/// What becomes of a person, or of their token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Revoke,
    RevokeAll,
    Suspend { seconds: i64 },
    Remove,
    Regroup { groups: Vec<String> },
    SignIn,
    Limit { window: WindowKind, amount: Option<i64> },
}

/// Makes histories.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = prop_oneof![4 => 0..120_i64, 1 => Just(100_000_000_000_001), 1 => Just(9_007_199_254_740_991)];
    let seconds = prop_oneof![3 => 1..60_i64, 1 => Just(100), 1 => Just(43_100)];
    let user = 0..USERS;
    let lease = 0..LEASES;
    let step = prop_oneof![
        8 => (user.clone(), lease.clone(), 0..120_i64, terms())
            .prop_map(|(user, lease, estimate, terms)| Step::Admit { user, lease, estimate, terms }),
        6 => (lease.clone(), amount).prop_map(|(lease, cost)| Step::Settle { lease, cost }),
        2 => lease.prop_map(|lease| Step::Cancel { lease }),
        2 => (1..4_u32).prop_map(|limit| Step::Sweep { limit }),
        1 => (0..6_u32).prop_map(|limit| Step::Discard { limit }),
        2 => seconds.prop_map(|seconds| Step::Wait { seconds }),
        5 => (user.clone(), change()).prop_map(|(user, change)| Step::Change { user, change }),
        1 => user.prop_map(|user| Step::InstallLate { user }),
        2 => (0..6_u8, limit()).prop_map(|(budget, amount)| Step::Decide { budget, amount }),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..60)
}

fn terms() -> impl Strategy<Value = Terms> {
    let special = [
        Terms::Unpriced,
        Terms::Free,
        Terms::Precluded(Preclusion::Scope),
        Terms::Precluded(Preclusion::UnknownModel),
        Terms::SignedInWithin { seconds: 50 },
    ];
    let ruled = (0..60_u64).prop_map(|tokens| Terms::Ruled { tokens });
    prop_oneof![12 => Just(Terms::Usual), 8 => ruled, 5 => proptest::sample::select(special.to_vec())]
}

fn change() -> impl Strategy<Value = Change> {
    let groups = vec(prop_oneof![Just("even".to_owned()), Just("other".to_owned())], 0..3);
    prop_oneof![
        1 => Just(Change::Revoke),
        1 => Just(Change::RevokeAll),
        1 => (1..60_i64).prop_map(|seconds| Change::Suspend { seconds }),
        1 => Just(Change::Remove),
        4 => groups.prop_map(|groups| Change::Regroup { groups }),
        1 => Just(Change::SignIn),
        2 => (proptest::sample::select(WindowKind::ALL.to_vec()), limit())
            .prop_map(|(window, amount)| Change::Limit { window, amount }),
    ]
}

fn limit() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 3 => (0..500_i64).prop_map(Some), 1 => Just(Some(9_007_199_254_740_991))]
}
