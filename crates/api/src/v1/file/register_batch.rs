//! Endpoint 6: registers several files; what fails does not undo what does not (CONTRACT
//! section 1.3).

use axum::Json;
use axum::extract::State;
use moc_uploads_core::Error;
use moc_uploads_core::service::{RegisterFile, RegisteredFile};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::register::{RegisterFileRequest, RegisteredFileBody};
use crate::detach::to_its_end;
use crate::extract::{Caller, JsonBody, Object, RequestBody, SessionPath};
use crate::problem::{Members, Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;
use crate::v1::activity::SessionExtension;
use crate::validate::{FieldErrors, MAX_FILES};

/// Files that were declared when the session was created.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RegisterFilesBatchRequest {
    /// Up to `MAX_BATCH_SIZE`, 10 unless the server is told otherwise.
    #[schema(required, nullable = false, value_type = Option<Vec<RegisterFileRequest>>, min_items = 1)]
    #[serde(default, deserialize_with = "crate::extract::list::files")]
    files: Option<Vec<Object<RegisterFileRequest>>>,
}

impl RequestBody for RegisterFilesBatchRequest {}

/// How it went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RegisteredFilesBatch)]
pub(crate) struct RegisterFilesBatchBody {
    /// One per file of the request, in order.
    results: Vec<BatchResult>,
    #[serde(flatten)]
    extension: SessionExtension,
}

/// A registered file, or why it was refused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = FileBatchResult)]
pub(crate) enum BatchResult {
    Registered(RegisteredFileBody),
    Refused(Box<RefusedFile>),
}

/// A file that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedFile {
    /// The client's, as far as it gave one.
    #[schema(required)]
    key: Option<String>,
    error: RefusalBody,
}

/// As in a problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileRefusal)]
pub(crate) struct RefusalBody {
    #[schema(value_type = crate::names::ProblemCode)]
    code: &'static str,
    message: String,
    #[serde(flatten)]
    members: Members,
}

problem_responses!(Problems: BadRequest, SessionNotActive, Unauthorized, NotFound, RequestTimeout,
    Conflict, SessionExpired, PayloadTooLarge, UnsupportedMediaType, ValidationError,
    DatabaseUnavailable, AuthUnavailable);

/// Register several files
///
/// Each by itself: a file that is refused does not undo another.
#[utoipa::path(
    post,
    context_path = BASE,
    path = "/sessions/{sessionId}/files/batch",
    operation_id = "registerFilesBatch",
    tag = "Files",
    params(("sessionId" = uuid::Uuid, Path)),
    request_body = RegisterFilesBatchRequest,
    responses((status = 200, body = RegisterFilesBatchBody, description = "A result for each."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn register_files_batch(
    Caller(principal): Caller,
    State(app): State<AppState>,
    SessionPath(session_id): SessionPath,
    JsonBody(body): JsonBody<RegisterFilesBatchRequest>,
) -> Result<Json<RegisterFilesBatchBody>, Problem> {
    let (keys, requests) = check(body)?;
    let registered = to_its_end(&app, |uploads| async move {
        uploads
            .register_files(&principal, session_id, requests)
            .await
    })
    .await?;
    let extension = registered
        .iter()
        .flatten()
        .find_map(|file| file.extension)
        .into();
    let results = keys
        .into_iter()
        .zip(registered)
        .map(|(key, result)| batch_result(key, result))
        .collect();
    Ok(Json(RegisterFilesBatchBody { results, extension }))
}

type Requests = (Vec<Option<String>>, Vec<Result<RegisterFile, Error>>);

fn check(body: RegisterFilesBatchRequest) -> Result<Requests, Problem> {
    let mut errors = FieldErrors::default();
    let files = errors.required("/files", body.files).unwrap_or_default();
    if files.is_empty() && errors.is_empty() {
        errors.push("/files", "Name at least one file.");
    }
    if files.len() > MAX_FILES {
        errors.push("/files", "These are too many; send several batches.");
    }
    let checked = files
        .into_iter()
        .enumerate()
        .map(|(index, Object(file))| {
            let key = file.key().map(str::to_owned);
            let request = file
                .check(&format!("/files/{index}"))
                .map_err(|errors| Error::Validation(errors.into_vec()));
            (key, request)
        })
        .unzip();
    errors.into_result(checked)
}

fn batch_result(key: Option<String>, result: Result<RegisteredFile, Error>) -> BatchResult {
    match result {
        Ok(file) => BatchResult::Registered(file.into()),
        Err(error) => {
            let (code, message, members) = Problem::from(error).into_parts();
            BatchResult::Refused(Box::new(RefusedFile {
                key,
                error: RefusalBody {
                    code: code.as_str(),
                    message,
                    members,
                },
            }))
        }
    }
}
