//! Waiting for files, locks and signals of other processes; asking those who do not answer.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::fs::{FlockOperation, flock};

use super::{Meter, Words, burn};

/// Takes `mib` of memory every `period_us`, touches some of it, computes `work_us`, and gives it back. Being refused the
/// memory is a failure and no end.
pub(super) fn grow(words: &Words) -> Result<()> {
    let bytes = usize::try_from(words.number("mib", 32)? << 20)?;
    let work = words.micros("work_us", 500)?;
    let mut meter = Meter::new();
    meter.every(words.micros("period_us", 10_000)?, move || {
        let mut block: Vec<u8> = Vec::new();
        block.try_reserve_exact(bytes)?;
        block.resize(1 << 16, 1);
        burn(work);
        std::hint::black_box(&block);
        Ok(())
    });
    meter.tell()
}

/// Asks `address` every `period_us` with a datagram, and waits a second for the answer: what a resolver of names does.
pub(super) fn resolve(words: &Words) -> Result<()> {
    let mut meter = Meter::new();
    for thread in 0..words.number("threads", 2)? {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(words.text("address")?)?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut count = thread;
        meter.every(words.micros("period_us", 20_000)?, move || {
            count = count.wrapping_add(2);
            socket.send(&count.to_le_bytes())?;
            let mut answer = [0; 8];
            // An answer that comes late is one to an earlier question.
            while count != u64::from_le_bytes(answer) {
                ensure!(socket.recv(&mut answer)? == 8, "a short answer");
            }
            Ok(())
        });
    }
    meter.tell()
}

/// Sends every datagram back.
pub(super) fn echo(words: &Words) -> Result<()> {
    let socket = UdpSocket::bind(words.text("address")?)?;
    let mut buffer = [0; 64];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        socket.send_to(buffer.get(..length).unwrap_or_default(), from)?;
    }
}

/// Takes the lock of the file `path` every `period_us` and computes `work_us` under it.
pub(super) fn ledger(words: &Words) -> Result<()> {
    let work = words.micros("work_us", 300)?;
    let mut meter = Meter::new();
    for _ in 0..words.number("threads", 2)? {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(words.text("path")?)?;
        meter.every(words.micros("period_us", 10_000)?, move || {
            flock(&file, FlockOperation::LockExclusive)?;
            burn(work);
            Ok(flock(&file, FlockOperation::Unlock)?)
        });
    }
    meter.tell()
}

/// Holds the lock of the file `path` for `hold_us`, and leaves it free for a quarter of that.
pub(super) fn auditor(words: &Words) -> Result<()> {
    let held = words.micros("hold_us", 50_000)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(words.text("path")?)?;
    loop {
        flock(&file, FlockOperation::LockExclusive)?;
        std::thread::sleep(held);
        flock(&file, FlockOperation::Unlock)?;
        std::thread::sleep(held / 4);
    }
}

/// Writes `size` bytes into the pipe `path` every `period_us`.
pub(super) fn feed(words: &Words) -> Result<()> {
    let mut pipe = OpenOptions::new().write(true).open(words.text("path")?)?;
    let block = vec![8_u8; usize::try_from(words.number("size", 8192)?)?];
    let mut meter = Meter::new();
    meter.every(words.micros("period_us", 5_000)?, move || Ok(pipe.write_all(&block)?));
    meter.tell()
}

/// Reads `size` bytes from the pipe `path` at a time, computes `work_us` for each, and sleeps as many microseconds as
/// `control` says.
pub(super) fn swallow(words: &Words) -> Result<()> {
    let (work, control) = (words.micros("work_us", 50)?, words.control());
    let mut pipe = File::open(words.text("path")?)?;
    let mut block = vec![0; usize::try_from(words.number("size", 8192)?)?];
    loop {
        pipe.read_exact(&mut block)?;
        burn(work);
        std::thread::sleep(Duration::from_micros(control.told()));
    }
}

/// Stops the process `pid` for `stop_ms` and lets it go on for `go_ms`, over and over.
pub(super) fn flap(words: &Words) -> Result<()> {
    let pid = words.text("pid")?;
    let (stop, go) = (words.number("stop_ms", 200)?, words.number("go_ms", 100)?);
    let send = |signal: &str| Command::new("kill").args([signal, pid]).status();
    loop {
        send("-STOP")?;
        std::thread::sleep(Duration::from_millis(stop));
        send("-CONT")?;
        std::thread::sleep(Duration::from_millis(go));
    }
}

/// Works like `work`, and has besides a thread that waits for words of the server at `address`, which come never.
pub(super) fn subscriber(words: &Words) -> Result<()> {
    let mut server = UnixStream::connect(words.text("address")?)?;
    std::thread::spawn(move || {
        let mut word = [0];
        // Nothing comes.
        let _ = server.read(&mut word);
    });
    super::cpu::work(words)
}

/// Waits for blocks of `size` bytes in the pipe `path`, and computes `work_us` for each: an operation is the work, the waiting
/// for it is none.
pub(super) fn consumer(words: &Words) -> Result<()> {
    let work = words.micros("work_us", 500)?;
    let mut pipe = File::open(words.text("path")?)?;
    let mut block = vec![0; usize::try_from(words.number("size", 8192)?)?];
    let mut meter = Meter::new();
    meter.each(move || {
        pipe.read_exact(&mut block)?;
        let start = Instant::now();
        burn(work);
        Ok(start.elapsed())
    });
    meter.tell()
}
