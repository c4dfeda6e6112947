//! Imports: which methods there are, and the beginning of one. What it comes to is told by its task.

use axum::response::Response;
use hyper::header::HeaderValue;
use serde::Serialize;

use super::answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::engine::Engine;
use crate::import::Request;

#[derive(Serialize)]
struct Info {
    #[serde(rename = "import-methods")]
    methods: Methods,
}

#[derive(Serialize)]
struct Methods {
    description: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: Vec<&'static str>,
}

/// Answers with the methods of import that are enabled.
pub(super) fn info(engine: &Engine) -> Response {
    let methods = Methods {
        description: "Import methods available.",
        kind: "array",
        value: words(engine),
    };
    answer::json(200, &Info { methods })
}

fn words(engine: &Engine) -> Vec<&'static str> {
    let methods = engine.import_methods();
    methods.iter().map(|method| method.as_str()).collect()
}

/// Returns the methods as a header lists them; nothing where there are none.
pub(super) fn listed(engine: &Engine) -> Option<HeaderValue> {
    let words = words(engine);
    let list = (!words.is_empty()).then(|| words.join(","))?;
    HeaderValue::try_from(list).ok()
}

/// Begins an import, which goes on when this has answered.
pub(super) async fn begin(mut call: Box<Call>) -> Result<Response, Refusal> {
    let body = call.read_body().await?;
    let mut request = Request::parse(&body)?;
    if let Some(store) = call.store()? {
        request = request.header_store(store);
    }
    let (id, who) = (call.image_id()?, call.requester());
    // Names of hosts are looked up here, too.
    let begun = call.run(move |images| {
        if let Some(import) = images.import(&id, &request, &who)? {
            import.spawn();
        }
        Ok(())
    });
    begun.await?;
    Ok(answer::empty(202))
}
