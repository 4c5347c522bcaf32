//! Objects on their way out.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{ObjectBody, ObjectStoreError};
use rustix::buffer::spare_capacity;
use tokio::task::JoinHandle;

use crate::error::{blocking, if_found, join_error, store_error};
use crate::store::Inner;

/// Bytes read at once. One chunk is read ahead.
const CHUNK_BYTES: u64 = 128 * 1024;

pub(crate) async fn object_size(
    inner: &Arc<Inner>,
    key: &ObjectKey,
) -> Result<Option<u64>, ObjectStoreError> {
    let path = inner.layout.object(key);
    blocking(move || if_found(std::fs::metadata(path)))
        .await?
        .map(|found| found.map(|metadata| metadata.len()))
        .map_err(store_error)
}

/// The first chunk is read together with the opening: a small object is one hop.
pub(crate) async fn read_object(
    inner: &Arc<Inner>,
    key: &ObjectKey,
    range: Range<u64>,
) -> Result<Option<ObjectBody>, ObjectStoreError> {
    let path = inner.layout.object(key);
    let opened = blocking(move || {
        let Some(file) = if_found(File::open(path))? else {
            return Ok(None);
        };
        Reader { file, range }.next().map(Some)
    });
    let Some(first) = opened.await?.map_err(store_error)? else {
        return Ok(None);
    };
    let body = stream::unfold(Some(Ahead::Read(first)), |ahead| async {
        let read = match ahead? {
            Ahead::Read(read) => Ok(read),
            Ahead::Reading(task) => match task.await {
                Ok(read) => read.map_err(store_error),
                Err(error) => Err(join_error(error)),
            },
        };
        let (chunk, reader) = match read {
            Ok(read) => read,
            Err(error) => return Some((Err(error), None)),
        };
        let ahead = (!reader.range.is_empty())
            .then(|| Ahead::Reading(tokio::task::spawn_blocking(move || reader.next())));
        Some((Ok(chunk), ahead))
    });
    Ok(Some(Box::pin(body)))
}

enum Ahead {
    Read((Bytes, Reader)),
    Reading(JoinHandle<io::Result<(Bytes, Reader)>>),
}

/// An object and what of it is still to be read.
struct Reader {
    file: File,
    range: Range<u64>,
}

impl Reader {
    fn next(mut self) -> io::Result<(Bytes, Self)> {
        let end = self.range.end.min(self.range.start + CHUNK_BYTES);
        let len = (end - self.range.start) as usize;
        let mut chunk = Vec::with_capacity(len);
        while chunk.len() < len {
            let offset = self.range.start + chunk.len() as u64;
            if rustix::io::pread(&self.file, spare_capacity(&mut chunk), offset)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        chunk.truncate(len);
        self.range.start = end;
        Ok((chunk.into(), self))
    }
}
