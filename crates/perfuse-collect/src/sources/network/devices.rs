//! `@net/devices`: the device and the driver behind each interface; `@net/namespaces`: how many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use perfuse_format::RawSnapshot;
use perfuse_format::sys::net::{NetDevice, NetDevices};

use super::super::Collector;
use crate::root::Root;
use crate::sampler::Tick;

/// Follows the links of `/sys/class/net`.
#[derive(Debug)]
pub(super) struct DeviceCollector;

impl Collector for DeviceCollector {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if tick.slow || tick.first {
            match devices(root) {
                Ok(devices) => out.put("@net/devices", NetDevices(devices).to_bytes()),
                Err(error) => out.put_errno("@net/devices", error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
        if tick.first && root.is_live() {
            out.put("@net/namespaces", format!("{}\n", namespaces(root)));
        }
    }
}

fn devices(root: &Root) -> std::io::Result<BTreeMap<String, NetDevice>> {
    let mut devices = BTreeMap::new();
    for entry in std::fs::read_dir(root.join("/sys/class/net"))? {
        let entry = entry?;
        let path = entry.path();
        if !path.is_dir() {
            continue; // bonding_masters is a file.
        }
        let device = path.join("device");
        let found = NetDevice {
            driver: link_name(&device.join("driver")),
            path: std::fs::canonicalize(&device).map(|path| below_devices(&path)).unwrap_or_default(),
        };
        devices.insert(entry.file_name().to_string_lossy().into_owned(), found);
    }
    Ok(devices)
}

/// The last component of what a link points to.
fn link_name(link: &Path) -> String {
    let target = std::fs::read_link(link).ok();
    target.and_then(|target| Some(target.file_name()?.to_string_lossy().into_owned())).unwrap_or_default()
}

fn below_devices(path: &Path) -> String {
    let path = path.to_string_lossy();
    path.split_once("/sys/devices/").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

/// Network namespaces that processes are in, as far as they can be seen; at least our own.
fn namespaces(root: &Root) -> usize {
    let mut seen = BTreeSet::new();
    let processes = std::fs::read_dir(root.join("/proc")).into_iter().flatten().flatten();
    for process in processes {
        if process.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(namespace) = std::fs::read_link(process.path().join("ns/net"))
        {
            seen.insert(namespace);
        }
    }
    seen.len().max(1)
}
