//! The pages of the daemon and its JSON: rendered here, live by server-sent events, without anything to build or to load
//! from elsewhere.
//!
//! ```text
//!   request -> guard (limits, Host, Origin, language, headers) -> who (may they?) -> handler -> Now, store -> page or JSON
//! ```
//!
//! Every route stands in [`routes`]'s table; the router and the description of the interface (`OpenAPI`) are made of it.
//! Pages have no script of their own: what they run and how they look are files of this program, and the policy of every
//! answer forbids anything else.

pub mod access;
mod api;
mod assets;
mod badge;
mod book;
mod feed;
mod guard;
mod limit;
mod live;
mod metrics;
mod page;
mod routes;
mod series;
mod serve;
mod when;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use perfuse_render::{Lang, Texts};
use tokio::sync::Semaphore;

use crate::config::{Config, Secret};
use crate::now::Daemon;

pub use serve::{ServeError, Tls, serve};

/// Streams of events that may be open at the same time: each costs a task and what it has sent.
const STREAMS: usize = 256;

/// What the pages are told by whoever starts them.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether only this host can reach the address. Any other demands that someone says who they are.
    pub loopback: bool,
    /// Names under which this host may be addressed, beside `localhost` and its loopback addresses: those of a proxy.
    pub hosts: Vec<String>,
    /// The token of this host, without which nothing is changed; see [`access::local_token`].
    pub local: Option<Secret>,
    /// The password of the operator, or its Argon2 hash in the form `$argon2id$...`.
    pub password: Option<Secret>,
    /// The token of programs, or its Argon2 hash.
    pub token: Option<Secret>,
    /// Whether the connection is encrypted: cookies are then never sent without.
    pub tls: bool,
    /// The language of pages of which nobody asked another one.
    pub lang: Lang,
    /// Minutes by which the times on pages are ahead of UTC.
    pub time_offset: i32,
}

impl Options {
    /// Those of a configuration, for the address that it names.
    pub fn of(config: &Config, local: Option<Secret>) -> Self {
        Self {
            loopback: config.listen.ip().is_loopback(),
            hosts: config.page_url.as_deref().and_then(host_of).into_iter().collect(),
            local,
            password: config.password.clone(),
            token: config.token.clone(),
            tls: config.tls.is_some(),
            lang: Lang::from_locale(config.language).unwrap_or_default(),
            time_offset: config.time_offset,
        }
    }
}

/// The name in a URL at which the pages are reached through somebody else, such as a proxy on this host.
fn host_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned())
}

/// What every handler needs.
struct Web {
    daemon: Arc<dyn Daemon>,
    options: Options,
    /// In the order of [`Lang::ALL`].
    texts: [Texts; 2],
    /// Only the public page is here.
    public: bool,
    access: access::Access,
    limits: limit::Limits,
    live: live::Live,
    book: book::Book,
    index: series::Index,
    advice: page::advice::Found,
    streams: Arc<Semaphore>,
}

type Shared = Arc<Web>;

impl Web {
    fn new(daemon: Arc<dyn Daemon>, options: Options, public: bool) -> Shared {
        Arc::new(Self {
            daemon,
            access: access::Access::new(&options),
            limits: limit::Limits::default(),
            live: live::Live::default(),
            book: book::Book::default(),
            index: series::Index::default(),
            advice: page::advice::Found::default(),
            texts: Lang::ALL.map(Texts::new),
            public,
            options,
            streams: Arc::new(Semaphore::new(STREAMS)),
        })
    }

    fn texts(&self, lang: Lang) -> &Texts {
        match lang {
            Lang::En => &self.texts[0],
            Lang::Ko => &self.texts[1],
        }
    }
}

/// All pages and the whole interface.
pub fn router(daemon: Arc<dyn Daemon>, options: Options) -> Router {
    routes::router(&Web::new(daemon, options, false))
}

/// The public status page alone: nothing of it tells more than the state of the components that are public.
pub fn public_router(daemon: Arc<dyn Daemon>, options: Options) -> Router {
    routes::router(&Web::new(daemon, options, true))
}
