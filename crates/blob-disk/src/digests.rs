//! ETags and the digests that clients send along.

use crc_fast::{CrcAlgorithm, Digest};
use md5::Digest as _;
use moc_uploads_core::part::{ETag, PartReceipt};
use moc_uploads_core::ports::Checksum;
use ring::digest::{Context, SHA256, SHA512};

/// The ETag of a part: its CRC-64/NVME and its size, both in hex digits. A CRC is enough, since
/// the ETag only tells one sending of a part from another; who wants more sends a digest along.
pub(crate) fn part_etag(crc: u64, size_bytes: u64) -> ETag {
    ETag::parse(&format!("{crc:016x}-{size_bytes:x}"))
}

/// The ETag of an object: the same whenever it is made of the same parts.
pub(crate) fn object_etag(parts: &[PartReceipt]) -> ETag {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    for part in parts {
        digest.update(part.etag.as_str().as_bytes());
        digest.update(b"\n");
    }
    ETag::parse(&format!("{:016x}-{}", digest.finalize(), parts.len()))
}

/// The CRC of a part, computed as its bytes come: they are at hand then, which makes it nearly free.
pub(crate) struct PartCrc(Digest);

impl PartCrc {
    pub(crate) fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Nvme))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0.finalize()
    }
}

/// The digests that were declared for a part, computed while it is written.
pub(crate) struct DeclaredDigests(Vec<Declared>);

enum Declared {
    Md5(md5::Md5, [u8; 16]),
    Sha256(Context, [u8; 32]),
    Sha512(Context, [u8; 64]),
}

impl DeclaredDigests {
    pub(crate) fn new(checksums: &[Checksum]) -> Self {
        let declare = |checksum: &Checksum| match *checksum {
            Checksum::Md5(expected) => Declared::Md5(md5::Md5::new(), expected),
            Checksum::Sha256(expected) => Declared::Sha256(Context::new(&SHA256), expected),
            Checksum::Sha512(expected) => Declared::Sha512(Context::new(&SHA512), expected),
        };
        Self(checksums.iter().map(declare).collect())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for declared in &mut self.0 {
            match declared {
                Declared::Md5(context, _) => context.update(bytes),
                Declared::Sha256(context, _) | Declared::Sha512(context, _) => {
                    context.update(bytes);
                }
            }
        }
    }

    /// The name of the first digest that does not match.
    pub(crate) fn check(self) -> Result<(), &'static str> {
        for declared in self.0 {
            let (name, matches) = match declared {
                Declared::Md5(context, expected) => ("MD5", context.finalize()[..] == expected),
                Declared::Sha256(context, expected) => {
                    ("SHA-256", context.finish().as_ref() == expected)
                }
                Declared::Sha512(context, expected) => {
                    ("SHA-512", context.finish().as_ref() == expected)
                }
            };
            if !matches {
                return Err(name);
            }
        }
        Ok(())
    }
}
