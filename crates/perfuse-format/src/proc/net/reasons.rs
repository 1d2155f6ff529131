//! Names of the reasons for which the kernel drops packets: the `format` file of the tracepoint `skb:kfree_skb`
//! (Linux 5.17), since their numbers move between kernels. Where tracefs is out of reach, `@bpf/skb_drop_reasons` has the same
//! from the kernel's BTF: lines of number and name.

use std::collections::BTreeMap;

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};

/// Names by number, without the prefix `SKB_DROP_REASON_`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DropReasons(pub BTreeMap<u32, String>);

impl FromBytes for DropReasons {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        // print fmt: "...", REC->..., __print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 3, "NO_SOCKET" })
        let text = text(bytes);
        let Some((_, list)) = text.split_once("__print_symbolic(REC->reason") else {
            // Before Linux 5.17 there were no reasons: an empty list, as long as it is such a file at all.
            return if text.contains("print fmt:") { Ok(Self::default()) } else { numbered(bytes) };
        };
        let mut reasons = BTreeMap::new();
        for pair in list.split('{').skip(1) {
            let number = pair.split(',').next().map(str::trim).and_then(|number| unsigned(number.as_bytes()));
            let name = pair.split('"').nth(1);
            let (Some(number), Some(name)) = (number.and_then(|number| u32::try_from(number).ok()), name) else {
                continue;
            };
            reasons.insert(number, name.strip_prefix("SKB_DROP_REASON_").unwrap_or(name).to_owned());
        }
        Ok(Self(reasons))
    }
}

/// Lines `NUMBER NAME`, as the BPF loader writes them.
fn numbered(bytes: &[u8]) -> Result<DropReasons, ParseError> {
    let mut reasons = BTreeMap::new();
    for (number, line) in lines(bytes) {
        let mut parts = fields(line);
        let id = parts.next().and_then(unsigned).and_then(|id| u32::try_from(id).ok());
        let (Some(id), Some(name)) = (id, parts.next()) else {
            return Err(ParseError::new(number, "the format file of a tracepoint, or a number and a name", line));
        };
        let name = text(name);
        reasons.insert(id, name.strip_prefix("SKB_DROP_REASON_").unwrap_or(&name).to_owned());
    }
    Ok(DropReasons(reasons))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_several_kernels() {
        let new = b"name: kfree_skb\nprint fmt: \"skbaddr=%p reason: %s\", REC->skbaddr, __print_symbolic(REC->reason, { 2, \"NOT_SPECIFIED\" }, { 3, \"NO_SOCKET\" })\n";
        let reasons = DropReasons::from_bytes(new).unwrap().0;
        assert_eq!(reasons, [(2, "NOT_SPECIFIED".to_owned()), (3, "NO_SOCKET".to_owned())].into());
        let old = b"name: kfree_skb\nprint fmt: \"skbaddr=%p\", REC->skbaddr\n";
        assert!(DropReasons::from_bytes(old).unwrap().0.is_empty());
        let from_btf = DropReasons::from_bytes(b"0 SKB_NOT_DROPPED_YET\n3 SKB_DROP_REASON_NO_SOCKET\n").unwrap().0;
        assert_eq!(from_btf, [(0, "SKB_NOT_DROPPED_YET".to_owned()), (3, "NO_SOCKET".to_owned())].into());
        assert!(DropReasons::from_bytes(b"").is_err());
        assert!(DropReasons::from_bytes(b"x NO_SOCKET\n").is_err());
    }
}
