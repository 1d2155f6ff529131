//! `/proc/self/mountinfo` (proc(5)).

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Major and minor number of the device.
    pub device: (u32, u32),
    /// Directory of the filesystem that is the root of this mount.
    pub root: String,
    /// Where it is mounted, octal escapes undone.
    pub mount_point: String,
    /// Per-mount options, such as `rw,relatime`.
    pub options: String,
    /// Filesystem type.
    pub fs_type: String,
    /// Device or name.
    pub source: String,
    /// Per-superblock options.
    pub super_options: String,
}

/// All mounts, in the kernel's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountInfo(pub Vec<Mount>);

impl FromBytes for MountInfo {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut mounts = Vec::new();
        for (number, line) in lines(bytes) {
            mounts.push(mount(line).ok_or_else(|| {
                ParseError::new(number, "`id parent major:minor root point options - type source options`", line)
            })?);
        }
        Ok(Self(mounts))
    }
}

fn mount(line: &[u8]) -> Option<Mount> {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    let mut parts = fields(line);
    let device = parts.nth(2)?;
    let colon = device.iter().position(|&byte| byte == b':')?;
    let number = |field: &[u8]| unsigned(field).and_then(|n| u32::try_from(n).ok());
    let device = (number(&device[..colon])?, number(&device[colon + 1..])?);
    let (root, point, options) = (parts.next()?, parts.next()?, parts.next()?);
    parts.by_ref().find(|part| *part == b"-")?;
    Some(Mount {
        device,
        root: unescape(root),
        mount_point: unescape(point),
        options: text(options),
        fs_type: text(parts.next()?),
        source: parts.next().map(unescape).unwrap_or_default(),
        super_options: parts.next().map(text).unwrap_or_default(),
    })
}

/// Undoes the kernel's `\040` (blank), `\011`, `\012` and `\134`.
pub fn unescape(field: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = (first == b'\\').then(|| tail.get(..3)).flatten();
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok()) {
            bytes.push(byte);
            rest = &tail[3..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_and_escapes() {
        let text = b"36 35 98:0 / /mnt\\040two rw,noatime master:1 shared:2 - ext3 /dev/root rw\n30 1 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
        let mounts = MountInfo::from_bytes(text).unwrap().0;
        assert_eq!(mounts[0].mount_point, "/mnt two");
        assert_eq!(mounts[0].fs_type, "ext3");
        assert_eq!(mounts[1].super_options, "rw,cpu");
        assert!(MountInfo::from_bytes(b"36 35 98 / /\n").is_err());
    }
}
