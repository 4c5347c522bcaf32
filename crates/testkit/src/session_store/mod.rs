//! What every `SessionStore` does, one function per behaviour. An adapter runs all of them with
//! [`session_store_conformance!`](crate::session_store_conformance).

pub mod complete_file;
pub mod create_session;
pub mod daily_limit;
pub mod duplicates;
pub mod end_session;
pub mod extension;
pub mod finalize_session;
pub mod fixture;
pub mod held_parts;
pub mod housekeeping;
pub mod idempotency;
pub mod read_sessions;
pub mod record_part;
pub mod register_files;

pub use fixture::Stores;

/// Makes a test of each behaviour. The argument is an async function that returns new, empty
/// [`Stores`], or an `Option` of them: `None` leaves the behaviour out.
#[macro_export]
macro_rules! session_store_conformance {
    ($stores:ident) => {
        $crate::session_store_conformance! { $stores:
            create_session {
                a_created_session_is_stored_with_its_declaration
                a_refused_session_leaves_nothing
            }
            daily_limit {
                a_day_has_so_many_sessions_and_each_user_a_day
                concurrent_creates_at_the_limit_admit_exactly_the_limit
                a_limit_of_none_admits_none
                replays_and_refusals_do_not_count
                sessions_without_a_limit_count_for_later
            }
            idempotency {
                the_same_request_again_gets_the_first_answer
                another_body_under_the_same_key_is_refused
                a_key_belongs_to_its_user
                a_key_is_forgotten_after_its_time_to_the_millisecond
                concurrent_requests_with_one_key_create_one_session
                a_refused_request_does_not_use_up_its_key
                a_replay_comes_before_duplicates_and_limit
            }
            duplicates {
                all_duplicates_are_named_in_the_order_of_the_request
                only_size_hash_and_user_together_make_a_duplicate
                a_file_that_is_not_completed_is_no_duplicate
                duplicates_can_be_let_in
                files_of_ended_sessions_are_nobodys_duplicates
                an_expired_session_has_no_duplicates_even_before_the_reaper
                files_of_finalized_sessions_stay_duplicates
            }
            register_files {
                a_registered_file_is_stored_as_it_was_declared
                files_keep_the_order_of_their_registration
                a_key_is_taken_once_also_within_a_batch
                no_more_files_than_declared_and_a_taken_key_is_said_first
                one_key_registered_concurrently_is_taken_once
                concurrent_registrations_never_exceed_the_count
                an_ended_session_takes_no_files
                files_are_taken_until_the_millisecond_of_expiry
                files_are_refused_while_a_fresh_lock_is_held
            }
            record_part {
                a_recorded_part_counts
                a_part_sent_again_replaces_the_earlier_one
                concurrent_parts_all_count
                a_completed_file_takes_no_parts
                a_file_that_is_not_there_takes_no_parts
                an_ended_session_takes_no_parts
                parts_are_taken_until_the_millisecond_of_expiry
            }
            held_parts {
                held_parts_are_recorded_as_they_are_held
                what_was_recorded_in_the_meantime_stays
                held_parts_are_refused_where_parts_are
                a_restarted_file_has_another_upload_and_no_parts
                a_part_in_an_upload_that_is_no_more_does_not_count
                concurrent_restarts_of_one_upload_do_it_once
                only_a_file_that_takes_parts_is_restarted
            }
            complete_file {
                a_completed_file_has_its_url_and_counts_whole
                completing_again_changes_nothing
                a_part_that_came_while_its_file_was_joined_is_put_back
                concurrent_calls_complete_once
                a_file_that_is_not_there_is_not_completed
                an_ended_session_completes_no_files
                files_are_completed_until_the_millisecond_of_expiry
            }
            extension {
                every_activity_near_expiry_extends
                activity_far_from_expiry_does_not_extend
                what_changes_nothing_does_not_extend
                concurrent_activity_extends_once
                at_the_cap_the_session_expires_although_it_is_used
            }
            read_sessions {
                what_is_not_there_is_none
                a_session_sums_up_what_has_arrived
                a_list_is_a_users_own_newest_first_in_pages
                a_list_can_be_of_one_status_as_it_is_now
                a_list_says_of_a_session_what_the_session_says
            }
            end_session {
                cancelling_hands_over_every_upload_and_is_repeatable
                a_session_that_cannot_be_cancelled_stays
                a_session_with_a_stale_lock_can_be_cancelled
                sessions_expire_at_the_millisecond
                a_session_under_a_fresh_lock_does_not_expire
                expiring_takes_so_many_at_a_time
                concurrent_reapers_share_the_expired_sessions
                ended_sessions_are_to_be_freed_until_they_are
                a_freed_session_holds_nothing
                a_freed_session_is_looked_at_once_more
                a_session_that_lives_is_not_freed
            }
            finalize_session {
                the_lock_is_given_once_with_the_files_in_order
                concurrent_calls_get_one_lock
                a_lock_outlives_the_expiry_of_its_session
                a_lock_without_a_new_lease_is_taken_over
                a_renewed_lease_keeps_the_lock
                a_lock_without_a_new_lease_hinders_nothing
                a_lock_goes_stale_at_the_millisecond
                a_released_lock_can_be_taken_again
                a_lock_that_is_not_held_is_not_released
                a_session_that_takes_nothing_gives_no_lock
                a_moc_closes_its_session
                a_title_that_is_taken_releases_the_lock
                slugs_are_unique_per_user
                concurrent_commits_get_a_slug_each
                a_lost_lock_creates_nothing
            }
            housekeeping {
                a_store_answers
                a_database_has_one_id
                keys_are_owned_by_active_and_completed_sessions
                pruning_forgets_keys_and_days_before_its_time
            }
        }
    };
    ($stores:ident: $($topic:ident { $($behaviour:ident)* })*) => {
        $(mod $topic {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $behaviour() {
                    let stores: Option<$crate::session_store::Stores> =
                        super::$stores().await.into();
                    if let Some(stores) = stores {
                        $crate::session_store::$topic::$behaviour(&stores).await;
                    }
                }
            )*
        })*
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_behaviour_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/session_store");
        let unlisted = crate::listing::unlisted_behaviours(folder.as_ref());
        assert_eq!(unlisted, Vec::<String>::new());
    }
}
