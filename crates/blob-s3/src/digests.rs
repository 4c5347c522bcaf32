//! The digests that clients send along, computed while bytes pass by.

use bytes::Bytes;
use md5::Digest as _;
use moc_uploads_core::ports::{Checksum, ObjectStoreError};
use ring::digest::{Context, SHA256, SHA512};

use crate::error::unavailable;

/// What the bytes must have.
pub(crate) struct Digests(Vec<Declared>);

enum Declared {
    Md5(md5::Md5, [u8; 16]),
    Sha256(Context, [u8; 32]),
    Sha512(Context, [u8; 64]),
}

impl Digests {
    pub(crate) fn new(checksums: &[Checksum]) -> Self {
        let declare = |checksum: &Checksum| match *checksum {
            Checksum::Md5(expected) => Declared::Md5(md5::Md5::new(), expected),
            Checksum::Sha256(expected) => Declared::Sha256(Context::new(&SHA256), expected),
            Checksum::Sha512(expected) => Declared::Sha512(Context::new(&SHA512), expected),
        };
        Self(checksums.iter().map(declare).collect())
    }

    /// Takes in the next bytes, away from the async workers.
    pub(crate) async fn update(self, bytes: Bytes) -> Result<Self, ObjectStoreError> {
        if self.0.is_empty() {
            return Ok(self);
        }
        blocking(move || {
            let mut digests = self.0;
            for declared in &mut digests {
                match declared {
                    Declared::Md5(context, _) => context.update(&bytes),
                    Declared::Sha256(context, _) | Declared::Sha512(context, _) => {
                        context.update(&bytes);
                    }
                }
            }
            Self(digests)
        })
        .await
    }

    /// The name of the first digest that does not match.
    pub(crate) fn finish(self) -> Result<(), &'static str> {
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

/// The SHA-256 of a whole object.
pub(crate) struct ObjectDigest(Context);

impl ObjectDigest {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes in the next bytes, away from the async workers.
    pub(crate) async fn update(self, bytes: Bytes) -> Result<Self, ObjectStoreError> {
        blocking(move || {
            let mut context = self.0;
            context.update(&bytes);
            Self(context)
        })
        .await
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ObjectStoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| unavailable("hashing", error))
}
