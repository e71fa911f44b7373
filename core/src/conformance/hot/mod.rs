//! What every hot store must do.

mod calls;
mod continuity;
mod helpers;
mod limits;
mod money;
mod presence;
mod roster;
mod seen;
mod sessions;

pub use calls::*;
pub use continuity::*;
pub use helpers::{ask, generation, install_all, recovery};
pub use limits::*;
pub use money::*;
pub use presence::*;
pub use roster::*;
pub use seen::*;
pub use sessions::*;

/// Makes a `#[test]` of each property. `$make` makes a fresh store, and something to keep while it is used; `$block_on`
/// runs a future to its end. `ignored "reason"` before them leaves the tests to whoever asks for them.
#[macro_export]
macro_rules! hot_conformance {
    ($block_on:path, $make:expr) => {
        $crate::hot_conformance! { @all cfg(test), $block_on, $make }
    };
    (ignored $reason:literal, $block_on:path, $make:expr) => {
        $crate::hot_conformance! { @all ignore = $reason, $block_on, $make }
    };
    (@all $attribute:meta, $block_on:path, $make:expr) => {
        $crate::hot_conformance! { @each $attribute, $block_on, $make,
            admits_a_live_token,
            knows_nobody_who_was_not_installed,
            refuses_in_the_order_of_precedence,
            sees_a_revocation_in_the_next_call,
            keeps_newer_versions,
            refuses_installations_of_another_generation,
            changes_nothing_when_an_admit_is_repeated,
            settles_a_lease_once,
            tells_the_groups_of_whoever_called,
            opens_nothing_for_a_call_that_was_given_up,
            keeps_a_charge_that_is_cancelled_too_late,
            sweeps_only_what_is_overdue,
            sweeps_unpriced_calls_as_unpriced,
            corrects_a_sweep_once,
            charges_the_windows_of_the_call,
            applies_the_budgets_that_fit,
            applies_what_administrators_decide,
            admits_nobody_before_it_knows_the_budgets,
            tells_used_up_from_held,
            opens_again_when_the_minute_is_over,
            counts_the_tokens_that_were_used,
            frees_the_place_of_a_call_that_ends,
            counts_no_call_that_was_given_up,
            applies_the_limits_that_fit,
            refuses_what_may_not_be_called,
            lets_a_persons_only_call_in,
            refuses_unpriced_models_under_a_budget,
            adds_large_amounts_exactly,
            ends_sessions_in_time,
            ends_sessions_with_their_user,
            notes_the_use_of_a_session,
            keeps_a_short_session_that_is_used,
            hands_one_time_values_out_once,
            knows_who_made_an_answer,
            keeps_what_was_said_until_it_is_discarded,
            keeps_usage_until_it_is_discarded,
            is_told_what_was_spent_before_anybody_is_known,
            knows_nobody_in_another_generation,
            takes_over_what_was_spent,
            takes_nothing_over_while_more_happens,
            closes_leases_that_the_log_has,
            notices_that_it_has_gone_back,
            counts_tokens_as_time_passes,
            counts_a_token_that_is_revoked_among_the_revoked,
            revokes_all_of_a_persons_tokens_at_once,
            counts_a_token_of_a_former_epoch_as_revoked,
            counts_by_the_newest_version,
            counts_what_is_installed_twice_once,
            counts_nobody_in_another_generation,
            notes_how_far_tokens_were_enrolled,
            notes_no_enrolment_of_another_generation,
            counts_many_tokens_of_one_installation,
            lists_sessions_that_were_opened_last_first,
            pages_through_sessions_that_are_used_opened_and_ended,
            takes_a_foreign_cursor_for_some_place,
            lists_the_sessions_of_a_person_and_of_a_provider,
            lists_no_session_that_has_ended,
            lists_no_session_whose_time_is_over,
            fills_pages_whatever_is_over,
            lists_sessions_with_their_last_use,
            sees_who_uses_a_session_or_a_token,
            forgets_no_later_sighting,
            forgets_who_was_not_seen_for_a_day,
            pages_through_who_was_seen,
            pages_on_although_somebody_is_seen_again,
            tells_of_each_person_in_their_order,
            counts_the_good_tokens_of_each_person,
            knows_who_was_seen_in_another_generation,
            counts_what_happens_in_a_window,
            tells_what_each_person_spent,
        }
    };
    (@each $attribute:meta, $block_on:path, $make:expr, $($property:ident,)*) => {
        $(
            #[$attribute]
            #[test]
            fn $property() {
                let (hot, _kept) = $make;
                $block_on($crate::conformance::hot::$property(&hot));
            }
        )*
    };
}
