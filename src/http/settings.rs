//! What a host decides about its front end.

use std::time::Duration;

/// Who a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Identity {
    /// The host's own middleware says so: it puts a [`Caller`](crate::Caller) among the extensions
    /// of the request. A request without one has no identity.
    #[default]
    Extension,
    /// The headers `X-Identity-Status`, `X-Project-Id`, `X-Roles` and others say so, as
    /// keystonemiddleware sets them. Only for listeners that nobody reaches but a proxy that
    /// authenticates and strips these headers from what comes in. An extension goes before.
    TrustedHeaders,
    /// Everybody is an administrator without project: for one user on one machine. Refused (403) is
    /// what a page of another site may send through the browser of that user: a request whose `Origin`
    /// is not this service, or whose `Host` is neither an IP address, nor `localhost`, nor the host of
    /// [`HttpSettings::public_endpoint`].
    SingleUser,
}

/// What a host decides about its front end; the names of the API's options are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written with `..HttpSettings::default()`"
)]
pub struct HttpSettings {
    /// Who a request comes from.
    pub identity: Identity,
    /// Whether requests without identity are served as those of a reader of what is public. Default
    /// false: they are refused (401).
    pub allow_anonymous_access: bool,
    /// The url that clients reach this service by, for the links of its versions; none takes the
    /// header `Host` of the request. Default none.
    pub public_endpoint: Option<String>,
    /// Longest id of a request that comes from outside, in bytes. Default 64.
    pub max_request_id_length: usize,
    /// Whether documents of images show `direct_url`. Default false.
    pub show_image_direct_url: bool,
    /// Memory for documents that are longer than 64 KiB, in bytes: of requests that come in, and as
    /// much again of answers that clients have not taken. Further ones wait. 16 MiB at least. Default
    /// 256 MiB.
    pub document_memory_bytes: u64,
    /// Memory for documents of images that were printed for a list, in bytes: the next list takes
    /// them from there. Default 32 MiB.
    pub document_cache_bytes: usize,
    /// How long a body that is a JSON document may take in all. Default 300 s.
    pub document_time: Duration,
    /// How long a body may bring nothing before its request is given up. Default 60 s.
    pub body_idle: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            identity: Identity::default(),
            allow_anonymous_access: false,
            public_endpoint: None,
            max_request_id_length: 64,
            show_image_direct_url: false,
            document_memory_bytes: 256 << 20,
            document_cache_bytes: 32 << 20,
            document_time: Duration::from_secs(300),
            body_idle: Duration::from_secs(60),
        }
    }
}
