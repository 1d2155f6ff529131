//! The pages of the daemon, served.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

/// What is served.
pub(super) fn router() -> Router {
    Router::new().route("/healthz", get(|| async { (StatusCode::OK, "ok\n") }))
}
