//! Endpoint 11: makes the session a MOC (CONTRACT section 1.6).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use moc_uploads_core::Error;
use moc_uploads_core::finalize::{Moc, MocDraft};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::service::Finalized;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::detach::to_its_end;
use crate::extract::{Caller, JsonBody, RequestBody};
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;
use crate::v1::moc::MocBody;
use crate::validate::{FieldErrors, Length};

const MAX_TAGS: usize = 20;

/// What the MOC is to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "uploadSessionId": "0198c0de-0000-7000-8000-000000000001",
    "title": "Castle", "description": "A small one.", "tags": ["medieval"], "theme": "Castle"
}))]
pub(crate) struct FinalizeSessionRequest {
    #[schema(required, nullable = false, value_type = Option<uuid::Uuid>)]
    upload_session_id: Option<String>,
    /// Unique among your MOCs.
    #[schema(required, nullable = false, min_length = 1, max_length = 200)]
    title: Option<String>,
    #[schema(max_length = 5000)]
    description: Option<String>,
    /// Each of 1 to 50 characters.
    #[schema(nullable = false, max_items = 20)]
    tags: Option<Vec<String>>,
    #[schema(max_length = 100)]
    theme: Option<String>,
}

impl RequestBody for FinalizeSessionRequest {}

/// The MOC.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FinalizedMoc)]
pub(crate) struct FinalizedBody {
    #[serde(flatten)]
    moc: MocBody,
    /// True when an earlier call created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    idempotent: Option<bool>,
}

/// Another call is creating the MOC just now; ask again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finalizing)]
pub(crate) struct FinalizingBody {
    #[schema(value_type = crate::names::FinalizingStatus)]
    status: &'static str,
    /// Always true.
    idempotent: bool,
}

/// What a call finds that did not create the MOC.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FinalizedBefore {
    Finalized(Box<FinalizedBody>),
    Finalizing(FinalizingBody),
}

problem_responses!(Problems: BadRequest, FilesIncomplete, ContentTypeMismatch, SessionNotActive,
    Unauthorized, NotFound, RequestTimeout, Conflict, SessionExpired, PayloadTooLarge,
    UnsupportedMediaType, ValidationError, StorageUnavailable, DatabaseUnavailable, AuthUnavailable);

/// Make a session a MOC
///
/// Verifies every file and creates the MOC, once, however many call. A refusal changes nothing.
#[utoipa::path(
    post,
    context_path = BASE,
    path = "/sessions/finalize",
    operation_id = "finalizeSession",
    tag = "Sessions",
    request_body = FinalizeSessionRequest,
    responses(
        (status = 201, body = FinalizedBody, description = "The MOC is created.",
            headers(("Location" = String, description = "The session, which has the MOC."))),
        (status = 200, body = FinalizedBefore, description = "Another call created it, or is at it."),
        Problems
    ),
    security(("bearer" = []))
)]
pub(crate) async fn finalize_session(
    Caller(principal): Caller,
    State(app): State<AppState>,
    JsonBody(body): JsonBody<FinalizeSessionRequest>,
) -> Result<Response, Problem> {
    let (session_id, draft) = check(body)?;
    let finalized = to_its_end(&app, |uploads| async move {
        uploads
            .finalize_session(&principal, session_id, draft)
            .await
    })
    .await?;
    let body = |moc: Box<Moc>, idempotent| FinalizedBody {
        moc: (*moc).into(),
        idempotent,
    };
    let before = match finalized {
        Finalized::Created(moc) => {
            let location = format!("{BASE}/sessions/{session_id}");
            let body = Json(body(moc, None));
            return Ok((StatusCode::CREATED, [(LOCATION, location)], body).into_response());
        }
        Finalized::Before(moc) => FinalizedBefore::Finalized(Box::new(body(moc, Some(true)))),
        Finalized::InProgress => FinalizedBefore::Finalizing(FinalizingBody {
            status: "finalizing",
            idempotent: true,
        }),
    };
    Ok(Json(before).into_response())
}

/// Make a session a MOC (older address)
///
/// The same as `POST /sessions/finalize`.
#[utoipa::path(
    post,
    context_path = BASE,
    path = "/finalize",
    operation_id = "finalizeSessionAlias",
    tag = "Sessions",
    request_body = FinalizeSessionRequest,
    responses(
        (status = 201, body = FinalizedBody, description = "The MOC is created.",
            headers(("Location" = String, description = "The session, which has the MOC."))),
        (status = 200, body = FinalizedBefore, description = "Another call created it, or is at it."),
        Problems
    ),
    security(("bearer" = []))
)]
pub(crate) async fn finalize_session_alias(
    caller: Caller,
    state: State<AppState>,
    body: JsonBody<FinalizeSessionRequest>,
) -> Result<Response, Problem> {
    finalize_session(caller, state, body).await
}

fn check(body: FinalizeSessionRequest) -> Result<(SessionId, MocDraft), Problem> {
    let mut errors = FieldErrors::default();
    let session_id = errors.required("/uploadSessionId", body.upload_session_id);
    let title = errors.required("/title", body.title);
    let title = title.map(|title| title.trim().to_owned());
    if let Some(title) = &title {
        errors.text("/title", title, Length(1, 200), false);
    }
    if let Some(description) = &body.description {
        errors.text("/description", description, Length(0, 5000), true);
    }
    if let Some(theme) = &body.theme {
        errors.text("/theme", theme, Length(0, 100), false);
    }
    let tags = body.tags.unwrap_or_default();
    if tags.len() > MAX_TAGS {
        let message = format!("{} are too many; up to {MAX_TAGS} are taken.", tags.len());
        errors.push("/tags", message);
    }
    for (index, tag) in tags.iter().enumerate().take(MAX_TAGS) {
        errors.text(format_args!("/tags/{index}"), tag, Length(1, 50), false);
    }
    let draft = MocDraft {
        title: title.unwrap_or_default(),
        description: body.description,
        tags,
        theme: body.theme,
    };
    // Without id or title there is an error, and no result.
    let (session_id, draft) = errors.into_result((session_id.unwrap_or_default(), draft))?;
    let session_id = session_id.parse();
    Ok((session_id.map_err(|_| Error::NotFound("session"))?, draft))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pointers(body: Value) -> Vec<String> {
        match check(serde_json::from_value(body).unwrap()) {
            Ok(_) => Vec::new(),
            Err(problem) => {
                let errors = problem.into_parts().2.errors.unwrap();
                errors.into_iter().map(|error| error.pointer).collect()
            }
        }
    }

    #[test]
    fn limits_hold_to_the_character() {
        let id = "0198c0de-0000-7000-8000-000000000001";
        let body = |title: usize, description: usize, tag: usize, theme: usize| {
            json!({
                "uploadSessionId": id, "title": "é".repeat(title),
                "description": "d".repeat(description), "tags": vec!["t".repeat(tag); 20],
                "theme": "h".repeat(theme)
            })
        };
        assert_eq!(pointers(body(200, 5000, 50, 100)), [""; 0]);
        let wrong = pointers(body(201, 5001, 51, 101));
        assert_eq!(wrong[..3], ["/title", "/description", "/theme"]);
        assert_eq!(wrong.len(), 23);
        assert_eq!(pointers(json!({})), ["/uploadSessionId", "/title"]);
        assert_eq!(
            pointers(json!({"uploadSessionId": "x", "title": " \n ", "tags": vec!["t"; 21]})),
            ["/title", "/tags"]
        );
    }
}
