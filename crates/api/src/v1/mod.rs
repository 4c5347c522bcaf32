//! The endpoints of CONTRACT section 1, one file each.

mod activity;
mod file;
mod moc;
mod part;
mod session;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Where all of them are.
pub(crate) const BASE: &str = "/api/mocs/uploads";

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(
            session::create::create_session,
            session::list::list_sessions
        ))
        .routes(routes!(
            session::get::get_session,
            session::cancel::cancel_session
        ))
        .routes(routes!(session::analytics::get_analytics))
        .routes(routes!(file::register::register_file))
        .routes(routes!(file::register_batch::register_files_batch))
        .routes(routes!(part::upload::upload_part))
        .routes(routes!(part::list::list_parts))
        .routes(routes!(file::complete::complete_file))
        .routes(routes!(file::content::get_file_content))
        .routes(routes!(session::finalize::finalize_session))
        .routes(routes!(session::finalize::finalize_session_alias))
}
