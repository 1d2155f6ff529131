//! Real trouble with storage, made for the test and taken away again.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use perfuse_testkit::{gate, need, skip};

use crate::{json, run};

/// A v1 cgroup with a process in it; both go with it.
struct Limited {
    group: PathBuf,
    child: Option<Child>,
}

impl Drop for Limited {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        // A cgroup is empty a moment after its last process was waited for.
        for _ in 0..50 {
            if std::fs::remove_dir(&self.group).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// Number of the whole disk under a directory, as `major:minor`; limits can be set on no other.
fn disk_under(directory: &Path) -> Option<String> {
    let device = std::fs::metadata(directory).ok()?.dev();
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
    let number = format!("{major}:{minor}");
    let link = std::fs::canonicalize(format!("/sys/dev/block/{number}")).ok()?;
    if link.join("partition").exists() {
        return std::fs::read_to_string(link.parent()?.join("dev")).ok().map(|number| number.trim().to_owned());
    }
    Some(number)
}

#[test]
fn a_limit_of_a_cgroup_is_named_while_the_disk_idles() {
    need!(gate::root());
    need!(gate::command("dd"));
    let blkio = match gate::cgroup_v1("blkio") {
        Ok(blkio) => blkio,
        Err(reason) => skip!("{reason}"),
    };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(disk) = disk_under(directory.path()) else { skip!("the target directory is on no block device") };
    let name = format!("perfuse-test-{}", std::process::id());
    let mut limited = Limited { group: blkio.join(&name), child: None };
    std::fs::create_dir(&limited.group).unwrap();
    let limit = limited.group.join("blkio.throttle.write_bps_device");
    if let Err(error) = std::fs::write(&limit, format!("{disk} 1048576\n")) {
        skip!("{}: {error}", limit.display());
    }
    let script = "echo $$ > \"$1/cgroup.procs\" && exec dd if=/dev/zero of=\"$2\" bs=64k count=4096 oflag=direct";
    let child = Command::new("sh")
        .args(["-c", script, "sh"])
        .args([limited.group.as_os_str(), directory.path().join("out").as_os_str()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id();
    limited.child = Some(child);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let ended = limited.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
    if ended {
        skip!("no direct I/O below {}", directory.path().display());
    }
    let report = json(&run(["use", "--json", "--duration", "4s"]));
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["id"] == "disk.cgroup-throttled");
    let found = found.unwrap_or_else(|| panic!("{findings:#?}"));
    assert_eq!(found["control"], "control.io-throttle");
    assert_eq!(found["culprit"]["path"], format!("/{name}"));
    assert_eq!(found["victims"][0]["pid"], pid);
    assert!(found["wait_s_per_s"].as_f64().unwrap() > 0.05);
}
