//! The addresses at which pages are served.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::serve::ServeError;
use crate::config::{Config, Secret};
use crate::now::Daemon;
use crate::web::{self, Tls, access};

/// The name of the file with the token of this host, in the run directory.
const TOKEN: &str = "token";

/// Addresses that are bound, and what is served there.
pub(super) struct Pages {
    listener: TcpListener,
    address: SocketAddr,
    /// Where the public page alone can be had.
    public: Option<(TcpListener, SocketAddr)>,
    tls: Option<Tls>,
    /// The token of this host.
    local: Secret,
}

impl Pages {
    /// Binds everything. An address that others can reach demands that they say who they are.
    pub(super) fn bind(config: &Config, listen: SocketAddr, run_dir: &Path) -> Result<Self, ServeError> {
        if !listen.ip().is_loopback() && config.password.is_none() && config.token.is_none() {
            return Err(ServeError::Open(listen));
        }
        let tls = config.tls.as_ref().map(|(certificates, key)| Tls::read(Path::new(certificates), Path::new(key)));
        let tls = tls.transpose()?;
        let (listener, address) = bind(listen)?;
        let public = config.public_listen.map(bind).transpose()?;
        let path = run_dir.join(TOKEN);
        let local = access::local_token(&path).map_err(|error| ServeError::Socket { path, error })?;
        Ok(Self { listener, address, public, tls, local })
    }

    /// The ports of its own, which are not watched.
    pub(super) fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        std::iter::once(self.address.port()).chain(self.public.as_ref().map(|(_, address)| address.port()))
    }

    /// Where the pages are.
    pub(super) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// Serves until `stopped` says so.
    pub(super) fn start(
        self,
        daemon: &Arc<dyn Daemon>,
        config: &Config,
        stopped: &watch::Receiver<bool>,
    ) -> Result<JoinSet<()>, ServeError> {
        let options = |address: SocketAddr| {
            let of = web::Options::of(config, Some(self.local.clone()));
            web::Options { loopback: address.ip().is_loopback(), ..of }
        };
        let mut tasks = JoinSet::new();
        let router = web::router(Arc::clone(daemon), options(self.address));
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        tasks.spawn(web::serve(listener, router, self.tls.clone(), stopped.clone()));
        if let Some((listener, address)) = self.public {
            let router = web::public_router(Arc::clone(daemon), options(address));
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tasks.spawn(web::serve(listener, router, self.tls, stopped.clone()));
        }
        Ok(tasks)
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let bound = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound().map_err(|error| ServeError::Listen { address, error })
}
