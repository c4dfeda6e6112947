//! The stores as callers know them: what they are called and what they are like, and copies of
//! images that leave one.
//!
//! Source: Glance, `glance/api/v2/discovery.py`, `get_stores` and `get_stores_detail`.

use axum::response::Response;
use hyper::header::HeaderValue;
use serde::Serialize;
use serde_json::{Map, Value};

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::engine::Engine;
use crate::policy::Action;

/// The document of the stores of an engine.
#[derive(Debug, Serialize)]
#[must_use]
pub struct StoresDocument {
    stores: Vec<Store>,
}

/// A store; what it is not is left out, and what it is stands as a text.
#[derive(Debug, Serialize)]
struct Store {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'static str>,
    #[serde(rename = "read-only", skip_serializing_if = "Option::is_none")]
    read_only: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    detail: Option<Detail>,
}

#[derive(Debug, Serialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: String,
    weight: i64,
    properties: Map<String, Value>,
}

/// How much is told of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the API has these two documents")]
pub enum StoreDepth {
    /// What they are called, and what they are for.
    Names,
    /// Also where they are, and how much they are preferred: for administrators.
    Details,
}

/// Answers with the names of the stores.
pub(super) fn info(call: &Call) -> Result<Response, Refusal> {
    expect_stores(call)?;
    Ok(answer::json(
        200,
        &StoresDocument::new(&call.site.engine, StoreDepth::Names),
    ))
}

/// Answers to who may with all that there is to say of the stores.
pub(super) fn detail(call: &Call) -> Result<Response, Refusal> {
    expect_stores(call)?;
    call.images.check_global(Action::StoresDetail)?;
    let details = StoresDocument::new(&call.site.engine, StoreDepth::Details);
    Ok(answer::json(200, &details))
}

/// Removes the copy of an image from a store.
pub(super) async fn delete(call: Box<Call>) -> Result<Response, Refusal> {
    expect_stores(&call)?;
    let (store, id) = (
        call.variables.first.clone(),
        call.image_of(&call.variables.second)?,
    );
    let removed = call.run(move |images| images.delete_from_store(&id, &store));
    removed.await?;
    Ok(answer::empty(204))
}

/// Returns the names of the stores as a header lists them (DEV-H4); nothing where callers know of
/// none.
pub(super) fn listed(engine: &Engine) -> Option<HeaderValue> {
    let stores = engine.has_named_stores().then(|| engine.stores())?;
    let names: Vec<String> = stores.into_iter().map(|store| store.name).collect();
    HeaderValue::try_from(names.join(",")).ok()
}

fn expect_stores(call: &Call) -> Result<(), Refusal> {
    match call.site.has_stores {
        true => Ok(()),
        false => Err(Refusal::absent("multi-store")),
    }
}

impl StoresDocument {
    /// Makes the document. Who may see details is settled before.
    pub fn new(engine: &Engine, depth: StoreDepth) -> Self {
        let flag = |is_set: bool| is_set.then_some("true");
        let stores = engine.stores().into_iter().map(|store| Store {
            id: store.name,
            description: store.description,
            default: flag(store.is_default),
            read_only: flag(store.is_read_only),
            detail: (depth == StoreDepth::Details).then_some(Detail {
                kind: store.kind,
                weight: store.weight,
                properties: store.properties,
            }),
        });
        Self {
            stores: stores.collect(),
        }
    }
}
