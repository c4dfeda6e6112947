//! The floor: a bare server of axum that has every answer ready.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::{get, put};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Serves ready bodies: `/show`, `/list` and `/range` as they are, `/data` in slices, and takes
/// bodies at `/sink`.
pub(crate) fn serve(show: Bytes, list: Bytes, range: Bytes, whole: Bytes) -> SocketAddr {
    let ready = |body: Bytes, kind: &'static str| {
        get(move || std::future::ready(answer(Body::from(body.clone()), kind)))
    };
    let data = get(move || {
        let body = Body::new(Ready(whole.clone()));
        std::future::ready(answer(body, "application/octet-stream"))
    });
    let router = Router::new()
        .route("/show", ready(show, "application/json"))
        .route("/list", ready(list, "application/json"))
        .route("/range", ready(range, "application/octet-stream"))
        .route("/data", data)
        .route("/sink", put(sink));
    super::site::listen(move |listener| async move {
        axum::serve(listener, router).await.expect("served");
    })
}

fn answer(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

async fn sink(body: Body) -> Response {
    let mut body = body;
    while std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx))
        .await
        .is_some()
    {}
    Response::new(Body::empty())
}

/// A body of known length, in slices of what is in memory.
struct Ready(Bytes);

impl HttpBody for Ready {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let len = self.0.len().min(1 << 20);
        let slice = self.0.split_to(len);
        Poll::Ready((len > 0).then_some(Ok(Frame::data(slice))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
