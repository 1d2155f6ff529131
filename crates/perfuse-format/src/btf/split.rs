//! Types of a kernel module: BTF that goes on where that of the kernel ends (split BTF). Its ids begin behind those of the
//! kernel, and its names behind the kernel's strings (`btf_parse_module` of the kernel's `kernel/bpf/btf.c`).

use super::{HEADER, MAGIC, sections};
use crate::parse::ParseError;

/// One blob with the types of the kernel and, behind them, those of a module: with their ids, as if they had been made
/// together.
pub fn join(kernel: &[u8], module: &[u8]) -> Result<Vec<u8>, ParseError> {
    let (types, strings) = sections(kernel)?;
    let (own_types, own_strings) = sections(module)?;
    let mut out = Vec::with_capacity(HEADER + types.len() + own_types.len() + strings.len() + own_strings.len());
    out.extend(MAGIC.to_ne_bytes());
    // Version 1, no flags.
    out.extend([1, 0]);
    let size = |one: &[u8], other: &[u8]| {
        u32::try_from(one.len() + other.len()).map_err(|_| super::bad(4, "sections below 4 GiB", module))
    };
    let (types_size, strings_size) = (size(types, own_types)?, size(strings, own_strings)?);
    for field in [24, 0, types_size, types_size, strings_size] {
        out.extend(field.to_ne_bytes());
    }
    for part in [types, own_types, strings, own_strings] {
        out.extend_from_slice(part);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Writer;
    use super::super::{Btf, Kind};
    use super::*;

    /// Names and ids of a module are counted on from those of the kernel, which the writer is told by what was there.
    fn module(kernel: &Writer) -> Vec<u8> {
        let mut out = kernel.behind();
        let device = out.structure("own_device", 16, &[("base", 1, 0), ("list", 2, 64)]);
        let pointer = out.add("", 2, 0, false, device, &[]);
        let extra = [out.name("device"), pointer, out.name("count"), 1];
        let prototype = out.add("", 13, 2, false, 1, &extra);
        out.add("f", 12, 0, false, prototype, &[]);
        out.finish()
    }

    #[test]
    fn types_of_a_module_lead_to_those_of_the_kernel() {
        let mut kernel = Writer::new();
        let int = kernel.int("int", 4, true);
        kernel.structure("list_head", 16, &[("next", int, 0)]);
        let prototype = kernel.add("", 13, 0, false, int, &[]);
        kernel.add("f", 12, 0, false, prototype, &[]);
        let whole = kernel.finish();
        let joined = join(&whole, &module(&kernel)).unwrap();
        let types = Btf::parse(&joined).unwrap();
        assert_eq!(types.len(), 8);
        let device = types.find("own_device", Kind::Struct).unwrap();
        assert_eq!(device.id(), 5);
        let members: Vec<(&[u8], Option<String>)> = device
            .members()
            .map(|member| {
                let of = types.by_id(member.type_id);
                (member.name, of.map(|of| String::from_utf8_lossy(of.name_bytes()).into_owned()))
            })
            .collect();
        assert_eq!(members, [(&b"base"[..], Some("int".to_owned())), (&b"list"[..], Some("list_head".to_owned()))]);
        // The kernel has a function of that name as well; the module's own is the last.
        let parameters = |of: super::super::Type<'_>| of.target().map(|prototype| prototype.parameters().count());
        assert_eq!(types.function("f").and_then(parameters), Some(0));
        assert_eq!(types.last_function("f").and_then(parameters), Some(2));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let mut kernel = Writer::new();
        kernel.int("int", 4, true);
        let whole = kernel.finish();
        assert!(join(&whole, b"").is_err() && join(b"", &whole).is_err());
        let module = module(&kernel);
        for length in 0..module.len() {
            assert!(join(&whole, &module[..length]).is_err(), "{length} bytes");
        }
        // Alone its names are none, and its ids lead nowhere.
        let alone = Btf::parse(&module).unwrap();
        assert!(alone.find("own_device", Kind::Struct).is_none());
    }
}
