//! Lists in JSON bodies, of which no more is kept than it takes to see that they are too long: a
//! body of empty objects would take a hundred times its size.

use std::fmt;
use std::marker::PhantomData;

use moc_uploads_core::plan::MAX_PART_COUNT;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::validate::MAX_FILES;

/// Up to one more than a request may name.
pub(crate) fn files<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    Option::<Head<T, { MAX_FILES + 1 }>>::deserialize(deserializer).map(|head| Some(head?.0))
}

/// Up to one more than a file can have.
pub(crate) fn parts<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    Option::<Head<T, { MAX_PART_COUNT as usize + 1 }>>::deserialize(deserializer)
        .map(|head| Some(head?.0))
}

/// The first `MAX` items.
struct Head<T, const MAX: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Head<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadVisitor<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for HeadVisitor<T, MAX> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
                let mut items = Vec::new();
                while items.len() < MAX {
                    let Some(item) = seq.next_element()? else {
                        return Ok(items);
                    };
                    items.push(item);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(items)
            }
        }

        deserializer
            .deserialize_seq(HeadVisitor::<T, MAX>(PhantomData))
            .map(Self)
    }
}
