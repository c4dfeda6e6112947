//! Objects in memory whose next call of a kind goes wrong as planned.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

type Future<'a, T> = Pin<Box<dyn std::future::Future<Output = Result<T>> + Send + 'a>>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// Kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Deed {
    Put,
    Get,
    Begin,
    Part,
    Complete,
    Abort,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The service says that it failed, and did nothing.
    Refused,
    /// The connection ends in the middle.
    Cut,
    /// The body is shorter than it should be, and says nothing.
    Truncated,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// There is no such object.
    Missing,
    /// There is another object of the name.
    Other,
    /// The answer takes a while.
    Slow,
}

/// Objects in memory with a plan of faults.
#[derive(Debug, Default)]
pub(super) struct Faulty {
    objects: InMemory,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    plan: VecDeque<(Deed, Fault)>,
    met: usize,
    counts: HashMap<Deed, usize>,
    /// Uploads in parts that have begun and did not end.
    begun: HashSet<String>,
}

impl Faulty {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with it")
    }

    /// Lets the next call of a kind go wrong; plans queue up.
    pub(super) fn plan(&self, deed: Deed, fault: Fault) {
        self.state().plan.push_back((deed, fault));
    }

    /// Forgets what was planned.
    pub(super) fn clear(&self) {
        self.state().plan.clear();
    }

    /// Returns how many planned faults were met.
    pub(super) fn met(&self) -> usize {
        self.state().met
    }

    /// Returns how many calls of a kind came.
    pub(super) fn count(&self, deed: Deed) -> usize {
        self.state().counts.get(&deed).copied().unwrap_or(0)
    }

    /// Returns how many packs, and how many uploads in parts, there are.
    pub(super) fn left(&self) -> (usize, usize) {
        let mut objects = self.objects.list(None);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut packs = 0;
        while let Poll::Ready(Some(object)) = objects.as_mut().poll_next(&mut context) {
            let location = object.expect("memory does not fail").location;
            packs += usize::from(location.as_ref().ends_with(".pack"));
        }
        (packs, self.state().begun.len())
    }

    fn meet(&self, deed: Deed) -> Option<Fault> {
        let mut state = self.state();
        *state.counts.entry(deed).or_default() += 1;
        let fault = state.plan.front().filter(|(of, _)| *of == deed)?.1;
        state.plan.pop_front();
        state.met += 1;
        Some(fault)
    }
}

fn failed<T>(what: &'static str) -> Result<T> {
    Err(Error::Generic {
        store: "faulty",
        source: what.into(),
    })
}

/// Bytes in pieces, and perhaps an error behind them.
struct Pieces(VecDeque<Result<Bytes>>);

impl Stream for Pieces {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// Spoils an answer on its way.
async fn spoil(mut got: GetResult, fault: Fault) -> Result<GetResult> {
    let (meta, range, attributes, extensions) = (
        got.meta.clone(),
        got.range.clone(),
        got.attributes.clone(),
        got.extensions.clone(),
    );
    let bytes = match fault {
        Fault::Other => {
            got.meta.e_tag = Some("\"other\"".to_owned());
            return Ok(got);
        }
        _ => got.bytes().await?,
    };
    let half = bytes.len() / 2 + 1;
    let mut pieces = VecDeque::from([Ok(bytes.slice(..half / 3)), Ok(bytes.slice(half / 3..half))]);
    match fault {
        Fault::Cut => pieces.push_back(failed("the connection ended")),
        Fault::Truncated => {}
        _ => pieces.push_back(Ok(bytes.slice(half..))),
    }
    Ok(GetResult {
        payload: GetResultPayload::Stream(Box::pin(Pieces(pieces))),
        meta,
        range,
        attributes,
        extensions,
    })
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

impl ObjectStore for Faulty {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Future<'c, PutResult>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move {
            let is_pack = location.as_ref().ends_with(".pack");
            match is_pack.then(|| self.meet(Deed::Put)).flatten() {
                None => self.objects.put_opts(location, payload, opts).await,
                Some(Fault::AnswerLost) => {
                    self.objects.put_opts(location, payload, opts).await?;
                    failed("the answer is lost")
                }
                Some(_) => failed("service unavailable"),
            }
        })
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        _location: &'b Path,
        _opts: PutMultipartOptions,
    ) -> Future<'c, Box<dyn MultipartUpload>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async { failed("nobody uploads like this") })
    }

    fn get_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: GetOptions,
    ) -> Future<'c, GetResult>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move {
            if options.head {
                return self.objects.get_opts(location, options).await;
            }
            let fault = self.meet(Deed::Get);
            let got = self.objects.get_opts(location, options).await?;
            match fault {
                None => Ok(got),
                Some(Fault::Refused) => failed("service unavailable"),
                Some(Fault::Missing) => Err(Error::NotFound {
                    path: location.to_string(),
                    source: "no such key".into(),
                }),
                Some(Fault::Slow) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(got)
                }
                Some(fault) => spoil(got, fault).await,
            }
        })
    }

    fn delete_stream(&self, locations: Streamed<Path>) -> Streamed<Path> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> Streamed<ObjectMeta> {
        self.objects.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b Path>) -> Future<'c, ListResult>
    where
        'a: 'c,
        'b: 'c,
    {
        self.objects.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'c, 'd>(
        &'a self,
        _from: &'b Path,
        _to: &'c Path,
        _options: CopyOptions,
    ) -> Future<'d, ()>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        Box::pin(async { failed("nothing is copied") })
    }
}

impl MultipartStore for Faulty {
    fn create_multipart<'a, 'b, 'c>(&'a self, path: &'b Path) -> Future<'c, String>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move {
            if self.meet(Deed::Begin).is_some() {
                return failed("service unavailable");
            }
            let id = self.objects.create_multipart(path).await?;
            self.state().begun.insert(id.clone());
            Ok(id)
        })
    }

    fn put_part<'a, 'b, 'c, 'd>(
        &'a self,
        path: &'b Path,
        id: &'c String,
        part_idx: usize,
        data: PutPayload,
    ) -> Future<'d, PartId>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        Box::pin(async move {
            match self.meet(Deed::Part) {
                None => self.objects.put_part(path, id, part_idx, data).await,
                Some(_) => failed("the connection ended"),
            }
        })
    }

    fn complete_multipart<'a, 'b, 'c, 'd>(
        &'a self,
        path: &'b Path,
        id: &'c String,
        parts: Vec<PartId>,
    ) -> Future<'d, PutResult>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        Box::pin(async move {
            let fault = self.meet(Deed::Complete);
            if fault == Some(Fault::Refused) {
                return failed("service unavailable");
            }
            let put = self.objects.complete_multipart(path, id, parts).await?;
            self.state().begun.remove(id);
            match fault {
                None => Ok(put),
                Some(_) => failed("the answer is lost"),
            }
        })
    }

    fn abort_multipart<'a, 'b, 'c, 'd>(&'a self, path: &'b Path, id: &'c String) -> Future<'d, ()>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        Box::pin(async move {
            if self.meet(Deed::Abort).is_some() {
                return failed("service unavailable");
            }
            self.state().begun.remove(id);
            self.objects.abort_multipart(path, id).await
        })
    }
}
