//! `@statvfs`: the room in every mounted filesystem, without ever hanging on one whose server is gone.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use perfuse_format::RawSnapshot;
use perfuse_format::proc::mountinfo::{Mount, MountInfo};
use perfuse_format::sys::statvfs::{Asked, Filesystem, Filesystems, Room};

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

const SOURCE: &str = "@statvfs";

/// How long all filesystems that may hang are waited for, together.
const PATIENCE: Duration = Duration::from_millis(100);

/// Filesystems without room of their own. `autofs` would be mounted by asking.
const PSEUDO: [&str; 26] = [
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sockfs",
    "sysfs",
    "tracefs",
    "fuse.lxcfs",
];

/// Filesystems whose answer comes from a server or a daemon, and may never come.
const REMOTE: [&str; 16] = [
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse", "fuseblk", "gfs2", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "smb3", "virtiofs",
];

/// Asks the filesystems. Those that may hang are asked on a thread of their own; while one has not answered it is not
/// asked again, so that a dead server costs one sleeping thread and no more.
#[derive(Debug, Default)]
pub(super) struct StatVfs {
    waiting: BTreeMap<String, Receiver<Asked>>,
}

impl Collector for StatVfs {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow || !root.is_live() {
            return;
        }
        let Some(mounts) = out.get::<MountInfo>("/proc/self/mountinfo").into_value() else { return };
        let chosen = choose(&mounts);
        let points: Vec<&str> = chosen.iter().map(|mount| mount.mount_point.as_str()).collect();
        self.waiting.retain(|point, _| points.contains(&point.as_str()));
        let deadline = Instant::now() + PATIENCE;
        for mount in chosen.iter().filter(|mount| is_remote(&mount.fs_type)) {
            self.begin(&mount.mount_point);
        }
        let filesystems = chosen
            .iter()
            .map(|mount| Filesystem {
                mount_point: mount.mount_point.clone(),
                fs_type: mount.fs_type.clone(),
                device: mount.device,
                asked: if is_remote(&mount.fs_type) {
                    self.finish(&mount.mount_point, deadline)
                } else {
                    ask(&mount.mount_point)
                },
            })
            .collect();
        out.put(SOURCE, Filesystems(filesystems).to_bytes());
    }
}

impl StatVfs {
    /// Starts to ask a filesystem that may hang, unless it owes an answer already.
    fn begin(&mut self, point: &str) {
        if self.waiting.contains_key(point) {
            return;
        }
        let (sender, receiver) = channel();
        let path = point.to_owned();
        let started = thread::Builder::new().name("statvfs".to_owned()).stack_size(64 * 1024).spawn(move || {
            // The receiver may be gone: then nobody wants to know any more.
            let _ = sender.send(ask(&path));
        });
        if started.is_ok() {
            self.waiting.insert(point.to_owned(), receiver);
        }
    }

    /// Its answer, if that comes before the deadline.
    fn finish(&mut self, point: &str, deadline: Instant) -> Asked {
        let Some(receiver) = self.waiting.get(point) else { return Asked::Errno(libc::EAGAIN) };
        let patience = deadline.saturating_duration_since(Instant::now());
        let answer = match receiver.try_recv() {
            Err(TryRecvError::Empty) => receiver.recv_timeout(patience),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Ok(answer) => Ok(answer),
        };
        match answer {
            Err(RecvTimeoutError::Timeout) => Asked::Slow,
            Err(RecvTimeoutError::Disconnected) => {
                self.waiting.remove(point);
                Asked::Errno(libc::EIO)
            }
            Ok(answer) => {
                self.waiting.remove(point);
                answer
            }
        }
    }
}

fn is_remote(fs_type: &str) -> bool {
    REMOTE.contains(&fs_type) || fs_type.starts_with("fuse.")
}

/// The mounts to ask: each filesystem once, by its shortest mount point, and only the mount that is on top of a point.
fn choose(mounts: &MountInfo) -> Vec<&Mount> {
    let mut on_top: BTreeMap<&str, &Mount> = BTreeMap::new();
    for mount in &mounts.0 {
        on_top.insert(&mount.mount_point, mount);
    }
    let mut by_device: BTreeMap<(u32, u32), &Mount> = BTreeMap::new();
    for mount in on_top.values().filter(|mount| !PSEUDO.contains(&mount.fs_type.as_str())) {
        let kept = by_device.entry(mount.device).or_insert(mount);
        if mount.mount_point.len() < kept.mount_point.len() {
            *kept = mount;
        }
    }
    let mut chosen: Vec<&Mount> = by_device.into_values().collect();
    chosen.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    chosen
}

fn ask(point: &str) -> Asked {
    match rustix::fs::statvfs(point) {
        Ok(found) => Asked::Room(Room {
            block_size: if found.f_frsize == 0 { found.f_bsize } else { found.f_frsize },
            blocks: found.f_blocks,
            free: found.f_bfree,
            available: found.f_bavail,
            files: found.f_files,
            files_free: found.f_ffree,
            files_available: found.f_favail,
            flags: found.f_flag.bits(),
        }),
        Err(errno) => Asked::Errno(errno.raw_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::FromBytes;

    use super::*;

    const SLOW: Tick = Tick { first: true, slow: true };

    #[test]
    fn each_filesystem_once_and_only_what_can_be_seen() {
        let text = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /x /var/lib/x rw - ext4 /dev/sda1 rw\n3 1 0:4 / /proc rw - proc proc rw\n4 1 0:5 / /mnt rw - tmpfs a rw\n5 1 0:6 / /mnt rw - nfs4 s:/ rw\n6 1 0:7 / /a rw - autofs a rw\n";
        let mounts = MountInfo::from_bytes(text).unwrap();
        let chosen: Vec<_> = choose(&mounts).iter().map(|m| (m.mount_point.as_str(), m.fs_type.as_str())).collect();
        assert_eq!(chosen, [("/", "ext4"), ("/mnt", "nfs4")]);
    }

    #[test]
    fn the_root_has_room() {
        let mut out = RawSnapshot::default();
        out.put("/proc/self/mountinfo", std::fs::read("/proc/self/mountinfo").unwrap());
        StatVfs::default().sample(&Root::default(), SLOW, &mut out);
        let found = out.get::<Filesystems>(SOURCE).into_value().unwrap();
        let root = found.0.iter().find(|filesystem| filesystem.mount_point == "/").unwrap();
        assert!(matches!(root.asked, Asked::Room(found) if found.blocks > 0 && found.block_size > 0));
    }

    #[test]
    fn a_filesystem_that_does_not_answer_is_asked_once() {
        let mut collector = StatVfs::default();
        let (sender, receiver) = channel();
        collector.waiting.insert("/dead".to_owned(), receiver);
        let now = Instant::now();
        assert_eq!(collector.finish("/dead", now), Asked::Slow);
        collector.begin("/dead");
        assert_eq!(collector.finish("/dead", now), Asked::Slow, "still the first question");
        sender.send(Asked::Errno(5)).unwrap();
        assert_eq!(collector.finish("/dead", now), Asked::Errno(5));
        assert!(collector.waiting.is_empty());
    }
}
