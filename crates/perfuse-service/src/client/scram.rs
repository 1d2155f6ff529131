//! SCRAM (RFC 5802, and RFC 7677 for SHA-256): a user shows that it knows a password without sending it, and the server that
//! it knows the user.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{self, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{hmac, pbkdf2};

use crate::config::Secret;
use crate::config::cluster::Mechanism;

/// Rounds that a server may ask for: it decides how long both of us compute.
const MOST_ROUNDS: u32 = 1_000_000;

/// Begun, and waiting for the server's first message.
pub(super) struct Scram {
    mechanism: Mechanism,
    nonce: String,
    /// The first message without its head.
    bare: String,
}

/// What the server has to say at last.
pub(super) struct Wanted(String);

impl Wanted {
    /// Whether a message says it.
    pub(super) fn is(&self, message: &[u8]) -> bool {
        // The comparison may tell how much of it was right: it comes after our own proof, and is of use to nobody.
        message.split(|byte| *byte == b',').next() == Some(self.0.as_bytes())
    }
}

impl Scram {
    /// Begins; with the first message.
    pub(super) fn begin(mechanism: Mechanism, user: &str) -> Result<(Self, String), String> {
        let mut bytes = [0; 18];
        SystemRandom::new().fill(&mut bytes).map_err(|_| "no random numbers".to_owned())?;
        Ok(Self::with_nonce(mechanism, user, STANDARD.encode(bytes)))
    }

    fn with_nonce(mechanism: Mechanism, user: &str, nonce: String) -> (Self, String) {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={user},r={nonce}");
        let first = format!("n,,{bare}");
        (Self { mechanism, nonce, bare }, first)
    }

    /// Answers the server's first message: the proof, and what the server has to say to it.
    pub(super) fn answer(&self, server: &[u8], password: &Secret) -> Result<(String, Wanted), String> {
        let server = std::str::from_utf8(server).map_err(|_| "SCRAM: UTF-8".to_owned())?;
        let field = |name: &str| server.split(',').find_map(|part| part.strip_prefix(name));
        let nonce = field("r=").filter(|nonce| nonce.len() > self.nonce.len() && nonce.starts_with(&self.nonce));
        let nonce = nonce.ok_or("SCRAM: the nonce is not that of the client")?;
        let salt = field("s=").and_then(|salt| STANDARD.decode(salt).ok()).ok_or("SCRAM: no salt")?;
        let rounds = field("i=")
            .and_then(|rounds| rounds.parse().ok())
            .filter(|rounds: &NonZeroU32| rounds.get() <= MOST_ROUNDS);
        let rounds = rounds.ok_or("SCRAM: no number of rounds, or too many")?;

        let (hashed, keyed, slow) = match self.mechanism {
            Mechanism::ScramSha512 => (&digest::SHA512, hmac::HMAC_SHA512, pbkdf2::PBKDF2_HMAC_SHA512),
            _ => (&digest::SHA256, hmac::HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA256),
        };
        let mac = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(keyed, key), text);
        let mut salted = vec![0; hashed.output_len()];
        pbkdf2::derive(slow, rounds, &salt, password.reveal().as_bytes(), &mut salted);
        // "biws" is the head of the first message.
        let unproven = format!("c=biws,r={nonce}");
        let all = format!("{},{server},{unproven}", self.bare);
        let client = mac(&salted, b"Client Key");
        let signature = mac(digest(hashed, client.as_ref()).as_ref(), all.as_bytes());
        let proof: Vec<u8> = client.as_ref().iter().zip(signature.as_ref()).map(|(key, with)| key ^ with).collect();
        let of_server = mac(mac(&salted, b"Server Key").as_ref(), all.as_bytes());
        let wanted = Wanted(format!("v={}", STANDARD.encode(of_server)));
        Ok((format!("{unproven},p={}", STANDARD.encode(proof)), wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7677() {
        let nonce = "rOprNGfwEbeRWgbNEkqO".to_owned();
        let (scram, first) = Scram::with_nonce(Mechanism::ScramSha256, "user", nonce);
        assert_eq!(first, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (proof, wanted) = scram.answer(server, &Secret::new("pencil")).unwrap();
        assert_eq!(
            proof,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(wanted.is(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(wanted.is(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,x=more"));
        for not in [&b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="[..], b"e=invalid-proof", b""] {
            assert!(!wanted.is(not));
        }
    }

    #[test]
    fn the_same_with_sha_512() {
        // No RFC has an example: computed with Python's hashlib and hmac.
        let (scram, _) = Scram::with_nonce(Mechanism::ScramSha512, "user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        let server = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (proof, wanted) = scram.answer(server, &Secret::new("pencil")).unwrap();
        assert!(
            proof.ends_with(
                ",p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ=="
            )
        );
        let says = b"v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==";
        assert!(wanted.is(says));
    }

    #[test]
    fn messages_that_are_not_of_this_exchange_are_refused() {
        let (scram, first) = Scram::with_nonce(Mechanism::ScramSha512, "a=b,c", "abc".to_owned());
        assert_eq!(first, "n,,n=a=3Db=2Cc,r=abc");
        for bad in [
            "r=abc,s=QQ==,i=4096",
            "r=xbcd,s=QQ==,i=4096",
            "r=abcd,s=?,i=4096",
            "r=abcd,s=QQ==,i=0",
            "r=abcd,s=QQ==,i=99999999",
            "",
            "\u{fffd}",
        ] {
            assert!(scram.answer(bad.as_bytes(), &Secret::new("p")).is_err(), "{bad}");
        }
        assert!(scram.answer(&[0xff], &Secret::new("p")).is_err());
        assert!(Scram::begin(Mechanism::ScramSha512, "u").unwrap().1.len() > 24);
    }
}
