//! An engine with images, the front end over it, and the floor with the same bytes.

use std::net::SocketAddr;

use smalti::http::{HttpSettings, Identity, Server, router};
use smalti::{Caller, ContainerFormat, DiskFormat, Engine, ImageId, Images, NewImage};
use tokio::net::TcpListener;

use crate::Plan;
use crate::client::Client;
use crate::floor;

/// Images that a list finds.
const IMAGES: usize = 1000;

/// What all loads run against.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) images: Images,
    pub(crate) id: ImageId,
    pub(crate) front: SocketAddr,
    pub(crate) floor: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new(plan: &Plan) -> Self {
        let dir = tempfile::tempdir_in(&plan.dir).expect("a directory");
        let engine = Engine::builder(dir.path()).open().expect("an engine");
        let images = engine.images(&Caller::admin());
        for number in 0..IMAGES {
            let image = images.create(described(number)).expect("created");
            fill(&images, image.id(), number.to_string().as_bytes());
        }
        let id = *images.create(described(IMAGES)).expect("created").id();
        let bytes = noise(plan.size_mib << 20);
        fill(&images, &id, &bytes);
        let front = serve(&engine);
        let mut client = Client::new(front);
        let body = |client: &mut Client, path: &str| client.body(get(path, "").as_bytes());
        let show = body(&mut client, &format!("/v2/images/{id}"));
        let list = body(&mut client, "/v2/images?limit=100");
        let range = bytes[..64 << 10].to_vec();
        let floor = floor::serve(show.into(), list.into(), range.into(), bytes.into());
        Self {
            engine,
            images,
            id,
            front,
            floor,
            _dir: dir,
        }
    }
}

fn fill(images: &Images, id: &ImageId, mut bytes: &[u8]) {
    let mut upload = images.upload(id).expect("begun");
    upload.read_from(&mut bytes).expect("written");
    upload.finish().expect("finished");
}

/// An image as clouds have them.
pub(crate) fn described(number: usize) -> NewImage {
    NewImage::named(format!("image {number}"))
        .disk_format(DiskFormat::Raw)
        .container_format(ContainerFormat::Bare)
        .tag("stable")
        .property("os_distro", "debian")
        .property("os_version", "12")
        .property("hw_disk_bus", "virtio")
}

/// Serves an engine over loopback.
fn serve(engine: &Engine) -> SocketAddr {
    let settings = HttpSettings {
        identity: Identity::SingleUser,
        ..HttpSettings::default()
    };
    let server = Server::new(router(engine.clone(), settings));
    listen(move |listener| async move {
        let forever = std::future::pending();
        server.run(listener, forever).await.expect("served");
    })
}

/// Runs a server on a runtime of its own.
pub(crate) fn listen<F: Future<Output = ()> + Send + 'static>(
    serve: impl FnOnce(TcpListener) -> F + Send + 'static,
) -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            sender
                .send(listener.local_addr().expect("an address"))
                .expect("heard");
            serve(listener).await;
        });
    });
    receiver.recv().expect("an address")
}

/// Makes a request without body.
pub(crate) fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")
}

/// Returns bytes that nothing makes smaller.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = vec![0; len];
    for word in bytes.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes());
    }
    bytes
}
