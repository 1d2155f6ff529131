//! Clients of real services, with as much of their protocols as the zoo needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use anyhow::{Result, bail, ensure};

use super::{Meter, Words, for_ever};

/// A connection to `PostgreSQL`: the simple query protocol, version 3 (manual, "Frontend/Backend Protocol").
struct Postgres(UnixStream);

impl Postgres {
    fn connect(path: &str) -> Result<Self> {
        let mut connection = Self(UnixStream::connect(path)?);
        let mut body = 196_608_i32.to_be_bytes().to_vec();
        body.extend(b"user\0postgres\0database\0postgres\0\0");
        let length = i32::try_from(body.len() + 4)?;
        connection.0.write_all(&length.to_be_bytes())?;
        connection.0.write_all(&body)?;
        connection.until_ready()?;
        Ok(connection)
    }

    fn query(&mut self, text: &str) -> Result<()> {
        let length = i32::try_from(text.len() + 5)?;
        let mut message = vec![b'Q'];
        message.extend(length.to_be_bytes());
        message.extend(text.as_bytes());
        message.push(0);
        self.0.write_all(&message)?;
        self.until_ready()
    }

    /// Reads messages up to `ReadyForQuery`.
    fn until_ready(&mut self) -> Result<()> {
        let mut failed = None;
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head)?;
            let [kind, a, b, c, d] = head;
            let length = usize::try_from(i32::from_be_bytes([a, b, c, d]))?;
            ensure!((4..1 << 20).contains(&length), "a message of {length} bytes");
            let mut body = vec![0; length - 4];
            self.0.read_exact(&mut body)?;
            match kind {
                b'E' => failed = Some(String::from_utf8_lossy(&body).replace('\0', " ")),
                b'Z' => return failed.map_or(Ok(()), |text| bail!("{text}")),
                _ => {}
            }
        }
    }
}

/// Updates one row of a table every `period_us`.
pub(super) fn postgres_client(words: &Words) -> Result<()> {
    let mut meter = Meter::new();
    for thread in 0..words.number("threads", 2)? {
        let mut connection = Postgres::connect(words.text("socket")?)?;
        if thread == 0 {
            connection.query("create table if not exists orders (id int primary key, count int)")?;
            connection.query("insert into orders select i, 0 from generate_series(1, 20) i on conflict do nothing")?;
            connection.query("set synchronous_commit = off")?;
        }
        meter.every(words.micros("period_us", 20_000)?, move || {
            connection.query(&format!("update orders set count = count + 1 where id = {}", thread + 1))
        });
    }
    meter.tell()
}

/// Locks the table of the clients in a transaction, and then does nothing.
pub(super) fn postgres_holder(words: &Words) -> Result<()> {
    let mut connection = Postgres::connect(words.text("socket")?)?;
    connection.query("begin")?;
    connection.query("lock table orders in exclusive mode")?;
    for_ever()
}

/// A connection to Redis, with inline commands.
struct Redis(BufReader<TcpStream>);

impl Redis {
    fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a command; its answer must be one line, or one bulk string.
    fn command(&mut self, text: &str) -> Result<()> {
        self.0.get_mut().write_all(format!("{text}\r\n").as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        ensure!(!line.is_empty() && !line.starts_with('-'), "{text}: {}", line.trim());
        if let Some(length) = line.trim().strip_prefix('$').filter(|length| *length != "-1") {
            let mut body = vec![0; length.parse::<usize>()?.min(1 << 20) + 2];
            self.0.read_exact(&mut body)?;
        }
        Ok(())
    }
}

/// Reads a key every `period_us`.
pub(super) fn redis_client(words: &Words) -> Result<()> {
    let mut meter = Meter::new();
    for _ in 0..words.number("threads", 2)? {
        let mut connection = Redis::connect(words.text("address")?)?;
        meter.every(words.micros("period_us", 5_000)?, move || connection.command("GET key:1"));
    }
    meter.tell()
}

/// Looks over and over for keys that are not there, which reads all of them.
pub(super) fn redis_keys(words: &Words) -> Result<()> {
    let mut connection = Redis::connect(words.text("address")?)?;
    loop {
        connection.command("KEYS no-such-*")?;
    }
}
