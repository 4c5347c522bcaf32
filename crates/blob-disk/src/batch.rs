//! Bytes of a part on their way to the disk.

use bytes::Bytes;

/// What direct I/O wants addresses, offsets and lengths to be multiples of: the largest block that
/// disks in use have.
pub(crate) const ALIGNMENT: usize = 4096;

/// Bytes that are written at once, from an address that direct I/O can take. Chunks are copied
/// together: each holds on to the whole buffer that its connection was read into.
#[derive(Default)]
pub(crate) struct Batch {
    /// As much before the bytes as aligns them, then the bytes; never grows.
    buffer: Vec<u8>,
    start: usize,
    max_bytes: usize,
}

impl Batch {
    /// Empties it and makes room for `max_bytes`.
    pub(crate) fn clear(&mut self, max_bytes: usize) {
        let capacity = max_bytes + ALIGNMENT;
        // More than is wanted is given back, or the first of many puts would keep it.
        if self.buffer.capacity() < capacity || self.buffer.capacity() > 2 * capacity {
            self.buffer = Vec::with_capacity(capacity);
            self.start = self.buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
            self.buffer.resize(self.start, 0);
        }
        self.buffer.truncate(self.start);
        self.max_bytes = max_bytes;
    }

    /// Takes as much of the chunk as there is room for.
    pub(crate) fn take_from(&mut self, chunk: &mut Bytes) {
        let room = self.max_bytes - self.bytes().len();
        self.buffer
            .extend_from_slice(&chunk.split_to(chunk.len().min(room)));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes().len() == self.max_bytes
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_aligned_in_order_and_no_more_than_there_is_room_for() {
        let mut batch = Batch::default();
        for max_bytes in [5, 3, 1_000_000, 7] {
            batch.clear(max_bytes);
            let mut chunks = vec![Bytes::from("ab"), Bytes::from(vec![b'c'; max_bytes])];
            for chunk in &mut chunks {
                batch.take_from(chunk);
            }
            assert!(batch.is_full());
            assert_eq!(batch.bytes().as_ptr().align_offset(ALIGNMENT), 0);
            assert_eq!(batch.bytes()[..3], *b"abc");
            assert_eq!(batch.bytes().len(), max_bytes);
            assert_eq!(chunks[1].len(), 2);
        }
        assert!(
            batch.buffer.capacity() < 100_000,
            "the large buffer is kept"
        );
    }
}
