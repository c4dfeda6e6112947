//! An upload to a server: pieces of the source go into the body of a request that runs beside it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method};
use smalti::Bytes;
use tokio::sync::mpsc;

use super::client::Client;
use crate::fault::{Exit, Fault, Outcome};
use crate::files::Source;
use crate::interrupt;

/// Pieces on their way between source and connection.
const PIECES: usize = 4;
/// How many times longer than for a byte is waited for the end, when the server makes the image
/// durable.
const END: u32 = 10;

/// Sends a source as the data of an image, to a store if one is named.
pub(super) fn upload(
    client: &Client,
    path: &[&str],
    source: &mut Source,
    store: Option<&str>,
) -> Outcome {
    let (pieces, feed) = mpsc::channel(PIECES);
    let mut request = client.request(Method::PUT, path)?;
    if let Some(store) = store {
        request = request.header("X-Image-Meta-Store", store);
    }
    request = request.header(CONTENT_TYPE, "application/octet-stream");
    if let Some(len) = source.len_bytes() {
        request = request.header(CONTENT_LENGTH, len);
    }
    let request = request.body(Body::wrap_stream(Feed(feed)));
    let answer = client.runtime().spawn(request.send());
    if let Err(fault) = send(client, source, &pieces, &|| answer.is_finished()) {
        // The connection breaks, so that the server does not take what came for the whole.
        answer.abort();
        return Err(fault);
    }
    drop(pieces);
    let answer = client.wait(client.idle() * END, answer)?;
    let response = answer.map_err(|error| {
        let message = format!("the upload ended early: {error}");
        Fault::new(Exit::Failed, "Internal", message)
    })?;
    client
        .accept(response.map_err(|error| client.failed(&error))?)
        .map(drop)
}

/// Gives pieces until the source ends, or until the server has answered before.
fn send(
    client: &Client,
    source: &mut Source,
    pieces: &mpsc::Sender<Bytes>,
    is_answered: &dyn Fn() -> bool,
) -> Outcome {
    while !is_answered()
        && let Some(bytes) = source.next_piece()?
    {
        if client.wait(client.idle(), pieces.send(bytes))?.is_err() {
            break;
        }
    }
    interrupt::check()
}

/// The body of the request.
struct Feed(mpsc::Receiver<Bytes>);

impl Stream for Feed {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(Ok))
    }
}
