//! Numbers for people: two to three digits that matter, and a unit.

use perfuse_analyze::{Quantity, Unit};

use super::Lang;

/// A quantity for people: `97%`, `1.2 GiB`, `3.4 ms`, `0.42 s/s`, `1.3 k/s`.
pub fn quantity(value: Quantity, lang: Lang) -> String {
    let number = value.number;
    match value.unit {
        Unit::Ratio => percent(number),
        Unit::SecondsPerSecond => format!("{} s/s", share_of_time(number)),
        Unit::PerSecond => rate(number),
        Unit::Bytes => bytes(number),
        Unit::BytesPerSecond => format!("{}/s", bytes(number)),
        Unit::Seconds => seconds(number, lang),
        Unit::Count => count(number),
        Unit::Celsius => format!("{} °C", trimmed(number, 0)),
        Unit::InstructionsPerCycle => format!("{} IPC", trimmed(number, 2)),
    }
}

/// A number with `decimals` digits after the point and commas between groups of three.
pub fn grouped(number: f64, decimals: usize) -> String {
    let plain = format!("{number:.decimals$}");
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// At most `decimals` digits after the point, none that are 0 at the end.
fn trimmed(number: f64, decimals: usize) -> String {
    let text = grouped(number, decimals);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Three digits that matter, at most two after the point.
fn three(number: f64) -> String {
    let decimals = match number.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    trimmed(number, decimals)
}

fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let size = percent.abs();
    // Nearly full is not full, and nearly nothing is not nothing.
    let decimals = match size {
        size if size >= 100.0 => 0,
        size if size >= 99.995 => return "<100%".to_owned(),
        size if size >= 99.95 => 2,
        size if size >= 99.5 => 1,
        size if size >= 9.95 => 0,
        size if size >= 0.995 => 1,
        size if size >= 0.005 => 2,
        size if size > 0.0 => return "<0.01%".to_owned(),
        _ => 0,
    };
    format!("{}%", trimmed(percent, decimals))
}

fn share_of_time(number: f64) -> String {
    let size = number.abs();
    match size {
        size if size >= 9.995 => trimmed(number, 1),
        size if size >= 0.0995 => trimmed(number, 2),
        size if size >= 0.0005 => trimmed(number, 3),
        size if size > 0.0 => "<0.001".to_owned(),
        _ => "0".to_owned(),
    }
}

/// The number below 1,000 (or 1,024) and the index of its prefix.
fn scaled(number: f64, base: f64, prefixes: usize) -> (f64, usize) {
    let mut scaled = number;
    let mut index = 0;
    // What would be rounded up to the next prefix is shown with the next prefix.
    while scaled.abs() >= base - 0.5 && index + 1 < prefixes {
        scaled /= base;
        index += 1;
    }
    (scaled, index)
}

fn rate(number: f64) -> String {
    const PREFIXES: [&str; 5] = ["", "k", "M", "G", "T"];
    if number != 0.0 && number.abs() < 0.005 {
        return "<0.01 /s".to_owned();
    }
    let (number, index) = scaled(number, 1000.0, PREFIXES.len());
    format!("{} {}/s", three(number), PREFIXES[index])
}

fn bytes(number: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (number, index) = scaled(number, 1024.0, UNITS.len());
    let decimals = usize::from(index > 0 && number.abs() < 99.95);
    format!("{} {}", trimmed(number, decimals), UNITS[index])
}

fn seconds(number: f64, lang: Lang) -> String {
    let size = number.abs();
    let (number, unit) = match size {
        0.0 => (0.0, " s"),
        size if size < 999.5e-9 => (number * 1e9, " ns"),
        size if size < 999.5e-6 => (number * 1e6, " µs"),
        size if size < 0.9995 => (number * 1e3, " ms"),
        size if size < 120.0 => (number, " s"),
        size if size < 7_200.0 => (number / 60.0, if lang == Lang::Ko { "분" } else { " min" }),
        size if size < 172_800.0 => (number / 3_600.0, if lang == Lang::Ko { "시간" } else { " h" }),
        _ => (number / 86_400.0, if lang == Lang::Ko { "일" } else { " d" }),
    };
    format!("{}{unit}", three(number))
}

fn count(number: f64) -> String {
    let decimals = usize::from(number.abs() < 100.0);
    trimmed(number, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn en(quantities: &[Quantity]) -> Vec<String> {
        quantities.iter().map(|value| quantity(*value, Lang::En)).collect()
    }

    #[test]
    fn ratios_never_round_to_full_or_to_nothing() {
        let ratios = [0.0, 0.97, 1.0, 0.999, 0.9996, 0.999_999, 0.042, 0.004_2, 0.000_001, 1.5, 12.0, 0.05];
        let expected =
            ["0%", "97%", "100%", "99.9%", "99.96%", "<100%", "4.2%", "0.42%", "<0.01%", "150%", "1,200%", "5%"];
        assert_eq!(en(&ratios.map(Quantity::ratio)), expected);
    }

    #[test]
    fn bytes_and_rates_have_their_prefixes() {
        let gib = f64::from(1 << 30);
        let sizes = [0.0, 17.0, 1023.6, 1.2 * gib, 24.0 * gib, 500.0 * gib, 1023.9 * gib];
        assert_eq!(en(&sizes.map(Quantity::bytes)), ["0 B", "17 B", "1 KiB", "1.2 GiB", "24 GiB", "500 GiB", "1 TiB"]);
        assert_eq!(quantity(Quantity::throughput(2048.0), Lang::En), "2 KiB/s");
        let rates = [0.0, 0.001, 0.5, 420.0, 999.7, 1300.0, 2.5e6];
        assert_eq!(
            en(&rates.map(Quantity::rate)),
            ["0 /s", "<0.01 /s", "0.5 /s", "420 /s", "1 k/s", "1.3 k/s", "2.5 M/s"]
        );
    }

    #[test]
    fn times_go_from_nanoseconds_to_days() {
        let times = [0.0, 5e-9, 1.5e-6, 3.4e-3, 0.9997, 12.34, 300.0, 9000.0, 260_000.0];
        let expected = ["0 s", "5 ns", "1.5 µs", "3.4 ms", "1 s", "12.3 s", "5 min", "2.5 h", "3.01 d"];
        assert_eq!(en(&times.map(Quantity::seconds)), expected);
        assert_eq!(quantity(Quantity::seconds(300.0), Lang::Ko), "5분");
        let waits = [0.0, 0.000_1, 0.042, 0.42, 12.34];
        assert_eq!(en(&waits.map(Quantity::wait)), ["0 s/s", "<0.001 s/s", "0.042 s/s", "0.42 s/s", "12.3 s/s"]);
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(en(&[0.0, 1.5, 197_000.0, -3.0].map(Quantity::count)), ["0", "1.5", "197,000", "-3"]);
        assert_eq!(grouped(1_234_567.891, 2), "1,234,567.89");
    }
}
