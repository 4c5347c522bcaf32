//! What is true of the disk store beyond what every object store does.

mod common;
mod crashes;
mod folder;
mod full_disk;
mod interleavings;
mod presigned;
