//! The front end in a server of one's own: own routes beside it, own authentication, own limits.
//!
//! ```text
//! cargo run --example serve --features http -- [ADDRESS]
//! curl -H 'x-auth-token: alice' http://127.0.0.1:9292/image/v2/images
//! ```

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use smalti::http::{HttpSettings, Server, router};
use smalti::{Caller, Engine};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::in_memory()?;
    let images = router(engine.clone(), HttpSettings::default()).layer(from_fn(authenticate));
    let app = Router::new()
        .route("/", get(|| async { "a cloud\n" }))
        .nest("/image", images);

    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:9292".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!(
        "images at http://{}/image/v2/images",
        listener.local_addr()?
    );
    Server::new(app).run(listener, ended()).await?;
    engine.close(std::time::Duration::from_secs(10))?;
    Ok(())
}

/// Says who asks, as a host does that knows its users. A request without caller is refused.
async fn authenticate(mut request: Request, next: Next) -> Response {
    let token = request.headers().get("x-auth-token");
    let caller = match token.map(|token| token.as_bytes()) {
        Some(b"alice") => Some(Caller::project("a").with_user("alice")),
        Some(b"bob") => Some(Caller::reader("b").with_user("bob")),
        Some(b"root") => Some(Caller::project("ops").with_role("admin")),
        _ => None,
    };
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

async fn ended() {
    // Where signals cannot be heard, the server runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
