//! The way of a request: id, target, caller, method, body, handler; and what is told of it after.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hyper::Version;
use hyper::header::{ACCEPT, CONNECTION, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use tracing::Instrument;

use super::call::Call;
use super::op::Op;
use super::refusal::Refusal;
use super::request_id::{self, REQUEST_ID};
use super::rest::Rest;
use super::route::{Resource, Row};
use super::settings::HttpSettings;
use super::site::Site;
use super::target::{Target, Variables};
use super::{
    answer, authority, cache, data, identity, images, import, info, locations, metrics, sharing,
    stores, tasks, versions,
};
use crate::engine::Engine;
use crate::error::{ErrorCode, shown};
use crate::policy::Caller;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// How much of a path goes into the log, in characters.
const LOGGED_CHARS: usize = 256;

/// The methods that are refused where there is no such path, and not for being none of the API.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"];

/// Returns what answers every route of the Images API v2 from an engine.
///
/// It needs a runtime of tokio with time, and holds no threads of it: what blocks runs on threads of
/// the engine. A body in either direction is passed on as it comes, with bounded memory.
///
/// The routes of features that the engine was not given (stores, the cache, locations that are added
/// by a call of their own, staging and import) answer as the API does when they are switched off.
pub fn router(engine: Engine, settings: HttpSettings) -> Router {
    metrics::describe();
    let site = Arc::new(Site::new(engine, settings));
    Router::new().fallback(handle).with_state(site)
}

async fn handle(State(site): State<Arc<Site>>, request: Request) -> Response {
    let begun = Instant::now();
    let (head, body) = request.into_parts();
    let (body, rest) = Rest::of(body);
    let has_connection = head.version <= Version::HTTP_11;
    let max_len = site.settings.max_request_id_length;
    let (id, refusal) = match request_id::of(&head.headers, max_len) {
        Ok(Some(id)) => (id, None),
        Ok(None) => (request_id::made(site.request_name()), None),
        Err(refusal) => (request_id::made(site.request_name()), Some(refusal)),
    };
    let path: String = head.uri.path().chars().take(LOGGED_CHARS).collect();
    let method = head.method.clone();
    let shown_id = String::from_utf8_lossy(id.as_bytes()).into_owned();
    let span = tracing::info_span!("request", id = shown_id);
    let answered = async {
        let mut route = metrics::NO_ROUTE;
        let answered = match refusal {
            Some(refusal) => Err(refusal),
            None => answer(site, (head, id.clone()), body, &mut route).await,
        };
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);
        response.headers_mut().insert(REQUEST_ID, id);
        if has_connection && rest.is_left() {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        let (status, elapsed) = (response.status().as_u16(), begun.elapsed());
        metrics::answered(method.as_str(), route, status, elapsed);
        let method = shown(method.as_str());
        tracing::info!(%method, path, status, elapsed_us = elapsed.as_micros(), "answered");
        response
    };
    answered.instrument(span).await
}

/// Answers a request, and says by which path of the table.
async fn answer(
    site: Arc<Site>,
    (head, id): (Parts, HeaderValue),
    body: Body,
    route: &mut &'static str,
) -> Result<Response, Refusal> {
    authority::check(&head)?;
    let accept = head.headers.get(ACCEPT).and_then(|it| it.to_str().ok());
    let target = Target::of(head.uri.path(), accept, &site.versions);
    let caller = match target {
        Target::Choices => return Ok(versions::list(300, &head, &site)),
        // These are shown to anybody.
        Target::Apart(_) => Caller::anonymous(),
        _ => identity::caller(&head, &site.settings)?,
    };
    let (resource, variables) = match target {
        Target::Known(resource, variables) => (resource, variables),
        Target::Apart(resource) => (resource, Variables::default()),
        Target::Bare => return Ok(redirected(head.uri.path())),
        _ => return Err(unknown(&head)),
    };
    *route = resource.path;
    let row = row(resource, &head)?;
    // In a box, so that no future on the way holds it several times.
    let call = Box::new(Call::new(site, (caller, id), head, variables, body));
    call.check_body(row)?;
    run(row.op, call).await
}

fn row(resource: &'static Resource, head: &Parts) -> Result<&'static Row, Refusal> {
    let method = head.method.as_str();
    let row = resource.row(method);
    row.ok_or_else(|| Refusal::method(method, &resource.allow()))
}

fn redirected(path: &str) -> Response {
    let mut response = answer::empty(302);
    if let Ok(path) = HeaderValue::try_from(format!("{path}/")) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

fn unknown(head: &Parts) -> Refusal {
    let method = head.method.as_str();
    if METHODS.contains(&method) {
        let shown = shown(head.uri.path());
        return Refusal::new(ErrorCode::NotFound, format!("no path {shown:?}"));
    }
    let shown = shown(method);
    let message = format!("method {shown:?} is not one of {}", METHODS.join(", "));
    Refusal::new(ErrorCode::NotImplemented, message)
}

/// Runs the handler of an operation. Futures that are long are boxed, as most requests are of
/// another operation.
async fn run(op: Op, call: Box<Call>) -> Result<Response, Refusal> {
    match op {
        Op::ListVersions => Ok(versions::list(200, &call.head, &call.site)),
        Op::Health => Ok(info::health(&call.site)),
        Op::ImageSchema => Ok(info::schema(&call, |it| &it.image)),
        Op::ImagesSchema => Ok(info::schema(&call, |it| &it.images)),
        Op::MemberSchema => Ok(info::schema(&call, |it| &it.member)),
        Op::MembersSchema => Ok(info::schema(&call, |it| &it.members)),
        Op::TaskSchema => Ok(info::schema(&call, |it| &it.task)),
        Op::TasksSchema => Ok(info::schema(&call, |it| &it.tasks)),
        Op::ListImages => Box::pin(images::list(call)).await,
        Op::CreateImage => images::create(call).await,
        Op::ShowImage => images::show(call).await,
        Op::PatchImage => images::patch(call).await,
        Op::DeleteImage => images::delete(call).await,
        Op::Deactivate => images::deactivate(call).await,
        Op::Reactivate => images::reactivate(call).await,
        Op::Upload => Box::pin(data::upload(call)).await,
        Op::Download => Box::pin(data::download(call)).await,
        Op::PutTag => sharing::put_tag(call).await,
        Op::DeleteTag => sharing::delete_tag(call).await,
        Op::ListMembers => sharing::list(call).await,
        Op::AddMember => sharing::add(call).await,
        Op::ShowMember => sharing::show(call).await,
        Op::SetMember => sharing::set(call).await,
        Op::DeleteMember => sharing::delete(call).await,
        Op::Stage => Box::pin(data::stage(call)).await,
        Op::Import => import::begin(call).await,
        Op::AddLocation => locations::add(call).await,
        Op::ListLocations => locations::list(&call),
        Op::ImportInfo => Ok(import::info(&call.site.engine)),
        Op::UsageInfo => info::usage(&call),
        Op::StoresInfo => stores::info(&call),
        Op::StoresDetail => stores::detail(&call),
        Op::DeleteFromStore => stores::delete(call).await,
        Op::ListImageTasks => tasks::of_image(call).await,
        Op::ListTasks => tasks::list(call).await,
        Op::CreateTask => tasks::create(&call),
        Op::ShowTask => tasks::show(call).await,
        Op::DeleteTask => tasks::delete(&call),
        Op::ShowCache => cache::show(call).await,
        Op::ClearCache => cache::clear(call).await,
        Op::CleanCache => cache::clean(call).await,
        Op::PruneCache => cache::prune(call).await,
        Op::CacheNodes => cache::nodes(&call),
        Op::CacheImage => cache::queue(call).await,
        Op::UncacheImage => cache::remove(call).await,
    }
}
