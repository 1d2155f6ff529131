//! What passes on its way to the file is counted, and the code that was hit is noted, so that nothing has to be read back
//! at the end of a recording.

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, sample_type};
use perfuse_format::perfdata::record::kind;
use rustc_hash::{FxHashMap, FxHashSet};

/// Context markers of call chains (`PERF_CONTEXT_*`) are the last addresses there are.
const CONTEXT: u64 = 4095_u64.wrapping_neg();
/// `PERF_CONTEXT_KERNEL`.
const CONTEXT_KERNEL: u64 = 128_u64.wrapping_neg();
/// `PERF_CONTEXT_USER`.
const CONTEXT_USER: u64 = 512_u64.wrapping_neg();
/// Bits of `misc` that tell the CPU's mode.
const MODE: u16 = 7;
const MODE_KERNEL: u16 = 1;
const MODE_USER: u16 = 2;
/// `PERF_RECORD_MISC_MMAP_DATA`.
const MISC_MMAP_DATA: u16 = 1 << 13;
/// Pages are noted, not addresses; the smallest page there is.
const PAGE_BITS: u32 = 12;
/// Places of the table of what was just noted.
const RECENT: usize = 4096;
/// The most processes between one and the ancestor whose mappings it still has.
const MOST_ANCESTORS: usize = 64;

/// The process that stands for the kernel.
const KERNEL: i32 = -1;

/// Where the fields of a sample are that are looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Layout {
    /// Offset of the address in the body.
    ip: usize,
    /// Offset of the process.
    pid: usize,
    /// Offset of the time, if all events have it.
    time: Option<usize>,
    /// Offset of the number of frames, if all events have them.
    chain: Option<usize>,
}

impl Layout {
    /// Events whose samples differ have the id first, so that what comes before the first difference is at one place.
    fn of(events: &[EventAttr]) -> Self {
        let all = |bit: u64| !events.is_empty() && events.iter().all(|attr| attr.samples(bit));
        let any = |bit: u64| events.iter().any(|attr| attr.samples(bit));
        let ip = if all(sample_type::IDENTIFIER) { 8 } else { 0 };
        let fixed = [
            sample_type::IDENTIFIER,
            sample_type::IP,
            sample_type::TID,
            sample_type::TIME,
            sample_type::ADDR,
            sample_type::ID,
            sample_type::STREAM_ID,
            sample_type::CPU,
            sample_type::PERIOD,
        ];
        let same = fixed.iter().all(|bit| all(*bit) == any(*bit));
        let before = fixed.iter().filter(|bit| all(**bit)).count() * 8;
        let chain = same && all(sample_type::CALLCHAIN) && !any(sample_type::READ);
        Self { ip, pid: ip + 8, time: all(sample_type::TIME).then_some(ip + 16), chain: chain.then_some(before) }
    }
}

/// Counts and hits of a recording.
#[derive(Debug, Default)]
pub struct Tally {
    /// Samples.
    pub samples: u64,
    /// LOST records: times that the kernel found no room.
    pub lost_chunks: u64,
    /// Records that are lost, as told by these.
    pub lost: u64,
    /// Samples lost by the hardware (`LOST_SAMPLES`).
    pub lost_samples: u64,
    /// Times of the first and the last sample.
    pub times: Option<(u64, u64)>,
    layout: Layout,
    hits: Option<Hits>,
}

/// Which code was hit.
#[derive(Debug, Default)]
struct Hits {
    /// Process and page.
    pages: FxHashSet<(i32, u64)>,
    /// What was just noted: most samples hit what others hit before.
    recent: Vec<(i32, u64)>,
    /// Mappings of each process: first address, one past the last, index of the file.
    maps: FxHashMap<i32, Vec<(u64, u64, u32)>>,
    parents: FxHashMap<i32, i32>,
    files: Vec<Vec<u8>>,
    known: FxHashMap<Vec<u8>, u32>,
}

impl Tally {
    /// For events with these attributes; `notes_hits` where build ids are wanted.
    pub fn new(events: &[EventAttr], notes_hits: bool) -> Self {
        let sampling: Vec<EventAttr> = events.iter().filter(|attr| !is_silent(attr)).copied().collect();
        let hits = notes_hits.then(|| Hits { recent: vec![(0, u64::MAX); RECENT], ..Hits::default() });
        Self { layout: Layout::of(&sampling), hits, ..Self::default() }
    }

    /// Takes note of one whole record.
    #[inline]
    pub fn record(&mut self, record: &[u8]) {
        let Some((head, body)) = record.split_first_chunk::<8>() else { return };
        let kind = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]);
        let misc = u16::from_ne_bytes([head[4], head[5]]);
        if kind == kind::SAMPLE { self.sample(misc, body) } else { self.other(kind, misc, body) }
    }

    fn sample(&mut self, misc: u16, body: &[u8]) {
        self.samples += 1;
        if let Some(time) = self.layout.time.and_then(|at| u64_at(body, at)) {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
        let Some(hits) = &mut self.hits else { return };
        let (Some(ip), Some(pid)) = (u64_at(body, self.layout.ip), i32_at(body, self.layout.pid)) else { return };
        hits.note(pid, misc & MODE, ip);
        let Some(at) = self.layout.chain else { return };
        let Some(frames) = u64_at(body, at).and_then(|frames| usize::try_from(frames).ok()) else { return };
        let mut mode = misc & MODE;
        let end = frames.saturating_mul(8).saturating_add(at + 8);
        for frame in body.get(at + 8..end.min(body.len())).unwrap_or_default().as_chunks::<8>().0 {
            match u64::from_ne_bytes(*frame) {
                CONTEXT_KERNEL => mode = MODE_KERNEL,
                CONTEXT_USER => mode = MODE_USER,
                CONTEXT.. => mode = 0,
                address => hits.note(pid, mode, address),
            }
        }
    }

    fn other(&mut self, kind: u32, misc: u16, body: &[u8]) {
        match kind {
            kind::LOST => {
                self.lost_chunks += 1;
                self.lost = self.lost.saturating_add(u64_at(body, 8).unwrap_or(0));
            }
            kind::LOST_SAMPLES => {
                self.lost_samples = self.lost_samples.saturating_add(u64_at(body, 0).unwrap_or(0));
            }
            kind::MMAP | kind::MMAP2 if misc & MISC_MMAP_DATA == 0 => {
                let path = if kind == kind::MMAP { 32 } else { 64 };
                if let Some(hits) = &mut self.hits {
                    hits.map(misc, body, path);
                }
            }
            kind::FORK => {
                let ids = (i32_at(body, 0), i32_at(body, 4));
                if let (Some(hits), (Some(pid), Some(parent))) = (&mut self.hits, ids)
                    && pid != parent
                {
                    hits.parents.insert(pid, parent);
                }
            }
            _ => {}
        }
    }

    /// The files whose code was hit, with a process that had them mapped (-1 for the kernel's) in the order in which they
    /// were first mapped; all that were mapped with `all`.
    pub fn files(&self, all: bool) -> Vec<(i32, &[u8])> {
        let Some(hits) = &self.hits else { return Vec::new() };
        let mut owner: Vec<Option<i32>> = vec![None; hits.files.len()];
        let mut mark = |pid: i32, file: u32| {
            if let Some(owner) = usize::try_from(file).ok().and_then(|file| owner.get_mut(file)) {
                owner.get_or_insert(pid);
            }
        };
        if all {
            for (pid, maps) in &hits.maps {
                for (.., file) in maps {
                    mark(*pid, *file);
                }
            }
        }
        for &(pid, page) in &hits.pages {
            let start = page << PAGE_BITS;
            let last = start | ((1 << PAGE_BITS) - 1);
            let mut process = pid;
            for _ in 0..MOST_ANCESTORS {
                let maps = hits.maps.get(&process).map(Vec::as_slice).unwrap_or_default();
                let mut found = false;
                for (from, to, file) in maps {
                    if *from <= last && start < *to {
                        mark(process, *file);
                        found = true;
                    }
                }
                match hits.parents.get(&process) {
                    Some(parent) if !found => process = *parent,
                    _ => break,
                }
            }
        }
        owner.iter().zip(&hits.files).filter_map(|(owner, file)| Some(((*owner)?, file.as_slice()))).collect()
    }
}

impl Hits {
    #[inline]
    fn note(&mut self, pid: i32, mode: u16, address: u64) {
        let pid = match mode {
            MODE_KERNEL => KERNEL,
            MODE_USER => pid,
            _ => return,
        };
        let page = address >> PAGE_BITS;
        // Neighbouring pages of one process fall on neighbouring places.
        let place = (page as usize ^ (pid.cast_unsigned() as usize).wrapping_mul(31)) % RECENT;
        if self.recent[place] != (pid, page) {
            self.recent[place] = (pid, page);
            self.pages.insert((pid, page));
        }
    }

    fn map(&mut self, misc: u16, body: &[u8], path: usize) {
        let (Some(pid), Some(start), Some(length)) = (i32_at(body, 0), u64_at(body, 8), u64_at(body, 16)) else {
            return;
        };
        let Some(path) = body.get(path..).and_then(|rest| rest.split(|&byte| byte == 0).next()) else { return };
        let pid = if misc & MODE == MODE_KERNEL { KERNEL } else { pid };
        let file = if let Some(file) = self.known.get(path) {
            *file
        } else {
            let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
            self.files.push(path.to_vec());
            self.known.insert(path.to_vec(), file);
            file
        };
        self.maps.entry(pid).or_default().push((start, start.saturating_add(length), file));
    }
}

/// An event without samples of its own: the one for mappings and tasks.
fn is_silent(attr: &EventAttr) -> bool {
    attr.kind == perfuse_format::perfdata::attr::kind::SOFTWARE
        && attr.config == super::config::DUMMY
        && attr.has(flag::MMAP)
}

#[inline]
fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

#[inline]
fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::synth::Emitter;

    const BASE: u64 = sample_type::IP | sample_type::TID | sample_type::TIME;

    fn attr(sample_type: u64) -> EventAttr {
        EventAttr { sample_type, ..EventAttr::default() }
    }

    fn mmap(out: &mut Emitter, pid: i32, start: u64, length: u64, path: &[u8]) {
        out.begin(kind::MMAP, MODE_USER);
        out.i32(pid);
        out.i32(pid);
        out.u64(start);
        out.u64(length);
        out.u64(0);
        out.text(path);
        out.end();
    }

    fn sample(out: &mut Emitter, pid: i32, ip: u64, time: u64, chain: &[u64]) {
        out.begin(kind::SAMPLE, MODE_USER);
        out.u64(ip);
        out.i32(pid);
        out.i32(pid);
        out.u64(time);
        if !chain.is_empty() {
            out.u64(chain.len() as u64);
            for frame in chain {
                out.u64(*frame);
            }
        }
        out.end();
    }

    fn feed(tally: &mut Tally, bytes: &[u8]) {
        let unread = crate::perf::ring::Unread { first: bytes, second: &[] };
        crate::perf::ring::each_record(unread, &mut Vec::new(), |record| tally.record(record));
    }

    #[test]
    fn files_are_those_whose_code_was_hit() {
        let mut tally = Tally::new(&[attr(BASE | sample_type::CALLCHAIN)], true);
        let mut out = Emitter::new(0);
        mmap(&mut out, 7, 0x1000, 0x1000, b"/bin/hit");
        mmap(&mut out, 7, 0x5000, 0x1000, b"/lib/untouched");
        mmap(&mut out, 7, 0x9000, 0x1000, b"/lib/caller");
        sample(&mut out, 7, 0x1004, 20, &[CONTEXT_USER, 0x1004, 0x9008]);
        sample(&mut out, 7, 0x1004, 10, &[CONTEXT_USER, 0x1004]);
        feed(&mut tally, &out.bytes);
        assert_eq!((tally.samples, tally.times), (2, Some((10, 20))));
        assert_eq!(tally.files(false), [(7, &b"/bin/hit"[..]), (7, b"/lib/caller")]);
        assert_eq!(tally.files(true).len(), 3);
    }

    #[test]
    fn losses_beyond_all_numbers_stay_the_largest_one() {
        let mut tally = Tally::new(&[attr(BASE)], true);
        let mut out = Emitter::new(0);
        for lost in [u64::MAX, 3] {
            out.begin(kind::LOST, 0);
            out.u64(1);
            out.u64(lost);
            out.end();
            out.begin(kind::LOST_SAMPLES, 0);
            out.u64(lost);
            out.end();
        }
        mmap(&mut out, 7, u64::MAX - 0xfff, 0xfff, b"/bin/last");
        sample(&mut out, 7, u64::MAX - 1, 1, &[]);
        feed(&mut tally, &out.bytes);
        assert_eq!((tally.lost_chunks, tally.lost, tally.lost_samples), (2, u64::MAX, u64::MAX));
        assert_eq!(tally.files(false), [(7, &b"/bin/last"[..])]);
    }

    #[test]
    fn a_child_has_the_mappings_of_its_parent() {
        let mut tally = Tally::new(&[attr(BASE)], true);
        let mut out = Emitter::new(0);
        mmap(&mut out, 7, 0x1000, 0x1000, b"/bin/parent");
        for (pid, parent) in [(8, 7), (9, 8), (6, 6)] {
            out.begin(kind::FORK, 0);
            for id in [pid, parent, pid, parent] {
                out.i32(id);
            }
            out.u64(0);
            out.end();
        }
        sample(&mut out, 9, 0x1fff, 1, &[]);
        sample(&mut out, 6, 0x1000, 1, &[]);
        feed(&mut tally, &out.bytes);
        assert_eq!(tally.files(false), [(7, &b"/bin/parent"[..])]);
    }

    #[test]
    fn losses_are_counted() {
        let mut tally = Tally::new(&[attr(BASE)], false);
        let mut out = Emitter::new(0);
        for lost in [5, 7] {
            out.begin(kind::LOST, 0);
            out.u64(1);
            out.u64(lost);
            out.end();
        }
        out.begin(kind::LOST_SAMPLES, 0);
        out.u64(3);
        out.end();
        feed(&mut tally, &out.bytes);
        assert_eq!((tally.lost_chunks, tally.lost, tally.lost_samples), (2, 12, 3));
        assert!(tally.files(true).is_empty());
    }

    #[test]
    fn cut_records_are_no_harm() {
        let mut out = Emitter::new(0);
        sample(&mut out, 7, 0x1004, 20, &[CONTEXT_USER, 0x1004, 0x9008]);
        let mut tally = Tally::new(&[attr(BASE | sample_type::CALLCHAIN)], true);
        for length in 0..=out.bytes.len() {
            tally.record(&out.bytes[..length]);
        }
        let mut absurd = out.bytes.clone();
        absurd[32..40].copy_from_slice(&u64::MAX.to_ne_bytes());
        tally.record(&absurd);
    }
}
