//! Who asks: sessions of people, tokens of programs, and the token of this host.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHash, PasswordVerifier as _};
use argon2::{Argon2, Params};

use super::Options;
use crate::config::Secret;

/// How long a session lasts.
pub(super) const SESSION: Duration = Duration::from_secs(12 * 3600);
/// Sessions at the same time; above, the oldest ends.
const SESSIONS: usize = 64;
/// Bytes of what is made up for tokens and sessions.
const RANDOM: usize = 32;
/// Blocks of 1 KiB that a hash may demand: a configuration could otherwise ask for the memory of the host.
const MOST_MEMORY: u32 = 256 * 1024;

/// Makes the token of this host: a file that only its owner can read, new at each start.
///
/// # Errors
/// The file cannot be made, or the kernel gives no random bytes.
pub fn local_token(path: &Path) -> io::Result<Secret> {
    let token = random()?;
    // A new file beside it, so that nobody ever reads half a token, and an old file's mode does not count.
    let fresh = path.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(token.as_bytes())?;
    file.write_all(b"\n")?;
    drop(file);
    fs::rename(&fresh, path)?;
    Ok(Secret::new(token))
}

/// Random bytes as hexadecimal digits: a text that nobody can guess.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0_u8; RANDOM];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Nobody said.
    Nobody,
    /// Somebody who logged in with a browser.
    Session,
    /// A program with a token.
    Program,
}

/// Who may what.
pub(super) struct Access {
    /// What somebody may log in with or show as a token; empty where nothing is configured.
    password: Option<Secret>,
    tokens: Vec<Secret>,
    /// By the text in the cookie: until when.
    sessions: Mutex<HashMap<String, Instant>>,
    /// Tokens that fitted a hash: finding that out again takes long.
    fitted: Mutex<BTreeSet<String>>,
    /// Whether readers have to say who they are.
    demands: bool,
}

impl Access {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            password: options.password.clone(),
            tokens: options.token.iter().chain(&options.local).cloned().collect(),
            sessions: Mutex::default(),
            fitted: Mutex::default(),
            demands: !options.loopback || options.password.is_some() || options.token.is_some(),
        }
    }

    /// Whether readers of what is not public have to say who they are.
    pub(super) fn demands(&self) -> bool {
        self.demands
    }

    /// Whether a cookie is that of a session.
    pub(super) fn session(&self, cookie: &str) -> bool {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(cookie).is_some_and(|until| Instant::now() < *until)
    }

    /// Begins a session; the text for its cookie.
    pub(super) fn begin(&self) -> io::Result<String> {
        let cookie = random()?;
        let now = Instant::now();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, until| now < *until);
        if sessions.len() >= SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, until)| **until).map(|(cookie, _)| cookie.clone());
            oldest.map(|cookie| sessions.remove(&cookie));
        }
        sessions.insert(cookie.clone(), now + SESSION);
        Ok(cookie)
    }

    /// Ends a session.
    pub(super) fn end(&self, cookie: &str) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(cookie);
    }

    /// Whether a program's token is known without long work: it is none of the hashes, or fitted one before.
    pub(super) fn known_token(&self, given: &str) -> bool {
        let plain = |token: &&Secret| !is_hash(token.reveal());
        self.tokens.iter().filter(plain).fold(false, |fits, token| fits | same(token.reveal(), given))
            || self.fitted.lock().unwrap_or_else(PoisonError::into_inner).contains(given)
    }

    /// Whether some token is a hash: then a token may still be right after [`Access::known_token`] said no.
    pub(super) fn has_hashes(&self) -> bool {
        self.tokens.iter().any(|token| is_hash(token.reveal()))
    }

    /// Whether a token fits. May take a tenth of a second, so not to be called where others wait.
    pub(super) fn token(&self, given: &str) -> bool {
        let fits = self.tokens.iter().fold(false, |fits, token| fits | fits_secret(token.reveal(), given));
        if fits && !self.known_token(given) {
            self.fitted.lock().unwrap_or_else(PoisonError::into_inner).insert(given.to_owned());
        }
        fits
    }

    /// Whether a text is the password, or a token. May take a tenth of a second.
    pub(super) fn password(&self, given: &str) -> bool {
        self.password.as_ref().is_some_and(|password| fits_secret(password.reveal(), given)) | self.token(given)
    }
}

fn is_hash(secret: &str) -> bool {
    secret.starts_with("$argon2")
}

fn fits_secret(secret: &str, given: &str) -> bool {
    if !is_hash(secret) {
        return same(secret, given);
    }
    let Ok(hash) = PasswordHash::new(secret) else { return false };
    let small = Params::try_from(&hash).is_ok_and(|params| params.m_cost() <= MOST_MEMORY);
    small && Argon2::default().verify_password(given.as_bytes(), &hash).is_ok()
}

/// Whether two secrets are the same. The time does not tell how much of it was right; an empty one never is.
fn same(secret: &str, given: &str) -> bool {
    let (secret, given) = (secret.as_bytes(), given.as_bytes());
    let differ = secret.iter().zip(given).fold(0_u8, |differ, (one, other)| differ | (one ^ other));
    secret.len() == given.len() && differ == 0 && !secret.is_empty()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use argon2::password_hash::{PasswordHasher as _, SaltString};

    use super::*;
    use crate::web::tests::options;

    #[test]
    fn the_token_of_the_host_is_its_owners_alone_and_new_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "old").unwrap();
        let first = local_token(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().trim(), first.reveal());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(first.reveal().len(), 64);
        assert_ne!(local_token(&path).unwrap(), first);
    }

    #[test]
    fn a_hash_takes_what_it_is_the_hash_of() {
        let salt = SaltString::from_b64("c2FsdHNhbHRzYWx0").unwrap();
        let cheap =
            Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let hash = cheap.hash_password(b"open sesame", &salt).unwrap().to_string();
        let access =
            Access::new(&Options { password: Some(Secret::new(&hash)), token: Some(Secret::new(&hash)), ..options() });
        assert!(access.password("open sesame") && !access.password("open") && !access.password(&hash));
        assert!(access.has_hashes() && access.token("open sesame") && access.known_token("open sesame"));
        assert!(!access.known_token("open") && !access.token(""));
        let greedy = hash.replace("m=64", "m=4194304");
        assert!(!fits_secret(&greedy, "open sesame"), "4 GiB for a password are refused");
    }

    #[test]
    fn sessions_end_and_are_bounded() {
        let access = Access::new(&options());
        let first = access.begin().unwrap();
        assert!(access.session(&first) && !access.session("") && !access.session("x"));
        access.end(&first);
        assert!(!access.session(&first));
        let all: Vec<String> = (0..SESSIONS + 5).map(|_| access.begin().unwrap()).collect();
        assert_eq!(all.iter().filter(|cookie| access.session(cookie)).count(), SESSIONS);
        assert!(access.session(all.last().unwrap()));
    }
}
