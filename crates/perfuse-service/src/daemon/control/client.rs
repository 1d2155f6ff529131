//! The command's end of the socket.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Answer, Call, Greeting, PROTOCOL};

/// How long the daemon may take to answer: making checks takes as long as the slowest of them.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why nobody answers.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no daemon at any of the places.
    #[error("no daemon answers at {}", list(.0))]
    None(Vec<PathBuf>),
    /// There is one, but this user may not talk to it.
    #[error("{}: {error}", path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It speaks another version.
    #[error("the daemon is version {version} and speaks protocol {protocol}, this program {PROTOCOL}")]
    Version {
        /// Of the daemon.
        version: String,
        /// Of the daemon.
        protocol: u32,
    },
    /// The connection broke, or what came is no answer.
    #[error("the daemon does not answer: {0}")]
    Broken(#[from] io::Error),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    /// The version of the daemon.
    pub version: String,
}

impl Client {
    /// Connects to the first place at which a daemon answers.
    pub fn connect(places: &[PathBuf]) -> Result<Self, ClientError> {
        let mut refused = None;
        for path in places {
            match UnixStream::connect(path) {
                Ok(stream) => return Self::greet(stream),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    refused.get_or_insert(ClientError::Refused { path: path.clone(), error });
                }
                // Nobody is there.
                Err(_) => {}
            }
        }
        Err(refused.unwrap_or_else(|| ClientError::None(places.to_vec())))
    }

    /// Whether a daemon answers at a place.
    pub fn answers(path: &Path) -> bool {
        UnixStream::connect(path).is_ok()
    }

    fn greet(stream: UnixStream) -> Result<Self, ClientError> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut stream = BufReader::new(stream);
        let Greeting { perfuse: version, protocol } = read(&mut stream)?;
        if protocol == PROTOCOL {
            Ok(Self { stream, version })
        } else {
            Err(ClientError::Version { version, protocol })
        }
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, call: &Call) -> Result<Answer, ClientError> {
        let mut line = serde_json::to_vec(call).map_err(io::Error::from)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)?;
        self.more()
    }

    /// The next answer to a call that follows. Those come at least every ten seconds.
    pub fn more(&mut self) -> Result<Answer, ClientError> {
        Ok(read(&mut self.stream)?)
    }
}

fn read<T: DeserializeOwned>(stream: &mut BufReader<UnixStream>) -> io::Result<T> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}
