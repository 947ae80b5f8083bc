//! Podio's files: upload as multipart, download as bytes, also from the files host.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Multipart, Path, State},
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    api::{Signed, id},
    data::{CREATED, File},
    error::Refusal,
};
use crate::server::World;

/// `POST /file/` with the parts `source` and `filename`. Without a multipart body the router finds no operation.
pub(crate) async fn upload(State(world): State<Arc<World>>, signed: Signed, body: Option<Multipart>) -> Response<Body> {
    let missing = || Refusal::not_found("No matching operation could be found. Missing parameters: source.");
    let Some(mut form) = body else { return signed.refuse(&missing()) };
    let (mut source, mut filename, mut mimetype) = (None, None, None);
    while let Ok(Some(part)) = form.next_field().await {
        match part.name() {
            Some("source") => {
                mimetype = part.content_type().map(str::to_owned);
                source = part.bytes().await.ok();
            }
            Some("filename") => filename = part.text().await.ok(),
            _ => {}
        }
    }
    let (Some(bytes), Some(name)) = (source, filename) else { return signed.refuse(&missing()) };
    let file = File { name, mimetype: mimetype.unwrap_or_else(|| "application/octet-stream".to_owned()), bytes };
    let number = {
        let data = &mut world.podio.state().data;
        let number = data.next(400_000);
        data.files.insert(number, file.clone());
        number
    };
    signed.ok(describe(number, &file))
}

pub(crate) async fn file(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(find(&world, &number).map(|(number, file)| describe(number, &file)))
}

pub(crate) async fn raw(State(world): State<Arc<World>>, Path(number): Path<String>, signed: Signed) -> Response<Body> {
    match find(&world, &number) {
        Ok((_, file)) => {
            let label =
                HeaderValue::try_from(file.mimetype).unwrap_or(HeaderValue::from_static("application/octet-stream"));
            signed.with_rate((StatusCode::OK, [(header::CONTENT_TYPE, label)], file.bytes).into_response())
        }
        Err(refusal) => signed.refuse(&refusal),
    }
}

/// `files.podio.com/{id}`, which shares this port with the API.
pub(crate) async fn by_number(world: State<Arc<World>>, Path(number): Path<String>, signed: Signed) -> Response<Body> {
    raw(world, Path(number), signed).await
}

fn find(world: &World, number: &str) -> Result<(u64, File), Refusal> {
    let number = id(number)?;
    let file = world.podio.state().data.files.get(&number).cloned();
    file.map(|file| (number, file))
        .ok_or_else(|| Refusal::not_found(format!("No file with id {number} could be found")))
}

fn describe(number: u64, file: &File) -> Value {
    json!({"file_id": number, "name": file.name, "mimetype": file.mimetype, "size": file.bytes.len(), "hosted_by": "podio",
           "link": format!("https://files.podio.com/{number}"), "perma_link": null, "created_on": CREATED, "rights": ["view"]})
}
