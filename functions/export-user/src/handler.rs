//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Request, Response, StatusCode, header, response};

use crate::export_user::{ExportUser, Query};

/// The user, and administrators.
pub const ACCESS: Access = Access::OWNER_OR_ADMIN.recent();

/// `GET /users/{id}/export`.
pub async fn handle(export: Arc<ExportUser>, request: Request) -> Response {
    let id = request.user_id()?;
    let document = export.execute(&Query { id }).await?;
    let response = response::json(StatusCode::OK, &document)?;
    // RFC 6266: a browser saves it.
    let disposition = format!("attachment; filename=\"user-{id}.json\"");
    response::with_header(response, header::CONTENT_DISPOSITION, &disposition)
}
