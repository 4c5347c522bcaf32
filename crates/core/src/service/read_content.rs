//! Hands out a completed file (CONTRACT section 1, endpoint 10).

use std::ops::Range;

use super::{Uploads, reachable_file};
use crate::error::Error;
use crate::file::{FileStatus, UploadFile};
use crate::ids::{FileId, SessionId};
use crate::object_key::ObjectKey;
use crate::ports::{ObjectBody, PresignedHeaders};
use crate::principal::{Access, Principal};

/// A completed file: what there is to know before its bytes are sent.
pub struct Content {
    /// The file; its `object_key` is there.
    pub file: UploadFile,
    uploads: Uploads,
}

impl Uploads {
    /// A completed file of the caller.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a file that is not completed.
    pub async fn read_content(
        &self,
        principal: &Principal,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Content, Error> {
        let target = self.deps.sessions.file(session_id, file_id).await?;
        let (_, file) = reachable_file(target, Access::Owner(&principal.user_id))?;
        if file.status != FileStatus::Completed {
            return Err(Error::conflict(match file.status {
                FileStatus::Failed => {
                    "The session ended before the file was completed, or was cancelled; its bytes \
                     are gone."
                }
                _ => "The file is not completed; send its parts and complete it first.",
            }));
        }
        if file.object_key.is_none() {
            return Err(Error::NotFound("file"));
        }
        Ok(Content {
            file,
            uploads: self.clone(),
        })
    }
}

impl Content {
    fn key(&self) -> Result<&ObjectKey, Error> {
        self.file.object_key.as_ref().ok_or(Error::NotFound("file"))
    }

    /// Where the object store hands it out itself, for a GET alone, with these headers; `None`
    /// when it is to be streamed.
    ///
    /// # Errors
    /// [`Error::StorageUnavailable`].
    pub async fn presigned_url(&self, headers: &PresignedHeaders) -> Result<Option<String>, Error> {
        let settings = self.uploads.settings();
        if !settings.redirects_content {
            return Ok(None);
        }
        let expires_at = self.uploads.now() + settings.presigned_url_ttl;
        let objects = &self.uploads.deps.objects;
        let url = objects.presign_object(self.key()?, headers, expires_at);
        Ok(url.await?)
    }

    /// Streams some of its bytes.
    ///
    /// # Errors
    /// [`Error::StorageUnavailable`]; [`Error::Internal`] when the object is gone.
    pub async fn stream(&self, range: Range<u64>) -> Result<ObjectBody, Error> {
        let key = self.key()?;
        self.uploads
            .deps
            .objects
            .read_object(key, range)
            .await?
            .ok_or_else(|| Error::internal(format!("object {key} is gone")))
    }
}
