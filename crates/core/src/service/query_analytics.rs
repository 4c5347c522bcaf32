//! What the events say (CONTRACT section 1.8, endpoint 12).

use super::Uploads;
use crate::analytics_report::{AnalyticsQuery, AnalyticsReport};
use crate::error::Error;
use crate::principal::Principal;

impl Uploads {
    /// Metrics, and a page of events. For admins alone.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for everybody else; those of the database.
    pub async fn query_analytics(
        &self,
        principal: &Principal,
        query: AnalyticsQuery,
    ) -> Result<AnalyticsReport, Error> {
        principal.require_admin()?;
        Ok(self.deps.events.report(query).await?)
    }

    /// Does a small piece of what makes reports quick; whether there is more to do.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn prepare_analytics(&self) -> Result<bool, Error> {
        Ok(self.deps.events.prepare_reports().await?)
    }
}
