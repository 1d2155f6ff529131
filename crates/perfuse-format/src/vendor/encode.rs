//! From the fields of a table to the terms of a PMU: `EventCode` and `UMask` become `event=0x51,umask=0x1`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// An object of a table.
pub(super) type Object = Map<String, Value>;

/// A field as text; numbers are written out. Empty text is no text.
pub(super) fn text(object: &Object, key: &str) -> Option<String> {
    let text = match object.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    // Perfmon files write "null" where there is nothing.
    (!text.is_empty() && text != "null").then_some(text)
}

/// A decimal or hexadecimal number; of several between commas the first.
fn number(text: &str) -> Option<u64> {
    let text = text.split(',').next().unwrap_or_default().trim();
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    hexadecimal.map_or_else(|| text.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok())
}

/// A field as a number. The error names a field that is there and is none.
fn field(object: &Object, key: &'static str) -> Result<Option<u64>, &'static str> {
    text(object, key).map(|text| number(&text).ok_or(key)).transpose()
}

/// Whether a switch is on: `1` in text or as a number.
pub(super) fn on(object: &Object, key: &str) -> bool {
    text(object, key).and_then(|text| number(&text)).is_some_and(|number| number != 0)
}

/// The terms that follow the code, with their fields.
const TERMS: [(&str, &str); 7] = [
    ("AnyThread", "any"),
    ("PortMask", "ch_mask"),
    ("CounterMask", "cmask"),
    ("EdgeDetect", "edge"),
    ("FCMask", "fc_mask"),
    ("Invert", "inv"),
    ("SampleAfterValue", "period"),
];

/// Model specific registers that an event needs, with the term through which the kernel sets them.
const REGISTERS: [(u64, &str); 4] =
    [(0x3f6, "ldlat"), (0x1a6, "offcore_rsp"), (0x1a7, "offcore_rsp"), (0x3f7, "frontend")];

/// Events of Intel's fixed counters. Tables give them codes of their own; the kernel wants those of the general counters.
const FIXED: [(&str, &str); 6] = [
    ("inst_retired.any", "event=0xc0,period=2000003"),
    ("inst_retired.any_p", "event=0xc0,period=2000003"),
    ("cpu_clk_unhalted.ref", "event=0x0,umask=0x03,period=2000003"),
    ("cpu_clk_unhalted.thread", "event=0x3c,period=2000003"),
    ("cpu_clk_unhalted.core", "event=0x3c,period=2000003"),
    ("cpu_clk_unhalted.thread_any", "event=0x3c,any=1,period=2000003"),
];

/// The terms of an event; the error says which field is not understood. Empty when there is no code at all.
pub(super) fn terms(object: &Object, name: &str) -> Result<String, &'static str> {
    if let Some((_, terms)) = FIXED.iter().find(|(fixed, _)| *fixed == name)
        && !object.contains_key("Unit")
        && !object.contains_key("ArchStdEvent")
    {
        return Ok((*terms).to_owned());
    }
    let mut terms = match field(object, "ConfigCode")? {
        Some(config) => format!("config={config:#x}"),
        None => match field(object, "EventCode")? {
            Some(code) => {
                let extension = field(object, "ExtSel")?.unwrap_or(0);
                format!("event={:#x}", code | extension << 8)
            }
            None if object.contains_key("ArchStdEvent") => String::new(),
            // Free-running counters have a mask only.
            None if object.contains_key("UMask") => "event=0".to_owned(),
            None => return Err("EventCode"),
        },
    };
    // Writing to a string does not fail.
    for (key, term) in TERMS {
        if let Some(value) = field(object, key)?.filter(|value| *value != 0) {
            let _ = if key == "SampleAfterValue" {
                write!(terms, ",{term}={value}")
            } else {
                write!(terms, ",{term}={value:#x}")
            };
        }
    }
    let extension = field(object, "UMaskExt")?.unwrap_or(0);
    let mask = field(object, "UMask")?.unwrap_or(0) | extension.checked_shl(8).unwrap_or(0);
    if mask != 0 {
        let _ = write!(terms, ",umask={mask:#x}");
    }
    if let Some(filter) = text(object, "Filter") {
        // Perfmon names the register here (`CBoFilter1[28:20]`), which cannot be asked for; the kernel's files have terms.
        if !filter.contains('=') {
            return Err("Filter");
        }
        let _ = write!(terms, ",{filter}");
    }
    let register = field(object, "MSRIndex")?.filter(|register| *register != 0);
    if let Some((_, term)) = register.and_then(|register| REGISTERS.iter().find(|(known, _)| *known == register)) {
        let value = field(object, "MSRValue")?.unwrap_or(0);
        let _ = write!(terms, ",{term}={value:#x}");
    }
    Ok(terms.trim_start_matches(',').to_owned())
}

/// The directory below `/sys/bus/event_source/devices` of a `Unit`; empty for the cores themselves.
pub(super) fn pmu(unit: Option<&str>) -> String {
    const NAMES: [(&str, &str); 16] = [
        ("CBO", "uncore_cbox"),
        ("QPI LL", "uncore_qpi"),
        ("SBO", "uncore_sbox"),
        ("iMPH-U", "uncore_arb"),
        ("UPI LL", "uncore_upi"),
        ("CPU-M-CF", "cpum_cf"),
        ("CPU-M-SF", "cpum_sf"),
        ("PAI-CRYPTO", "pai_crypto"),
        ("L3PMC", "amd_l3"),
        ("DFPMC", "amd_df"),
        ("hisi_sicl,cpa", "hisi_sicl,cpa"),
        ("hisi_sccl,ddrc", "hisi_sccl,ddrc"),
        ("hisi_sccl,hha", "hisi_sccl,hha"),
        ("hisi_sccl,l3c", "hisi_sccl,l3c"),
        ("cpu_core", "cpu_core"),
        ("cpu_atom", "cpu_atom"),
    ];
    let Some(unit) = unit.filter(|unit| !unit.eq_ignore_ascii_case("cpu") && !unit.eq_ignore_ascii_case("core")) else {
        return String::new();
    };
    let known = NAMES.iter().find(|(name, _)| *name == unit).map(|(_, pmu)| (*pmu).to_owned());
    known.unwrap_or_else(|| format!("uncore_{}", unit.to_ascii_lowercase()))
}

/// `64Bytes` and `6.1e-5MiB`: a factor and a unit, either of which may be missing.
pub(super) fn scale(text: &str) -> (Option<f64>, Option<String>) {
    // The longest start that is a number, of at most 32 letters; `inf` and `nan` are no numbers here.
    let is_number = |end: &usize| text.get(..*end).is_some_and(|start| start.parse::<f64>().is_ok());
    let numeric = text.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-'));
    let end = (1..=text.len().min(32)).rev().find(is_number).filter(|_| numeric).unwrap_or(0);
    let (factor, unit) = text.split_at(end);
    let unit = unit.trim();
    (factor.parse().ok(), (!unit.is_empty()).then(|| unit.to_owned()))
}
