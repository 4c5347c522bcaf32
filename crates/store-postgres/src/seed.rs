//! The rows of the seed document (CONTRACT section 4).

use moc_uploads_core::time::Timestamp;

use crate::error::Error;
use crate::sql::Database;

pub(crate) async fn seed(db: &Database, now: Timestamp) -> Result<(), Error> {
    let mut transaction = db.begin().await?;
    transaction
        .script(format!("SET LOCAL moc_uploads.now = '{now}'"))
        .await?;
    transaction
        .script(include_str!("../seeds/story_01723.sql"))
        .await?;
    transaction.commit().await
}
