//! `smalti serve`: a directory behind the Images API v2.
//!
//! It reads the configuration, opens the engine, and leaves the rest to the library's front end.

mod cached;
mod ending;
mod handles;
mod log;
mod open;
mod run;
mod scrape;
mod upkeep;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use smalti::http::{HttpSettings, Identity};
use tokio::net::TcpListener;

use crate::config::{self, Config};
use crate::fault::{Exit, Fault, Outcome};
use crate::shell::{Answer, Shell};
use crate::words::pair;
use cached::CacheWorker;
use ending::Ending;
use run::Ready;
use upkeep::Upkeep;

const AFTER: &str = "One of --single-user and --behind-proxy says who callers are. When it is ready it prints one line \
with its address on standard output; it logs on standard error. SIGTERM or SIGINT end it: running \
requests may finish, and nothing acknowledged is lost. A second one breaks them off.

The configuration is a TOML file of keys that are named as in the Images API's service; --set goes \
over it. `smalti serve --list-keys` shows all keys.

Examples:
  smalti serve --single-user
  smalti serve --behind-proxy --listen 10.0.0.5:9292 --data /var/lib/images --config smalti.toml
  smalti serve --single-user --listen 127.0.0.1:0 --set image_size_cap=100GiB";

/// Serve a directory over HTTP: the Images API v2
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
#[command(group = ArgGroup::new("identity").args(["single_user", "behind_proxy"]))]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9292")]
    listen: String,
    /// Directory of the images; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "./images")]
    data: PathBuf,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set a key of the configuration; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    sets: Vec<(String, String)>,
    /// Everybody who reaches the address is an administrator
    #[arg(long)]
    single_user: bool,
    /// A proxy in front authenticates, and says by headers who asks; it must strip from outside
    /// X-Identity-Status, X-User-Id, X-Project-Id, X-Tenant-Id, X-Roles, X-Role, X-Service-Roles,
    /// X-Service-Catalog, X-User-Domain-Id, X-Project-Domain-Id and OpenStack-System-Scope
    #[arg(long)]
    behind_proxy: bool,
    /// Address for metrics in the text format of Prometheus, at /metrics; logged, and with --json in
    /// the line that says it is ready
    #[arg(long, value_name = "ADDR")]
    metrics_listen: Option<String>,
    /// Form of the log
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or filters as in smalti=debug,info
    #[arg(long = "log", value_name = "LEVEL", default_value = "info")]
    log_level: String,
    /// Give back the space of deleted images so often; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    collect_every: u64,
    /// Show all keys of the configuration, and do nothing
    #[arg(long)]
    list_keys: bool,
}

/// Forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for a reader.
    Text,
    /// An object a line.
    Json,
}

impl Serve {
    /// Serves until it is asked to end.
    pub(crate) fn run(&self, shell: Shell) -> Outcome<Answer> {
        if self.list_keys {
            return Ok(config::list_keys());
        }
        let mut config = Config::load(self.config.as_deref(), &self.sets)?;
        // What is wrong with it is told before anything is opened.
        drop(open::builder(&self.data, &config)?);
        let front = self.front(&config)?;
        let _log = log::begin(self.log_format, &self.log_level)?;
        handles::reserve(&mut config)?;
        let front = (front, config.server.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Fault::io("start threads", &error))?;
        // Before the engine is opened, which may take a while: an address in use is told at once.
        let listener = runtime.block_on(bind(&self.listen))?;
        let scraped = runtime.block_on(self.bind_metrics())?;
        let ending = Ending::watch(&runtime)?;
        let engine = open::engine(&self.data, &config)?;
        ending.opened();
        let metrics = match scraped {
            Some(listener) => {
                Some(runtime.block_on(async { scrape::begin(listener, engine.clone()) })?)
            }
            None => None,
        };
        let upkeep = Upkeep::begin(&engine, Duration::from_secs(self.collect_every));
        let worker = CacheWorker::begin(&engine);
        let ready = Ready { shell, metrics };
        let served = runtime.block_on(run::run(engine.clone(), front, listener, ending, ready));
        worker.end();
        upkeep.end();
        let closed = open::close(&engine, &self.data);
        served.and(closed).map(|()| Answer::default())
    }

    fn front(&self, config: &Config) -> Outcome<HttpSettings> {
        let anonymous = config.front.allow_anonymous_access;
        let identity = match (self.single_user, self.behind_proxy) {
            (true, _) if anonymous => {
                let message = "allow_anonymous_access = true says nothing with --single-user";
                return Err(Fault::usage(message)
                    .with_hint("everybody is an administrator then; leave one of them out"));
            }
            (true, _) => Identity::SingleUser,
            (_, true) => Identity::TrustedHeaders,
            _ => return Err(nobody()),
        };
        Ok(HttpSettings {
            identity,
            ..config.front.clone()
        })
    }

    async fn bind_metrics(&self) -> Outcome<Option<TcpListener>> {
        match &self.metrics_listen {
            Some(address) => bind(address).await.map(Some),
            None => Ok(None),
        }
    }
}

fn nobody() -> Fault {
    Fault::usage("nothing says who callers are").with_hint(
        "--single-user makes everybody who reaches the address an administrator: for one machine. \
         --behind-proxy trusts the headers that `smalti serve --help` lists: for a proxy that \
         authenticates, and strips them from what comes from outside",
    )
}

async fn bind(address: &str) -> Outcome<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| {
        let exit = match error.kind() {
            ErrorKind::InvalidInput => Exit::Usage,
            _ => Exit::Unavailable,
        };
        Fault::io(format_args!("listen on {address}"), &error)
            .ending_in(exit)
            .with_hint("name another address, or port 0 for a free one")
    })
}
