//! The files that pages load, embedded. Their names have a sum of their content, so that browsers may keep them for good.

use std::sync::LazyLock;

use axum::extract::{Path, State as Of};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Shared;

/// One file.
pub(super) struct Asset {
    name: &'static str,
    media: &'static str,
    text: &'static str,
}

impl Asset {
    /// Where it is: `/assets/SUM-NAME`.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}", self.file())
    }

    fn file(&self) -> String {
        format!("{:08x}-{}", crc32fast::hash(self.text.as_bytes()), self.name)
    }
}

/// How pages look.
pub(super) static STYLE: Asset =
    Asset { name: "style.css", media: "text/css; charset=utf-8", text: include_str!("style.css") };
/// What keeps pages live.
pub(super) static SCRIPT: Asset =
    Asset { name: "page.js", media: "text/javascript; charset=utf-8", text: include_str!("page.js") };
/// What draws charts.
pub(super) static CHARTS: Asset =
    Asset { name: "charts.js", media: "text/javascript; charset=utf-8", text: include_str!("charts.js") };
/// The sign in the title of the window.
pub(super) static ICON: Asset = Asset { name: "icon.svg", media: "image/svg+xml", text: include_str!("icon.svg") };

/// By the names that they are loaded under.
static FILES: LazyLock<Vec<(String, &Asset)>> =
    LazyLock::new(|| [&STYLE, &SCRIPT, &CHARTS, &ICON].map(|asset| (asset.file(), asset)).into());

/// A file.
pub(super) async fn asset(Of(_): Of<Shared>, Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(file, _)| *file == name) {
        Some((_, asset)) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(asset.media)),
                (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
            ];
            (headers, asset.text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
