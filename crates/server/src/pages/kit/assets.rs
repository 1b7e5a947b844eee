//! Stylesheet, script, icon and logo.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::http::state::State;
use crate::pages::kit::errors::not_found;
use crate::pages::kit::render::ASSET_HEADERS;

pub(crate) async fn get(request: HttpRequest, name: Path<String>, state: Data<State>) -> HttpResponse {
    let Some(asset) = state.pages.find_asset(&name).cloned() else { return not_found(request, state).await };
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == asset.etag.as_bytes());
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, asset.etag.clone())).insert_header((CONTENT_TYPE, asset.content_type));
    for header in ASSET_HEADERS {
        response.insert_header(*header);
    }
    // only what was asked for by this version may be kept forever: another node may still serve the one before
    if !request.query_string().ends_with(asset.etag.trim_matches('"')) {
        response.insert_header((CACHE_CONTROL, "no-cache"));
    }
    if known { response.finish() } else { response.body(asset.bytes) }
}
