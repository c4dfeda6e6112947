//! Where a command works, and as whom.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use smalti::{Caller, ProjectId};

use crate::config::Config;
use crate::fault::{Fault, Outcome};
use crate::place::{DirPlace, Need, Place, UrlPlace};
use crate::words::project;

/// Where nothing else is said.
const DEFAULT: &str = "./images";
const SCHEME: &str = "http://";

/// Where, and as whom. On a directory nobody in particular is an administrator.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Place and identity")]
pub(crate) struct At {
    /// A directory, or http://HOST:PORT of a server [env: SMALTI_AT] [default: ./images]
    #[arg(long, value_name = "PLACE")]
    at: Option<String>,
    /// Open the directory as a server with this configuration does: its stores and settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Act in this project; the role is member unless --role says another
    #[arg(long, value_name = "ID", value_parser = project)]
    project: Option<ProjectId>,
    /// Act with this role; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Act as this user
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Send this as X-Auth-Token to a server [env: SMALTI_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Send this header to a server, too; may be repeated
    #[arg(long = "header", value_name = "NAME:VALUE")]
    headers: Vec<String>,
    /// Give up when a server neither takes nor gives a byte for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

/// A place by its form.
enum Where {
    Dir(PathBuf),
    Url(String),
}

impl At {
    /// Works on the place, and closes it whatever comes of that.
    pub(crate) fn on<T>(
        &self,
        need: Need,
        work: impl FnOnce(&dyn Place) -> Outcome<T>,
    ) -> Outcome<T> {
        let place = self.open(need)?;
        let done = work(&*place);
        let closed = place.close();
        let value = done?;
        closed.map(|()| value)
    }

    /// Works on the engine of a directory, and closes it whatever comes of that. `command` is for
    /// the message where the place is a server.
    pub(crate) fn on_engine<T>(
        &self,
        command: &str,
        need: Need,
        work: impl FnOnce(&DirPlace) -> Outcome<T>,
    ) -> Outcome<T> {
        let Where::Dir(dir) = self.place()? else {
            let message = format!("`smalti {command}` works on a directory, not on a server");
            return Err(Fault::usage(message).with_hint(
                "run it where the data is, with --at DIR, while no server has DIR open",
            ));
        };
        let place = DirPlace::open(&dir, need, self.caller(), &self.config()?)?;
        let done = work(&place).map_err(|fault| place.named(fault));
        let closed = place.close();
        let value = done?;
        closed.map(|()| value)
    }

    fn open(&self, need: Need) -> Outcome<Box<dyn Place>> {
        match self.place()? {
            Where::Dir(dir) => {
                if self.token.is_some() || !self.headers.is_empty() {
                    return Err(Fault::usage("--token and --header are for servers")
                        .with_hint("name a server with --at http://HOST:PORT"));
                }
                let config = self.config()?;
                Ok(Box::new(DirPlace::open(
                    &dir,
                    need,
                    self.caller(),
                    &config,
                )?))
            }
            Where::Url(_) if self.config.is_some() => Err(Fault::usage(
                "--config is for directories; a server has its own",
            )
            .with_hint("leave it out, or name a directory with --at DIR")),
            Where::Url(url) => {
                let timeout = Duration::from_secs(self.timeout);
                let place = UrlPlace::open(&url, &self.sent_headers()?, timeout)?;
                Ok(Box::new(place))
            }
        }
    }

    fn config(&self) -> Outcome<Config> {
        Config::load(self.config.as_deref(), &[])
    }

    fn place(&self) -> Outcome<Where> {
        let given = self.at.clone().or_else(|| variable("SMALTI_AT"));
        let text = given.unwrap_or_else(|| DEFAULT.to_owned());
        if text.is_empty() {
            return Err(Fault::usage("the place is empty").with_hint("name a directory or a url"));
        }
        match text.split_once("://") {
            Some(_) if text.starts_with(SCHEME) => Ok(Where::Url(text)),
            Some(("https", _)) => Err(Fault::usage(format!("place {text:?} wants TLS"))
                .with_hint("this build speaks http:// alone; reach the server through a tunnel")),
            Some((scheme, _)) => Err(Fault::usage(format!(
                "place {text:?} has the scheme {scheme:?}"
            ))
            .with_hint("name a directory, or http://HOST:PORT")),
            None => Ok(Where::Dir(Path::new(&text).to_owned())),
        }
    }

    /// Returns who asks, for an engine.
    fn caller(&self) -> Caller {
        if self.is_nobody() {
            return Caller::admin();
        }
        let caller = Caller::authenticated(self.project.clone());
        let caller = self
            .roles()
            .fold(caller, |caller, role| caller.with_role(role));
        match &self.user {
            Some(user) => caller.with_user(user.as_str()),
            None => caller,
        }
    }

    /// Returns the headers that say who asks, for a server.
    fn sent_headers(&self) -> Outcome<Vec<(String, String)>> {
        let mut headers = Vec::new();
        let mut put = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if !self.is_nobody() {
            put("X-Identity-Status", "Confirmed");
            put("X-Roles", &self.roles().collect::<Vec<_>>().join(","));
        }
        if let Some(project) = &self.project {
            put("X-Project-Id", project.as_str());
        }
        if let Some(user) = &self.user {
            put("X-User-Id", user);
        }
        if let Some(token) = self.token.clone().or_else(|| variable("SMALTI_TOKEN")) {
            put("X-Auth-Token", &token);
        }
        for header in &self.headers {
            match header.split_once(':') {
                Some((name, value)) => put(name.trim(), value.trim()),
                None => return Err(Fault::usage(format!("header {header:?} is not NAME:VALUE"))),
            }
        }
        Ok(headers)
    }

    /// Tells whether nothing says who asks.
    fn is_nobody(&self) -> bool {
        self.project.is_none() && self.roles.is_empty() && self.user.is_none()
    }

    fn roles(&self) -> impl Iterator<Item = &str> {
        let default = self.roles.is_empty().then_some("member");
        self.roles.iter().map(String::as_str).chain(default)
    }

    /// Returns the project that the caller acts in.
    pub(crate) fn project(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }
}

/// Returns a variable of the environment that is set, and not to nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
