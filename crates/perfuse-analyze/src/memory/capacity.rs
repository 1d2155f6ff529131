//! Storage capacity: blocks and inodes of every filesystem, and swap.

use perfuse_format::bpf::{BlockProcess, ErrnoCount};
use perfuse_format::proc::diskstats::{Disk, DiskStats};
use perfuse_format::proc::mountinfo::MountInfo;
use perfuse_format::sys::statvfs::{Asked, Filesystem, Filesystems, Room};
use perfuse_format::{Missing, Reading, Why};

use super::facts::Facts;
use super::groups::quoted;
use super::inotify;
use crate::cell::{Advice, Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::table::{Kind, Resource};

const UTILIZATION: &str = "capacity.utilization";
const ERRORS: &str = "capacity.errors";
const SOURCE: &str = "@statvfs";
const ENOSPC: u32 = 28;
const EDQUOT: u32 = 122;

/// One filesystem with its growth over the run.
struct Mount<'a> {
    filesystem: &'a Filesystem,
    room: Room,
    /// Bytes per second that it grew by; negative when it shrank.
    growth: Option<f64>,
}

impl Mount<'_> {
    /// Share in use of what runs out first: blocks or inodes.
    fn used(&self) -> f64 {
        let inodes = self.room.inodes_used_ratio().unwrap_or(0.0);
        self.room.used_ratio().unwrap_or(0.0).max(inodes)
    }

    /// Whether inodes run out before blocks.
    fn by_inodes(&self) -> bool {
        self.room.inodes_used_ratio().unwrap_or(0.0) > self.room.used_ratio().unwrap_or(0.0)
    }

    /// Seconds until it is full at the rate of the run.
    fn fill_time(&self) -> Option<f64> {
        let growth = self.growth.filter(|growth| *growth > 0.0)?;
        Some(self.room.available_bytes() as f64 / growth)
    }

    fn is_full(&self) -> bool {
        self.room.available == 0 || (self.room.files > 0 && self.room.files_available == 0)
    }
}

pub(super) fn evaluate(run: &Run, facts: &Facts, out: &mut Output) {
    let asked = run.last::<Filesystems>(SOURCE);
    let before = run.first::<Filesystems>(SOURCE).into_value().unwrap_or_default();
    let seconds = run.span::<Filesystems>(SOURCE).value().map(|span| span.seconds);
    let none = Filesystems::default();
    let filesystems = asked.value().unwrap_or(&none);
    let mounts = mounts(filesystems, &before, seconds);
    utilization(run, facts, (&asked, &mounts), out);
    errors(run, &mounts, out);
}

/// The filesystems that can fill up, the fullest first. Several containers show the same disk through overlays of their
/// own: of filesystems with the very same room only the first counts.
fn mounts<'a>(now: &'a Filesystems, before: &Filesystems, seconds: Option<f64>) -> Vec<Mount<'a>> {
    let mut mounts: Vec<Mount> = Vec::new();
    for filesystem in &now.0 {
        let Asked::Room(room) = filesystem.asked else { continue };
        if room.read_only() || room.blocks == 0 {
            continue;
        }
        let twin = |mount: &Mount| {
            mount.room.blocks == room.blocks && mount.room.free == room.free && mount.room.files_free == room.files_free
        };
        if filesystem.fs_type == "overlay" && mounts.iter().any(twin) {
            continue;
        }
        let earlier = before
            .0
            .iter()
            .find(|earlier| earlier.mount_point == filesystem.mount_point && earlier.device == filesystem.device);
        let growth = match (earlier.map(|earlier| earlier.asked), seconds) {
            (Some(Asked::Room(earlier)), Some(seconds)) => {
                Some((room.used_bytes() as f64 - earlier.used_bytes() as f64) / seconds)
            }
            _ => None,
        };
        mounts.push(Mount { filesystem, room, growth });
    }
    mounts.sort_by(|a, b| b.used().total_cmp(&a.used()).then(a.filesystem.mount_point.cmp(&b.filesystem.mount_point)));
    mounts
}

fn utilization(run: &Run, facts: &Facts, found: (&Reading<Filesystems>, &[Mount]), out: &mut Output) {
    let (asked, mounts) = found;
    let swap = swap(facts);
    if let (Some(missing), None) = (asked.why_missing(), &swap) {
        return out.cell(Cell::unmeasurable(UTILIZATION, missing));
    }
    let mut instances: Vec<Instance> = mounts.iter().map(|mount| instance(run, mount)).collect();
    instances.extend(swap.map(|used| swap_instance(run, facts, used)));
    instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number).then(a.name.cmp(&b.name)));
    if instances.is_empty() {
        return out.cell(Cell::not_applicable(UTILIZATION, Msg::new("capacity-no-filesystem")));
    }
    let worst = instances.first().map_or(0.0, |instance| instance.value.number);
    let verdict = instances.iter().map(|instance| instance.verdict).max().unwrap_or(Verdict::Ok);
    let mut cell = Cell::measured(UTILIZATION, verdict, Quantity::ratio(worst));
    cell.note = silent(asked.value());
    cell.instances = instances;
    for mount in mounts.iter().take(3) {
        let point = &mount.filesystem.mount_point;
        let room = Quantity::bytes(mount.room.available_bytes() as f64);
        let by_hand = format!("df -B1 {}", quoted(point));
        cell.evidence.push(Evidence::new(format!("statvfs {point}"), "f_bavail", room).by_hand(by_hand));
        if mount.room.files > 0 {
            let left = Quantity::count(mount.room.files_available as f64);
            let by_hand = format!("df -i {}", quoted(point));
            cell.evidence.push(Evidence::new(format!("statvfs {point}"), "f_favail", left).by_hand(by_hand));
        }
    }
    cell.culprits = writers(run, mounts.first());
    for mount in mounts.iter().filter(|mount| verdict_of(run, mount) == Verdict::Watch) {
        out.finding(nearly_full(run, mount));
    }
    out.cell(cell);
}

/// Filesystems that did not answer: their server is likely gone. Never waited for, and never left out in silence.
fn silent(filesystems: Option<&Filesystems>) -> Option<Msg> {
    let names: Vec<&str> = filesystems?
        .0
        .iter()
        .filter(|filesystem| !matches!(filesystem.asked, Asked::Room(_)))
        .map(|filesystem| filesystem.mount_point.as_str())
        .collect();
    (!names.is_empty()).then(|| Msg::new("capacity-no-answer").with("mounts", names.join(", ")))
}

fn verdict_of(run: &Run, mount: &Mount) -> Verdict {
    let full = mount.used() >= run.threshold("capacity.full") || mount.is_full();
    // A burst into an empty filesystem is no trend: only what is half full can be filled in time to matter.
    let filling =
        mount.used() >= 0.5 && mount.fill_time().is_some_and(|seconds| seconds <= run.threshold("capacity.fill-time"));
    if full || filling { Verdict::Watch } else { Verdict::Ok }
}

fn instance(run: &Run, mount: &Mount) -> Instance {
    let mut instance =
        Instance::new(mount.filesystem.mount_point.clone(), Quantity::ratio(mount.used()), verdict_of(run, mount))
            .detail("used_bytes", Quantity::bytes(mount.room.used_bytes() as f64))
            .detail("available_bytes", Quantity::bytes(mount.room.available_bytes() as f64));
    if let Some(inodes) = mount.room.inodes_used_ratio() {
        instance = instance.detail("inodes_used", Quantity::ratio(inodes));
    }
    if let Some(growth) = mount.growth {
        instance = instance.detail("growth_per_s", Quantity::throughput(growth));
    }
    if let Some(seconds) = mount.fill_time() {
        instance = instance.detail("fill_time", Quantity::seconds(seconds));
    }
    instance
}

/// Share of swap in use; nothing without swap.
fn swap(facts: &Facts) -> Option<f64> {
    let memory = facts.memory.value()?;
    let (total, free) = (memory.get("SwapTotal")?, memory.get("SwapFree")?);
    (total > 0).then(|| 1.0 - free.min(total) as f64 / total as f64)
}

fn swap_instance(run: &Run, facts: &Facts, used: f64) -> Instance {
    let verdict = if used >= run.threshold("memory.swap-used") { Verdict::Watch } else { Verdict::Ok };
    let free = facts.memory.value().and_then(|memory| memory.get("SwapFree")).unwrap_or(0);
    Instance::new("swap", Quantity::ratio(used), verdict).detail("available_bytes", Quantity::bytes(free as f64))
}

/// Who writes: to the disk of `mount` where the in-kernel table tells, else at all.
fn writers(run: &Run, mount: Option<&Mount>) -> Vec<Entity> {
    let described =
        |entity: Entity, rate: f64| entity.detail(Msg::new("capacity-writer").with("rate", Quantity::throughput(rate)));
    let device = mount.and_then(|mount| disk_of(run, &mount.filesystem.mount_point));
    if let (Some((major, minor)), Some((rows, seconds))) = (device, run.bpf::<BlockProcess>().into_value()) {
        // Buffered writes reach the disk by a kworker: it names nobody.
        let mut rows: Vec<(f64, &BlockProcess)> = rows
            .iter()
            .filter(|row| (row.major, row.minor) == (major, minor) && row.write_bytes > 0)
            .filter(|row| !row.comm.starts_with("kworker") && run.in_scope(row.pid))
            .map(|row| (row.write_bytes as f64 / seconds, row))
            .collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.pid.cmp(&b.1.pid)));
        if !rows.is_empty() {
            let entity =
                |(rate, row): (f64, &BlockProcess)| described(Entity::process(row.pid, row.comm.clone()), rate);
            return rows.into_iter().take(5).map(entity).collect();
        }
    }
    let Some(tasks) = run.tasks.value() else { return Vec::new() };
    let top = tasks.top(run, |used| used.write_bytes);
    top.into_iter()
        .take(5)
        .map(|(used, rate)| described(Entity::process(used.task.pid, used.task.comm.clone()), rate))
        .collect()
}

/// The number of the disk below a mount point: that of the mounted device, or of the disk that it is a partition of.
fn disk_of(run: &Run, point: &str) -> Option<(u32, u32)> {
    let mounts = run.last::<MountInfo>("/proc/self/mountinfo").into_value()?;
    let device = mounts.0.iter().rev().find(|mount| mount.mount_point == point)?.device;
    let disks = run.last::<DiskStats>("/proc/diskstats").into_value().unwrap_or_default();
    let Some(part) = disks.by_number(device.0, device.1) else { return Some(device) };
    let disk = whole_disk(&disks, part);
    Some((disk.major, disk.minor))
}

/// The disk that a device is a partition of, else the device itself: `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`: the
/// disk's name, then at most a `p`, then the number.
pub(super) fn whole_disk<'d>(disks: &'d DiskStats, part: &'d Disk) -> &'d Disk {
    let is_disk_of = |name: &str| {
        let number = part.name.strip_prefix(name).map(|rest| rest.strip_prefix('p').unwrap_or(rest));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    disks.0.iter().find(|disk| is_disk_of(&disk.name)).unwrap_or(part)
}

fn mount_entity(mount: &Mount) -> Entity {
    Entity::new(EntityKind::Mount, mount.filesystem.mount_point.clone())
}

fn nearly_full(run: &Run, mount: &Mount) -> Finding {
    let spec = (Resource::Capacity, Kind::Utilization, UTILIZATION);
    let point = &mount.filesystem.mount_point;
    let mut finding = Finding::new("capacity.nearly-full", Severity::Watch, spec, mount_entity(mount));
    let left = if mount.by_inodes() {
        Msg::new("capacity-left-inodes").with("left", mount.room.files_available)
    } else {
        Msg::new("capacity-left-bytes").with("left", Quantity::bytes(mount.room.available_bytes() as f64))
    };
    finding.summary =
        finding.summary.with("mount", point).with("used", Quantity::ratio(mount.used())).with("left", left);
    finding.confidence = 0.95;
    let writers = writers(run, Some(mount));
    if let (Some(growth), Some(seconds)) = (mount.growth, mount.fill_time()) {
        finding.chain.push(Link {
            from: Msg::new("capacity-link-mount").with("mount", point),
            to: Msg::new("capacity-link-writer")
                .with("writer", writers.first().map_or("?", |entity| entity.name.as_str())),
            evidence: Msg::new("capacity-link-growth")
                .with("growth", Quantity::throughput(growth))
                .with("time", Quantity::seconds(seconds)),
        });
    }
    let command = if mount.by_inodes() {
        format!("du --inodes -xS {} | sort -rn | head", quoted(point))
    } else {
        format!("du -xh --max-depth=2 {} | sort -rh | head", quoted(point))
    };
    finding.advice = vec![Advice {
        text: Msg::new("capacity-free-room").with("mount", point),
        command: Some(command),
        expect: Msg::new("capacity-free-room-expect").with("limit", Quantity::ratio(run.threshold("capacity.full"))),
    }];
    finding
}

/// Failed calls that mean a full filesystem; nothing without the in-kernel table. ENOSPC of `inotify_add_watch` means
/// the limit of watches, and that of `epoll_ctl` and `bpf` other limits again.
fn refused(run: &Run) -> Result<Vec<ErrnoCount>, Missing> {
    let (rows, _) = run.bpf::<ErrnoCount>().ok()?;
    let other: &[u32] = match run.host.machine.as_str() {
        "x86_64" => &[233, 321],
        "aarch64" | "riscv64" | "loongarch64" => &[21, 280],
        _ => &[],
    };
    let mine = |row: &ErrnoCount| {
        matches!(row.errno, ENOSPC | EDQUOT)
            && !inotify::is_add_watch(&run.host.machine, row.syscall)
            && !other.contains(&row.syscall)
            && run.in_scope(row.pid)
    };
    Ok(rows.into_iter().filter(mine).collect())
}

fn errors(run: &Run, mounts: &[Mount], out: &mut Output) {
    let rows = match refused(run) {
        Ok(rows) => rows,
        Err(missing) => {
            let missing = if missing.why == Why::NotSampled { no_table(run, missing) } else { missing };
            return out.cell(Cell::unmeasurable(ERRORS, &missing));
        }
    };
    let total: u64 = rows.iter().map(|row| row.count).sum();
    let verdict = if total > 0 { Verdict::Error } else { Verdict::Ok };
    let mut cell = Cell::measured(ERRORS, verdict, Quantity::count(total as f64));
    for (errno, name) in [(ENOSPC, "ENOSPC"), (EDQUOT, "EDQUOT")] {
        let count: u64 = rows.iter().filter(|row| row.errno == errno).map(|row| row.count).sum();
        let by_hand = "strace -f -Z -p PID   # failed calls";
        cell.evidence.push(Evidence::new("@bpf/errno", name, Quantity::count(count as f64)).by_hand(by_hand));
    }
    let culprits = by_process(&rows);
    cell.instances = culprits
        .iter()
        .map(|(entity, count)| {
            let name = format!("{} ({})", entity.name, entity.pid.unwrap_or(0));
            Instance::new(name, Quantity::count(*count as f64), Verdict::Error)
        })
        .collect();
    cell.culprits = culprits.iter().take(5).map(|(entity, _)| entity.clone()).collect();
    out.cell(cell);
    for errno in [ENOSPC, EDQUOT] {
        let mine: Vec<ErrnoCount> = rows.iter().filter(|row| row.errno == errno).cloned().collect();
        if !mine.is_empty() {
            out.finding(no_space(errno, &by_process(&mine), mounts));
        }
    }
}

/// Why the in-kernel table is not there, as the probe of the host said.
pub(super) fn no_table(run: &Run, missing: Missing) -> Missing {
    use perfuse_format::sys::capability::{Capabilities, id};
    let capabilities = run.first::<Capabilities>("@capabilities").into_value();
    let why = capabilities.map(|capabilities| capabilities.reading(id::BPF));
    why.and_then(|why| why.why_missing().cloned()).unwrap_or(missing)
}

/// Failed calls by process, the most first.
pub(super) fn by_process(rows: &[ErrnoCount]) -> Vec<(Entity, u64)> {
    let mut found: Vec<(Entity, u64)> = Vec::new();
    for row in rows {
        match found.iter_mut().find(|(entity, _)| entity.pid == Some(row.pid)) {
            Some((_, count)) => *count = count.saturating_add(row.count),
            None => found.push((Entity::process(row.pid, row.comm.clone()), row.count)),
        }
    }
    found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.pid.cmp(&b.0.pid)));
    found
}

fn no_space(errno: u32, processes: &[(Entity, u64)], mounts: &[Mount]) -> Finding {
    let spec = (Resource::Capacity, Kind::Errors, ERRORS);
    let count: u64 = processes.iter().map(|(_, count)| count).sum();
    let full: Vec<&Mount> = mounts.iter().filter(|mount| mount.is_full()).collect();
    let victims: Vec<Entity> = processes.iter().take(5).map(|(entity, _)| entity.clone()).collect();
    let first = victims.first().cloned().unwrap_or_else(Entity::host);
    let (name, pid) = (first.name.clone(), first.pid.unwrap_or(0).to_string());
    if errno == EDQUOT {
        let mut finding = Finding::new("capacity.quota-exceeded", Severity::Error, spec, first);
        finding.summary = finding.summary.with("name", name).with("pid", pid).with("count", count);
        finding.victims = victims;
        finding.confidence = 0.95;
        finding.advice = vec![Advice {
            text: Msg::new("finding-capacity-quota-exceeded-advice"),
            command: Some("repquota -a; xfs_quota -x -c report".to_owned()),
            expect: Msg::new("capacity-no-errors-expect").with("count", count),
        }];
        return finding;
    }
    let culprit = full.first().map_or_else(|| first.clone(), |mount| mount_entity(mount));
    let mut finding = Finding::new("capacity.no-space", Severity::Error, spec, culprit);
    let place = match full.first() {
        Some(mount) => Msg::new("capacity-on-mount").with("mount", &mount.filesystem.mount_point),
        None => Msg::new("capacity-on-unknown"),
    };
    finding.summary =
        finding.summary.with("name", name.clone()).with("pid", pid.clone()).with("count", count).with("place", place);
    finding.victims = victims;
    // Without a full filesystem it may have been one that was cleared meanwhile, a project quota, or a reserve.
    finding.confidence = if full.is_empty() { 0.7 } else { 0.97 };
    let chain = full.first().map(|mount| Link {
        from: Msg::new("capacity-link-failed").with("name", name).with("pid", pid),
        to: Msg::new("capacity-link-full").with("mount", &mount.filesystem.mount_point),
        evidence: Msg::new("capacity-link-full-evidence")
            .with("count", count)
            .with("blocks", Quantity::bytes(mount.room.available_bytes() as f64))
            .with("inodes", mount.room.files_available),
    });
    finding.chain = chain.into_iter().collect();
    let point = full.first().map_or("/", |mount| mount.filesystem.mount_point.as_str());
    finding.advice = vec![Advice {
        text: Msg::new("capacity-free-room").with("mount", point),
        command: Some(format!("df -h; df -i; du -xh --max-depth=2 {} | sort -rh | head", quoted(point))),
        expect: Msg::new("capacity-no-errors-expect").with("count", count),
    }];
    finding.explains = &["capacity.nearly-full"];
    finding
}
