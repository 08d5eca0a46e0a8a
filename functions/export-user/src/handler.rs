//! HTTP to the use case and back.

use std::sync::Arc;

use shared::lambda::http::{Access, Call, Reply, StatusCode, header, reply};

use crate::export_user::{ExportUser, Query};

/// The user, and administrators.
pub const ACCESS: Access = Access::OwnerOrAdmin;

/// `GET /users/{id}/export`.
pub async fn handle(export: Arc<ExportUser>, call: Call) -> Reply {
    let id = call.user_id()?;
    let document = export.execute(&Query { id }).await?;
    let response = reply::json(StatusCode::OK, &document)?;
    // RFC 6266: a browser saves it.
    let disposition = format!("attachment; filename=\"user-{id}.json\"");
    reply::with_header(response, header::CONTENT_DISPOSITION, &disposition)
}
