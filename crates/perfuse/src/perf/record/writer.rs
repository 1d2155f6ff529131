//! The way of the bytes: counted, compressed if asked for, written.

use std::path::PathBuf;

use perfuse_collect::perf::record::{Output, Tally, WriteError};
use perfuse_collect::perf::ring::{Unread, each_record};
use perfuse_format::perfdata::user::UserRecord;
use perfuse_format::perfdata::write::{Compressor, FileLayout};
use perfuse_format::perfdata::{Endian, Event};
use perfuse_symbol::live::Live;

/// The byte order of this machine.
pub(super) const ENDIAN: Endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };

/// Where records go.
pub(super) struct Writer {
    pub(super) output: Output,
    pub(super) tally: Tally,
    pub(super) compressor: Option<Compressor>,
    pub(super) layout: FileLayout,
    /// Where the name was asked for, before a time was put behind it.
    pub(super) name: Option<PathBuf>,
    /// Unwinds stacks before they are written, with `--call-graph unwind`.
    pub(super) live: Option<Live>,
    /// Records of a round that wait until all mappings of the round are known.
    waiting: Vec<u8>,
    packed: Vec<u8>,
    scratch: Vec<u8>,
    /// Whether anything was written since the last round.
    open_round: bool,
}

impl Writer {
    pub(super) fn new(output: Output, tally: Tally, events: &[Event], compress: bool, name: Option<PathBuf>) -> Self {
        Self {
            output,
            tally,
            compressor: compress.then(Compressor::new),
            layout: FileLayout::new(events, ENDIAN),
            name,
            live: None,
            waiting: Vec::new(),
            packed: Vec::new(),
            scratch: Vec::new(),
            open_round: false,
        }
    }

    /// What a ring holds: its bytes go on as they are.
    pub(super) fn take(&mut self, unread: Unread<'_>) -> Result<(), WriteError> {
        self.open_round = true;
        if let Some(live) = &mut self.live {
            each_record(unread, &mut self.scratch, |record| live.note(record));
            self.waiting.extend_from_slice(unread.first);
            self.waiting.extend_from_slice(unread.second);
            return Ok(());
        }
        self.pass(unread)
    }

    /// Counts, compresses and writes.
    fn pass(&mut self, unread: Unread<'_>) -> Result<(), WriteError> {
        let Self { tally, scratch, .. } = self;
        each_record(unread, scratch, |record| tally.record(record));
        let Some(compressor) = &mut self.compressor else { return self.output.both(unread) };
        self.packed.clear();
        compressor.compress(unread.first, ENDIAN, &mut self.packed);
        compressor.compress(unread.second, ENDIAN, &mut self.packed);
        self.output.write(&self.packed)
    }

    /// Records of our own, which are not compressed; the buffer is emptied.
    pub(super) fn records(&mut self, bytes: &mut Vec<u8>) -> Result<(), WriteError> {
        let unread = Unread { first: bytes, second: &[] };
        let Self { tally, scratch, .. } = self;
        each_record(unread, scratch, |record| tally.record(record));
        if let Some(live) = &mut self.live {
            each_record(unread, &mut self.scratch, |record| live.note(record));
        }
        self.output.write(bytes)?;
        bytes.clear();
        Ok(())
    }

    /// A record that is not one of the kernel's.
    pub(super) fn user(&mut self, record: &UserRecord<'_>) -> Result<(), WriteError> {
        let mut bytes = Vec::new();
        // One that is too long for its size field cannot be told, and what it tells is not needed to read the others.
        if record.encode(ENDIAN, &mut bytes).is_err() {
            return Ok(());
        }
        self.output.write(&bytes)
    }

    /// After all rings have been emptied once: what came before can be put in order.
    pub(super) fn end_round(&mut self) -> Result<(), WriteError> {
        if self.open_round {
            self.unwind()?;
            self.user(&UserRecord::FinishedRound)?;
            self.output.end_round();
            self.open_round = false;
        }
        Ok(())
    }

    /// Unwinds the samples of a round.
    fn unwind(&mut self) -> Result<(), WriteError> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let waiting = std::mem::take(&mut self.waiting);
        let mut out = Vec::with_capacity(waiting.len() / 8);
        each_record(Unread { first: &waiting, second: &[] }, &mut self.scratch, |record| {
            let _ = live.rewrite(record, &mut out);
        });
        let outcome = self.pass(Unread { first: &out, second: &[] });
        self.waiting = waiting;
        self.waiting.clear();
        outcome
    }

    /// Bytes of the records so far.
    pub(super) fn data_size(&self) -> u64 {
        self.output.written().saturating_sub(self.layout.data_offset())
    }
}
