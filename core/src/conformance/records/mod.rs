//! What every record store must do.

mod accounts;
mod arrivals;
mod directory;
mod helpers;
mod lists;
mod names;
mod people;
mod sums;
mod writes;

pub use accounts::*;
pub use arrivals::*;
pub use directory::*;
pub use lists::*;
pub use names::*;
pub use people::*;
pub use sums::*;
pub use writes::*;

/// Makes a `#[test]` of each property. `$make` makes a fresh store, and something to keep while it is used; `$block_on`
/// runs a future to its end.
#[macro_export]
macro_rules! records_conformance {
    ($block_on:path, $make:expr) => {
        $crate::records_conformance! { @each $block_on, $make,
            returns_users_as_they_were_written,
            keeps_one_user_for_each_subject,
            refuses_stale_versions_of_users,
            leads_by_each_name_to_one_user_only,
            frees_names_that_are_given_up,
            frees_no_name_where_nothing_was_written,
            has_people_who_are_expected_claimed_by_an_account,
            changes_all_that_a_directory_tells_at_once,
            forgets_what_led_to_people_who_were_erased,
            keeps_the_book_of_budgets,
            keeps_alerts_until_they_are_sent,
            keeps_every_text_byte_for_byte,
            returns_tokens_as_they_were_written,
            refuses_stale_versions_of_tokens,
            notes_the_newest_use_of_a_token,
            pages_through_tokens_newest_first,
            leaves_out_tokens_that_expired_long_ago,
            finds_everybodys_tokens_newest_first,
            finds_tokens_by_how_name_or_address_begins,
            finds_a_token_by_its_new_terms_only,
            finds_people_by_ids_and_by_address,
            finds_people_by_a_new_address_at_once,
            lists_people_in_order,
            leaves_out_so_many_people_where_there_is_no_cursor,
            moves_people_from_list_to_list,
            takes_odd_questions_for_people_without_falling_over,
            writes_an_audit_entry_with_every_change,
            changes_nothing_without_an_entry_of_its_own,
            finds_audit_entries_by_actor_and_target,
            notes_an_event_once,
            keeps_the_highest_revision_of_usage,
            takes_several_revisions_of_an_event_at_once,
            pages_through_usage_in_order,
            logs_usage_without_addresses,
            remembers_changes_until_they_are_applied,
            adds_up_what_was_spent,
            adds_up_amounts_exactly,
            rolls_usage_up_by_day,
            adds_up_what_is_not_told_apart,
            adds_up_any_days,
            adds_up_no_more_rows_than_it_may,
            finds_a_persons_roll_ups_by_day,
            adds_days_up_by_one_thing,
            adds_days_up_exactly,
            counts_how_long_calls_took,
            forgets_usage_that_is_old,
            knows_what_is_in_the_log,
            returns_events_in_the_order_of_their_arrival,
            has_corrected_events_arrive_again,
            misses_no_event_between_two_looks,
            takes_odd_places_without_falling_over,
            remembers_how_far_exporters_are,
            remembers_how_often_beats_were_counted,
            takes_odd_cursors_without_falling_over,
            takes_odd_limits_without_falling_over,
        }
    };
    // What a store has to do besides that does not forget by itself.
    (forgetting $block_on:path, $make:expr) => {
        $crate::records_conformance! { @each $block_on, $make,
            forgets_tokens_that_expired_long_ago,
            forgets_what_was_spent_in_windows_that_ended,
        }
    };
    (@each $block_on:path, $make:expr, $($property:ident,)*) => {
        $(
            #[test]
            fn $property() {
                let (records, _kept) = $make;
                $block_on($crate::conformance::records::$property(&records));
            }
        )*
    };
}
