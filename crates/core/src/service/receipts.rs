//! The client's list of parts against what has arrived (CONTRACT section 1.5).

use std::collections::BTreeSet;

use crate::error::Error;
use crate::part::{Part, PartReceipt};
use crate::plan::PartPlan;

/// What the store is to join, in order: each part of the plan once, with the etag that the client
/// names and the size that the plan says. `arrived` is in order.
///
/// # Errors
/// [`Error::PartCountMismatch`], [`Error::InvalidPart`], [`Error::PartSizeMismatch`], in this
/// order.
pub(super) fn check_receipts(
    plan: PartPlan,
    arrived: &[Part],
    receipts: &[PartReceipt],
) -> Result<Vec<PartReceipt>, Error> {
    let mut unexpected = BTreeSet::new();
    let mut named = BTreeSet::new();
    for receipt in receipts {
        if !plan.contains(receipt.part_number) || !named.insert(receipt.part_number) {
            unexpected.insert(receipt.part_number);
        }
    }
    let part = |part_number: u32| {
        arrived
            .binary_search_by_key(&part_number, |part| part.part_number)
            .ok()
            .map(|index| &arrived[index])
    };
    let missing: Vec<u32> = (1..=plan.part_count())
        .filter(|number| !named.contains(number) || part(*number).is_none())
        .collect();
    if !missing.is_empty() || !unexpected.is_empty() {
        return Err(Error::PartCountMismatch {
            expected: plan.part_count(),
            missing,
            unexpected: unexpected.into_iter().collect(),
        });
    }

    let mut receipts = receipts.to_vec();
    receipts.sort_by_key(|receipt| receipt.part_number);
    let pairs = || {
        receipts
            .iter()
            .filter_map(|receipt| Some((receipt, part(receipt.part_number)?)))
    };
    if let Some((receipt, _)) = pairs().find(|(receipt, part)| part.etag != receipt.etag) {
        return Err(Error::InvalidPart {
            part_number: receipt.part_number,
        });
    }
    let wrong_size = pairs().find_map(|(_, part)| {
        let expected_size_bytes = plan.part_len(part.part_number);
        (part.size_bytes != expected_size_bytes).then_some(Error::PartSizeMismatch {
            part_number: part.part_number,
            expected_size_bytes,
            received_bytes: Some(part.size_bytes),
        })
    });
    wrong_size.map_or(Ok(receipts), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::part::ETag;
    use crate::time::Timestamp;

    fn receipts(of: &[(u32, &str)]) -> Vec<PartReceipt> {
        of.iter()
            .map(|(part_number, etag)| PartReceipt {
                part_number: *part_number,
                etag: ETag::parse(etag),
            })
            .collect()
    }

    fn check(arrived: &[u32], named: &[(u32, &str)]) -> Result<Vec<PartReceipt>, Error> {
        let plan = PartPlan::new(25, 10);
        let parts: Vec<Part> = arrived
            .iter()
            .map(|part_number| Part {
                part_number: *part_number,
                etag: ETag::parse("e"),
                size_bytes: plan.part_len(*part_number),
                uploaded_at: Timestamp::from_unix_ms(0),
            })
            .collect();
        check_receipts(plan, &parts, &receipts(named))
    }

    #[test]
    fn any_order_will_do_and_the_store_gets_them_in_order() {
        let checked = check(&[1, 2, 3], &[(3, "e"), (1, "\"e\""), (2, "e")]).unwrap();
        let numbers: Vec<u32> = checked.iter().map(|part| part.part_number).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }

    #[test]
    fn missing_extra_double_and_wrong_parts_are_told_apart() {
        let mismatch = |result: Result<_, Error>| match result {
            Err(Error::PartCountMismatch {
                expected,
                missing,
                unexpected,
            }) => (expected, missing, unexpected),
            other => panic!("{other:?}"),
        };
        let all = [(1, "e"), (2, "e"), (3, "e")];
        assert_eq!(mismatch(check(&[1, 3], &all)), (3, vec![2], vec![]));
        assert_eq!(
            mismatch(check(&[1, 2, 3], &all[..1])),
            (3, vec![2, 3], vec![])
        );
        assert_eq!(
            mismatch(check(
                &[1, 2, 3],
                &[(1, "e"), (1, "e"), (2, "e"), (3, "e"), (4, "e")]
            )),
            (3, vec![], vec![1, 4])
        );
        let wrong = check(&[1, 2, 3], &[(1, "e"), (2, "x"), (3, "e")]).unwrap_err();
        assert_eq!(wrong.code(), ErrorCode::InvalidPart);
    }

    #[test]
    fn a_part_of_another_size_is_told_after_one_of_another_etag() {
        let plan = PartPlan::new(25, 10);
        let parts: Vec<Part> = [(1, 10), (2, 9), (3, 5)]
            .map(|(part_number, size_bytes)| Part {
                part_number,
                etag: ETag::parse("e"),
                size_bytes,
                uploaded_at: Timestamp::from_unix_ms(0),
            })
            .into();
        let check = |named| check_receipts(plan, &parts, &receipts(named)).unwrap_err();
        let wrong_etag = check(&[(1, "e"), (2, "e"), (3, "x")]);
        assert_eq!(wrong_etag.code(), ErrorCode::InvalidPart);
        match check(&[(1, "e"), (2, "e"), (3, "e")]) {
            Error::PartSizeMismatch {
                part_number: 2,
                expected_size_bytes: 10,
                received_bytes: Some(9),
            } => {}
            other => panic!("{other:?}"),
        }
    }
}
