//! How a file is cut into parts.

/// Part numbers run from 1 to this (CONTRACT section 1.4).
pub const MAX_PART_COUNT: u64 = 10_000;

const MIB: u64 = 1024 * 1024;

/// A file's parts: part `n` holds the bytes from `(n - 1) * part_size_bytes`; all are full but
/// the last, which is the rest (CONTRACT section 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlan {
    size_bytes: u64,
    part_size_bytes: u64,
}

impl PartPlan {
    /// A plan for a file of `size_bytes` (> 0) in parts of `part_size_bytes` (> 0).
    pub fn new(size_bytes: u64, part_size_bytes: u64) -> Self {
        debug_assert!(size_bytes > 0 && part_size_bytes > 0);
        Self {
            size_bytes,
            part_size_bytes: part_size_bytes.max(1),
        }
    }

    /// The size of the whole file in bytes.
    pub fn size_bytes(self) -> u64 {
        self.size_bytes
    }

    /// How many parts the file has, at least 1.
    pub fn part_count(self) -> u32 {
        let count = self.size_bytes.div_ceil(self.part_size_bytes).max(1);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Whether the file has a part of this number.
    pub fn contains(self, part_number: u32) -> bool {
        (1..=self.part_count()).contains(&part_number)
    }

    /// Where a part's bytes begin in the file.
    pub fn offset(self, part_number: u32) -> u64 {
        u64::from(part_number.saturating_sub(1)) * self.part_size_bytes
    }

    /// The exact size of a part that the file has.
    pub fn part_len(self, part_number: u32) -> u64 {
        self.part_size_bytes
            .min(self.size_bytes.saturating_sub(self.offset(part_number)))
    }
}

/// The part size of a session whose largest file has `largest_bytes`: the configured one, or
/// whole MiB more when that file would need over [`MAX_PART_COUNT`] parts (CONTRACT section 5,
/// `MULTIPART_PART_SIZE_MB`).
pub fn part_size_for(configured_bytes: u64, largest_bytes: u64) -> u64 {
    let needed = largest_bytes.div_ceil(MAX_PART_COUNT);
    if needed <= configured_bytes {
        configured_bytes
    } else {
        needed.div_ceil(MIB) * MIB
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_cover_the_file_exactly(size in 1u64..1 << 50, part_size in 1u64..1 << 40) {
            prop_assume!(size / part_size < 20_000);
            let plan = PartPlan::new(size, part_size);
            let mut end = 0;
            for part_number in 1..=plan.part_count() {
                prop_assert_eq!(plan.offset(part_number), end);
                let len = plan.part_len(part_number);
                prop_assert!(len > 0 && len <= part_size);
                prop_assert!(len == part_size || part_number == plan.part_count());
                end += len;
            }
            prop_assert_eq!(end, size);
            prop_assert!(!plan.contains(0) && !plan.contains(plan.part_count() + 1));
        }

        #[test]
        fn no_file_has_too_many_parts(size in 1u64..1 << 50, configured in 5u64..=100) {
            let part_size = part_size_for(configured * MIB, size);
            prop_assert!(part_size >= configured * MIB);
            prop_assert!(u64::from(PartPlan::new(size, part_size).part_count()) <= MAX_PART_COUNT);
        }
    }
}
