//! What every `ObjectStore` does, one function per behaviour.
//!
//! Behaviours hold for any store: parts but the last have 5 MiB, as S3 wants them, and nothing is
//! said about where bytes lie.

pub mod addresses;
pub mod completing;
pub mod ending;
mod fixture;
pub mod listing;
pub mod parts;
pub mod reading;

use std::any::Any;
use std::sync::Arc;

use moc_uploads_core::ports::ObjectStore;

pub use fixture::{PART_BYTES, TestFile, body, bytes, content};

/// A store to be tested.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// What must live as long.
    _keep: Box<dyn Any + Send>,
}

impl Subject {
    /// A store and what must live as long: its folder, its server.
    pub fn new(store: impl ObjectStore + 'static, keep: impl Any + Send) -> Self {
        Self {
            store: Arc::new(store),
            _keep: Box::new(keep),
        }
    }
}

/// Makes a test of each behaviour. The argument is an async function that returns a fresh
/// [`Subject`], or `None` where the test is to be left out.
#[macro_export]
macro_rules! object_store_conformance {
    ($subject:ident) => {
        $crate::object_store_conformance! { $subject:
            addresses {
                presigned_urls_tell_parts_and_expiries_apart
                objects_have_urls_of_their_own
                the_store_answers
            }
            completing {
                an_object_is_not_visible_before_completion
                completing_again_gives_the_same_answer
                completing_at_once_completes_once
                a_right_sha256_is_accepted
                a_wrong_sha256_is_told_and_the_file_can_be_sent_again
                sizes_around_the_part_size_come_back_exactly
                an_upload_without_parts_is_no_upload
                a_part_after_completion_changes_nothing
            }
            ending {
                aborting_leaves_nothing_and_can_be_repeated
                aborting_leaves_an_object_alone
                aborting_leaves_other_uploads_alone
                deleting_removes_the_object_and_can_be_repeated
            }
            listing {
                parts_are_listed_as_they_are_held
                long_lists_of_parts_come_whole
                an_upload_that_is_over_holds_no_parts
                an_upload_is_found_until_it_is_over
            }
            parts {
                parts_arrive_in_any_order
                parts_arrive_in_parallel
                a_part_sent_again_replaces_the_earlier_one
                a_part_sent_three_times_counts_as_sent_last
                a_part_that_breaks_off_leaves_the_earlier_one
                a_part_of_the_wrong_length_leaves_the_earlier_one
                a_part_with_a_wrong_checksum_leaves_the_earlier_one
                a_part_that_failed_can_be_sent_again
                a_body_that_does_not_end_is_not_read_to_its_end
                right_checksums_are_accepted
                chunks_of_any_size_make_the_same_part
                other_bytes_have_another_etag
            }
            reading {
                any_range_comes_back
                what_is_not_there_is_none
                objects_do_not_mix
                an_object_is_read_by_many_at_once
            }
        }
    };
    ($subject:ident: $($topic:ident { $($behaviour:ident)+ })+) => {
        $(mod $topic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                let subject: Option<$crate::object_store::Subject> =
                    super::$subject().await.into();
                if let Some(subject) = subject {
                    $crate::object_store::$topic::$behaviour(&*subject.store).await;
                }
            })+
        })+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_behaviour_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/object_store");
        let unlisted = crate::listing::unlisted_behaviours(folder.as_ref());
        assert!(unlisted.is_empty(), "not in the macro: {unlisted:?}");
    }
}
