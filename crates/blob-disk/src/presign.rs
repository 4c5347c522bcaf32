//! URLs that lead back to this server (CONTRACT section 1.3).

use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::ports::{PartAddress, PresignedPart};
use moc_uploads_core::time::Timestamp;
use ring::hmac;

/// Bytes.
pub(crate) const KEY_LEN: usize = 32;

pub(crate) struct Presigner {
    key: hmac::Key,
    sessions_url: String,
}

impl Presigner {
    pub(crate) fn new(key: &[u8; KEY_LEN], public_base_url: &str) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            sessions_url: format!(
                "{}/api/mocs/uploads/sessions",
                public_base_url.trim_end_matches('/')
            ),
        }
    }

    pub(crate) fn object_url(&self, session_id: SessionId, file_id: FileId) -> String {
        let sessions = &self.sessions_url;
        format!("{sessions}/{session_id}/files/{file_id}/content")
    }

    pub(crate) fn presign(&self, address: PartAddress, expires_at: Timestamp) -> PresignedPart {
        let PartAddress {
            session_id,
            file_id,
            part_number,
        } = address;
        let sessions = &self.sessions_url;
        let expires = expires_at.unix_ms();
        let signature = hex::encode(hmac::sign(&self.key, &signed_text(address, expires_at)));
        PresignedPart {
            part_number,
            url: format!(
                "{sessions}/{session_id}/files/{file_id}/parts/{part_number}\
                 ?expires={expires}&signature={signature}"
            ),
            headers: Vec::new(),
            expires_at,
        }
    }

    /// In constant time.
    pub(crate) fn verify(
        &self,
        address: PartAddress,
        expires_at: Timestamp,
        signature: &str,
    ) -> bool {
        hex::decode(signature).is_ok_and(|signature| {
            hmac::verify(&self.key, &signed_text(address, expires_at), &signature).is_ok()
        })
    }
}

/// Fields can't run into each other: ids have one length, numbers no sign but a leading one.
fn signed_text(address: PartAddress, expires_at: Timestamp) -> Vec<u8> {
    format!(
        "moc-uploads part 1\n{}\n{}\n{}\n{}\n",
        address.session_id,
        address.file_id,
        address.part_number,
        expires_at.unix_ms(),
    )
    .into_bytes()
}
