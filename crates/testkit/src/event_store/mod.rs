//! What every `EventStore` does, one function per behaviour. An adapter runs all of them with
//! [`event_store_conformance!`](crate::event_store_conformance).

pub mod facts;
pub mod fixture;
pub mod insert_events;
pub mod prune_events;
pub mod settle_sessions;

pub use fixture::EventStores;

/// Makes a test of each behaviour. The argument is an async function that returns new, empty
/// [`EventStores`], or an `Option` of them: `None` leaves the behaviour out.
#[macro_export]
macro_rules! event_store_conformance {
    ($stores:ident) => {
        $crate::event_store_conformance! { $stores:
            facts {
                facts_are_what_the_steps_recorded
                a_completion_is_remembered_when_its_file_is_freed
                each_end_of_a_session_has_its_time
                a_refusal_is_remembered_with_its_first_time
                a_refusal_without_the_lock_is_none
                facts_of_many_sessions_are_kept_apart
            }
            insert_events {
                an_event_is_written_once_whoever_writes_it
                concurrent_writers_write_each_event_once
                events_of_a_session_that_is_gone_hold_up_no_other
            }
            settle_sessions {
                sessions_are_settled_when_they_have_ended
                unsettled_sessions_come_in_pages
            }
            prune_events {
                pruning_takes_the_oldest_to_the_millisecond_and_so_many_at_a_time
            }
        }
    };
    ($stores:ident: $($topic:ident { $($behaviour:ident)* })*) => {
        mod event_store {
            $(mod $topic {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                    async fn $behaviour() {
                        let stores: Option<$crate::event_store::EventStores> =
                            super::super::$stores().await.into();
                        if let Some(stores) = stores {
                            $crate::event_store::$topic::$behaviour(&stores).await;
                        }
                    }
                )*
            })*
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_behaviour_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/event_store");
        let unlisted = crate::listing::unlisted_behaviours(folder.as_ref());
        assert_eq!(unlisted, Vec::<String>::new());
    }
}
