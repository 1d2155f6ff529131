//! One open event: `perf_event_open(2)`, its ioctls and its values.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::read_format;

use super::error::OpenError;
use crate::bpf::door::{Errno, last_errno};

/// Bytes of `struct perf_event_attr` up to `sig_data` (`PERF_ATTR_SIZE_VER7`): what perf 6.1 passes. Kernels that are
/// older take it as long as what they do not know is 0.
const SIZE_VER7: u32 = 128;
/// Bytes up to `config3` (`PERF_ATTR_SIZE_VER8`, Linux 6.3).
const SIZE_VER8: u32 = 136;
/// Most events of a group that is read at once; the kernel itself stops at 64 KiB of values.
const MOST_OF_A_GROUP: usize = 4096;

/// `PERF_FLAG_FD_CLOEXEC`.
const FD_CLOEXEC: u64 = 1 << 3;

/// Flags of `perf_event_open(2)` beside `PERF_FLAG_FD_CLOEXEC`, which is always passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFlags(u64);

impl OpenFlags {
    /// None.
    pub const NONE: Self = Self(0);
    /// `PERF_FLAG_FD_NO_GROUP`: only the output of the group's leader is shared.
    pub const NO_GROUP: Self = Self(1);
    /// `PERF_FLAG_FD_OUTPUT`: the event's output goes to the leader's ring.
    pub const OUTPUT: Self = Self(1 << 1);
    /// `PERF_FLAG_PID_CGROUP`: `pid` is a descriptor of a cgroup's directory; needs a CPU.
    pub const PID_CGROUP: Self = Self(1 << 2);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Requests of `ioctl(2)`: `PERF_EVENT_IOC_*` of `include/uapi/linux/perf_event.h`.
mod request {
    pub(super) const ENABLE: libc::Ioctl = 0x2400;
    pub(super) const DISABLE: libc::Ioctl = 0x2401;
    pub(super) const REFRESH: libc::Ioctl = 0x2402;
    pub(super) const RESET: libc::Ioctl = 0x2403;
    pub(super) const SET_OUTPUT: libc::Ioctl = 0x2405;
    pub(super) const SET_BPF: libc::Ioctl = 0x4004_2408;
    pub(super) const PAUSE_OUTPUT: libc::Ioctl = 0x4004_2409;
    // The two whose size is that of a pointer: eight bytes on the machines we run on.
    pub(super) const SET_FILTER: libc::Ioctl = 0x4008_2406;
    pub(super) const ID: libc::Ioctl = 0x8008_2407_u32 as libc::Ioctl;
}

/// `PERF_IOC_FLAG_GROUP`: the request is for every member of the group.
const GROUP: libc::c_ulong = 1;

/// An open event, closed when dropped.
#[derive(Debug)]
pub struct PerfEvent {
    fd: OwnedFd,
    /// The `read_format` that it was opened with: decides what a read gives.
    format: u64,
}

/// The value of one event of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Events (for clocks: nanoseconds), not scaled.
    pub value: u64,
    /// The event's id, with [`read_format::ID`].
    pub id: Option<u64>,
    /// Samples lost, with [`read_format::LOST`].
    pub lost: Option<u64>,
}

/// What a read of an event gives, by the `read_format` it was opened with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Nanoseconds that the event was enabled, with [`read_format::TOTAL_TIME_ENABLED`].
    pub enabled: Option<u64>,
    /// Nanoseconds of these that it was on the hardware, with [`read_format::TOTAL_TIME_RUNNING`].
    pub running: Option<u64>,
    /// One value, or with [`read_format::GROUP`] one for each member, the leader first.
    pub values: Vec<Count>,
}

/// `struct perf_event_attr` in the bytes of this machine.
fn encode(attr: &EventAttr) -> ([u8; SIZE_VER8 as usize], u32) {
    let mut bytes = [0; SIZE_VER8 as usize];
    let size = if attr.config3 == 0 { SIZE_VER7 } else { SIZE_VER8 };
    let words: [(usize, u32); 8] = [
        (0, attr.kind),
        (4, size),
        (48, attr.wakeup),
        (52, attr.bp_type),
        (88, attr.sample_stack_user),
        (92, attr.clockid.cast_unsigned()),
        (104, attr.aux_watermark),
        (112, attr.aux_sample_size),
    ];
    let longs: [(usize, u64); 12] = [
        (8, attr.config),
        (16, attr.sample_period),
        (24, attr.sample_type),
        (32, attr.read_format),
        (40, attr.flags),
        (56, attr.config1),
        (64, attr.config2),
        (72, attr.branch_sample_type),
        (80, attr.sample_regs_user),
        (96, attr.sample_regs_intr),
        (120, attr.sig_data),
        (128, attr.config3),
    ];
    for (at, value) in words {
        bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }
    for (at, value) in longs {
        bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
    }
    bytes[108..110].copy_from_slice(&attr.sample_max_stack.to_ne_bytes());
    (bytes, size)
}

impl PerfEvent {
    /// `perf_event_open(2)`. `attr.size` is not looked at: the structure is as long as the fields in use need.
    ///
    /// `pid` is a thread (0: the own process; -1: every task, which needs a CPU) or with [`OpenFlags::PID_CGROUP`] the
    /// descriptor of a cgroup; `cpu` -1 is any CPU. `config1` may be a pointer where the event's source takes one
    /// (names of kprobe and uprobe); the kernel only reads there.
    pub fn open(
        attr: &EventAttr,
        pid: i32,
        cpu: i32,
        group: Option<&Self>,
        flags: OpenFlags,
    ) -> Result<Self, OpenError> {
        let (bytes, _) = encode(attr);
        let leader = group.map_or(-1, |leader| leader.fd.as_raw_fd());
        let flags = flags.0 | FD_CLOEXEC;
        // SAFETY: the attribute is at least as long as its own size field says. The only pointers the kernel may
        // follow are those of config1 and config2, and it copies strings from there, failing with EFAULT.
        let result = unsafe { libc::syscall(libc::SYS_perf_event_open, bytes.as_ptr(), pid, cpu, leader, flags) };
        let fd = i32::try_from(result).unwrap_or(-1);
        if fd < 0 {
            return Err(OpenError::new(last_errno(), attr));
        }
        // SAFETY: a new descriptor that nothing else knows.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) }, format: attr.read_format })
    }

    /// A request that takes a number.
    fn request(&self, request: libc::Ioctl, argument: libc::c_ulong) -> Result<(), Errno> {
        // SAFETY: only requests whose argument is a number come here; the descriptor is live.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), request, argument) };
        if result < 0 { Err(last_errno()) } else { Ok(()) }
    }

    /// Starts counting.
    pub fn enable(&self) -> Result<(), Errno> {
        self.request(request::ENABLE, 0)
    }

    /// Starts the event and all members of its group at once.
    pub fn enable_group(&self) -> Result<(), Errno> {
        self.request(request::ENABLE, GROUP)
    }

    /// Stops counting; the value stays.
    pub fn disable(&self) -> Result<(), Errno> {
        self.request(request::DISABLE, 0)
    }

    /// Stops the event and all members of its group at once.
    pub fn disable_group(&self) -> Result<(), Errno> {
        self.request(request::DISABLE, GROUP)
    }

    /// Sets the value to 0; the times stay.
    pub fn reset(&self) -> Result<(), Errno> {
        self.request(request::RESET, 0)
    }

    /// Enables the event for that many overflows more.
    pub fn refresh(&self, overflows: u32) -> Result<(), Errno> {
        self.request(request::REFRESH, libc::c_ulong::from(overflows))
    }

    /// Stops (`true`) or resumes writing to the ring.
    pub fn pause_output(&self, pause: bool) -> Result<(), Errno> {
        self.request(request::PAUSE_OUTPUT, libc::c_ulong::from(pause))
    }

    /// Sends the event's records to the ring of `other`, which is for the same CPU or task; `None` undoes it.
    pub fn set_output(&self, other: Option<&Self>) -> Result<(), Errno> {
        // As wide as the kernel's argument: it compares with -1 before it takes the number for a descriptor.
        let fd = libc::c_long::from(other.map_or(-1, |other| other.fd.as_raw_fd()));
        // SAFETY: the request takes a descriptor by number, or -1; both are live for the call.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), request::SET_OUTPUT, fd) };
        if result < 0 { Err(last_errno()) } else { Ok(()) }
    }

    /// Runs a loaded BPF program on each sample.
    pub fn set_bpf(&self, program: BorrowedFd<'_>) -> Result<(), Errno> {
        // SAFETY: the request takes a descriptor by number; both are live for the call.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), request::SET_BPF, program.as_raw_fd()) };
        if result < 0 { Err(last_errno()) } else { Ok(()) }
    }

    /// Sets the filter of a tracepoint (`common_pid != 7 && len > 100`) or of an address range.
    pub fn set_filter(&self, filter: &CStr) -> Result<(), Errno> {
        // SAFETY: the kernel copies the string up to its NUL.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), request::SET_FILTER, filter.as_ptr()) };
        if result < 0 { Err(last_errno()) } else { Ok(()) }
    }

    /// The id that stands in the records of this event.
    pub fn id(&self) -> Result<u64, Errno> {
        let mut id = 0_u64;
        // SAFETY: the kernel writes one u64 to where the pointer says.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), request::ID, &raw mut id) };
        if result < 0 { Err(last_errno()) } else { Ok(id) }
    }

    /// The value, without a group: of a group's leader that is read as a group, the first.
    pub fn read(&self) -> Result<Counts, Errno> {
        let mut counts = Counts::default();
        self.read_into(&mut counts)?;
        Ok(counts)
    }

    /// As [`PerfEvent::read`], into a place whose room for values is used again.
    pub fn read_into(&self, counts: &mut Counts) -> Result<(), Errno> {
        // Enough for one value with everything, and for a group of ten.
        let mut few = [0_u8; 8 * 33];
        if self.format & read_format::GROUP == 0 {
            let length = self.read_bytes(&mut few)?;
            return decode(self.format, few.get(..length).unwrap_or_default(), counts);
        }
        match self.read_bytes(&mut few) {
            Ok(length) => decode(self.format, few.get(..length).unwrap_or_default(), counts),
            Err(Errno(libc::ENOSPC)) => {
                let mut many = vec![0_u8; 8 * 3 * (1 + MOST_OF_A_GROUP)];
                let length = self.read_bytes(&mut many)?;
                decode(self.format, many.get(..length).unwrap_or_default(), counts)
            }
            Err(errno) => Err(errno),
        }
    }

    fn read_bytes(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        loop {
            match rustix::io::read(&self.fd, &mut *buffer) {
                Ok(length) => return Ok(length),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(Errno(errno.raw_os_error())),
            }
        }
    }
}

impl AsFd for PerfEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<PerfEvent> for OwnedFd {
    fn from(event: PerfEvent) -> Self {
        event.fd
    }
}

/// The bytes of a read. None at all are what a pinned event gives that lost the hardware: ENODATA.
fn decode(format: u64, bytes: &[u8], counts: &mut Counts) -> Result<(), Errno> {
    let mut words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
    let mut word = || words.next().ok_or(Errno(libc::ENODATA));
    let has = |bit: u64| format & bit != 0;
    counts.values.clear();
    (counts.enabled, counts.running) = (None, None);
    // A group begins with the number of values, a single event with its value; the times follow either.
    let first = word()?;
    if has(read_format::TOTAL_TIME_ENABLED) {
        counts.enabled = Some(word()?);
    }
    if has(read_format::TOTAL_TIME_RUNNING) {
        counts.running = Some(word()?);
    }
    let members = if has(read_format::GROUP) { usize::try_from(first).unwrap_or(usize::MAX) } else { 1 };
    for _ in 0..members {
        let value = if has(read_format::GROUP) { word()? } else { first };
        let id = if has(read_format::ID) { Some(word()?) } else { None };
        let lost = if has(read_format::LOST) { Some(word()?) } else { None };
        counts.values.push(Count { value, id, lost });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::attr::{flag, kind};
    use perfuse_testkit::skip;

    use super::*;

    const CPU_CLOCK: u64 = 0;
    const TASK_CLOCK: u64 = 1;
    const PAGE_FAULTS: u64 = 2;

    fn software(config: u64, read_format: u64) -> EventAttr {
        let flags = flag::DISABLED | flag::EXCLUDE_KERNEL;
        EventAttr { kind: kind::SOFTWARE, config, read_format, flags, ..EventAttr::default() }
    }

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn fields_stand_where_the_header_has_them() {
        let attr = EventAttr {
            kind: 1,
            config: 2,
            sample_period: 3,
            sample_type: 4,
            read_format: 5,
            flags: 6,
            wakeup: 7,
            bp_type: 8,
            config1: 9,
            config2: 10,
            branch_sample_type: 11,
            sample_regs_user: 12,
            sample_stack_user: 13,
            clockid: -2,
            sample_regs_intr: 15,
            aux_watermark: 16,
            sample_max_stack: 17,
            aux_sample_size: 18,
            sig_data: 19,
            ..EventAttr::default()
        };
        let (encoded, size) = encode(&attr);
        assert_eq!(size, 128);
        let mut expected = Vec::new();
        for (low, high) in [(1_u32, 128_u32), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 8), (9, 0), (10, 0), (11, 0)]
        {
            expected.extend([low.to_ne_bytes(), high.to_ne_bytes()].concat());
        }
        for (low, high) in [(12_u32, 0_u32), (13, u32::MAX - 1), (15, 0), (16, 17), (18, 0), (19, 0), (0, 0)] {
            expected.extend([low.to_ne_bytes(), high.to_ne_bytes()].concat());
        }
        assert_eq!(encoded.to_vec(), expected);
        assert_eq!(encode(&EventAttr { config3: 1, ..attr }).1, 136);
    }

    #[test]
    fn every_read_format_is_decoded() {
        use read_format::{GROUP, ID, LOST, TOTAL_TIME_ENABLED as ENABLED, TOTAL_TIME_RUNNING as RUNNING};
        let mut counts = Counts::default();
        decode(0, &bytes(&[7]), &mut counts).unwrap();
        assert_eq!(counts.values, [Count { value: 7, id: None, lost: None }]);
        decode(ENABLED | RUNNING | ID | LOST, &bytes(&[7, 100, 50, 3, 4]), &mut counts).unwrap();
        assert_eq!((counts.enabled, counts.running), (Some(100), Some(50)));
        assert_eq!(counts.values, [Count { value: 7, id: Some(3), lost: Some(4) }]);
        decode(GROUP | RUNNING | ID, &bytes(&[2, 50, 7, 3, 8, 4]), &mut counts).unwrap();
        assert_eq!((counts.enabled, counts.running), (None, Some(50)));
        assert_eq!(
            counts.values.iter().map(|one| (one.value, one.id)).collect::<Vec<_>>(),
            [(7, Some(3)), (8, Some(4))]
        );
        decode(GROUP, &bytes(&[0]), &mut counts).unwrap();
        assert!(counts.values.is_empty());
    }

    #[test]
    fn short_reads_are_errors() {
        let mut counts = Counts::default();
        for (format, words) in [(0, &[][..]), (read_format::ID, &[1][..]), (read_format::GROUP, &[u64::MAX, 1][..])] {
            assert_eq!(decode(format, &bytes(words), &mut counts), Err(Errno(libc::ENODATA)), "{format}");
        }
    }

    #[test]
    fn page_faults_of_touched_pages_are_counted() {
        const PAGES: usize = 300;
        let attr = software(PAGE_FAULTS, read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING);
        let event = match PerfEvent::open(&attr, 0, -1, None, OpenFlags::NONE) {
            Ok(event) => event,
            Err(error) => skip!("no software events: {error}"),
        };
        event.enable().unwrap();
        // SAFETY: a new private mapping.
        let memory = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                PAGES * 4096,
                rustix::mm::ProtFlags::READ | rustix::mm::ProtFlags::WRITE,
                rustix::mm::MapFlags::PRIVATE,
            )
        };
        let memory = memory.unwrap().cast::<u8>();
        // SAFETY: the mapping is our own; huge pages would make one fault of many.
        unsafe { rustix::mm::madvise(memory.cast(), PAGES * 4096, rustix::mm::Advice::LinuxNoHugepage) }.unwrap();
        for page in 0..PAGES {
            // SAFETY: inside the mapping.
            unsafe { memory.add(page * 4096).write_volatile(1) };
        }
        event.disable().unwrap();
        let counts = event.read().unwrap();
        let faults = counts.values[0].value;
        assert!((PAGES as u64..PAGES as u64 + 200).contains(&faults), "{faults}");
        assert!(counts.running <= counts.enabled && counts.enabled > Some(0));
        event.reset().unwrap();
        assert_eq!(event.read().unwrap().values[0].value, 0);
        // SAFETY: nothing refers to the mapping any more.
        unsafe { rustix::mm::munmap(memory.cast(), PAGES * 4096) }.unwrap();
    }

    #[test]
    fn a_group_is_read_at_once_with_the_ids_of_its_members() {
        let format = read_format::GROUP | read_format::ID | read_format::TOTAL_TIME_ENABLED;
        let leader = match PerfEvent::open(&software(CPU_CLOCK, format), 0, -1, None, OpenFlags::NONE) {
            Ok(event) => event,
            Err(error) => skip!("no software events: {error}"),
        };
        let mut members = Vec::new();
        // More than the small buffer takes.
        for _ in 0..40 {
            members
                .push(PerfEvent::open(&software(TASK_CLOCK, format), 0, -1, Some(&leader), OpenFlags::NONE).unwrap());
        }
        leader.enable_group().unwrap();
        std::hint::black_box((0..10_000_u64).sum::<u64>());
        leader.disable_group().unwrap();
        let counts = leader.read().unwrap();
        let ids: Vec<_> = std::iter::once(&leader).chain(&members).map(|event| event.id().unwrap()).collect();
        assert_eq!(counts.values.iter().filter_map(|one| one.id).collect::<Vec<_>>(), ids);
        assert!(counts.values[0].value > 0 && counts.enabled > Some(0));
    }

    #[test]
    fn a_refusal_keeps_the_errno() {
        let attr = EventAttr { kind: kind::SOFTWARE, config: 9999, ..EventAttr::default() };
        let error = PerfEvent::open(&attr, 0, -1, None, OpenFlags::NONE).unwrap_err();
        assert!(error.is_unsupported() || error.errno == Errno(libc::EACCES), "{error:?}");
        let attr = software(CPU_CLOCK, 0);
        let error = PerfEvent::open(&attr, i32::MAX, -1, None, OpenFlags::NONE).unwrap_err();
        assert!(matches!(error.reason, super::super::Reason::NoTask | super::super::Reason::NoPermission { .. }));
    }

    #[test]
    fn filters_are_only_for_tracepoints() {
        let event = match PerfEvent::open(&software(CPU_CLOCK, 0), 0, -1, None, OpenFlags::NONE) {
            Ok(event) => event,
            Err(error) => skip!("no software events: {error}"),
        };
        assert!(event.set_filter(c"common_pid != 1").is_err());
        assert!(event.set_output(None).is_ok() && event.refresh(1).is_err());
    }
}
