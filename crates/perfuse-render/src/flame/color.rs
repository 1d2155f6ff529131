//! Colours of bars: the kind of code gives the hue, the name a shade of it. A name has the same colour in every picture.

use perfuse_analyze::flame::Label;
use perfuse_analyze::profile::FrameKind;

/// What colours mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Warm: programs yellow to orange, kernel red, just-in-time compiled green.
    #[default]
    OnCpu,
    /// Cold: programs blue, kernel violet, just-in-time compiled green.
    OffCpu,
    /// One hue for each file.
    Module,
    /// Red for more than before, blue for less, white for the same.
    Difference,
}

/// Hue in degrees, saturation and lightness in percent.
type Hsl = (f64, f64, f64);

/// The bar of everything.
pub(super) const ROOT: &str = "#d8d4cc";

/// The colour of a bar as `#rrggbb`; `heat` is its change, -1 to 1, which only [`Scheme::Difference`] shows.
pub(super) fn of(scheme: Scheme, label: &Label, heat: f64) -> String {
    let (first, second) = shades(&label.name);
    let plain = match scheme {
        Scheme::OnCpu => warm(label.kind, first),
        Scheme::OffCpu => cold(label.kind, first),
        Scheme::Module if matches!(label.kind, None | Some(FrameKind::Unknown)) => warm(label.kind, first),
        Scheme::Module => (shades(&label.module).0 * 360.0, 55.0, 68.0),
        Scheme::Difference => return hex(change(heat)),
    };
    let (hue, saturation, lightness) = plain;
    // An inlined function is a paler shade of its kind.
    let (saturation, lightness) =
        if label.inlined { (saturation * 0.65, lightness + 13.0) } else { (saturation, lightness) };
    hex((hue, saturation, lightness + second * 6.0 - 3.0))
}

/// The colour that stands for a kind in the legend.
pub(super) fn sample(scheme: Scheme, kind: Option<FrameKind>, inlined: bool) -> String {
    let (hue, saturation, lightness) = if scheme == Scheme::OffCpu { cold(kind, 0.5) } else { warm(kind, 0.5) };
    hex(if inlined { (hue, saturation * 0.65, lightness + 13.0) } else { (hue, saturation, lightness) })
}

/// The colour of a change, -1 to 1.
pub(super) fn change_sample(heat: f64) -> String {
    hex(change(heat))
}

fn warm(kind: Option<FrameKind>, shade: f64) -> Hsl {
    match kind {
        Some(FrameKind::User) => (30.0 + shade * 22.0, 90.0, 64.0),
        Some(FrameKind::Kernel) => (shade * 14.0, 80.0, 67.0),
        Some(FrameKind::Jit) => (85.0 + shade * 35.0, 50.0, 62.0),
        Some(FrameKind::Unknown) => (35.0, 8.0, 72.0 + shade * 8.0),
        None => (40.0, 22.0, 80.0 + shade * 6.0),
    }
}

fn cold(kind: Option<FrameKind>, shade: f64) -> Hsl {
    match kind {
        Some(FrameKind::User) => (195.0 + shade * 20.0, 70.0, 68.0),
        Some(FrameKind::Kernel) => (228.0 + shade * 25.0, 62.0, 75.0),
        Some(FrameKind::Jit) => (150.0 + shade * 22.0, 45.0, 64.0),
        Some(FrameKind::Unknown) => (210.0, 6.0, 72.0 + shade * 8.0),
        None => (210.0, 18.0, 82.0 + shade * 6.0),
    }
}

/// From white to the full colour; the square root makes small changes visible.
fn change(heat: f64) -> Hsl {
    let heat = heat.clamp(-1.0, 1.0);
    let strength = heat.abs().sqrt();
    let hue = if heat > 0.0 { 6.0 } else { 214.0 };
    let saturation = if heat == 0.0 { 0.0 } else { 88.0 };
    (hue, saturation, 93.0 - strength * 33.0)
}

/// Two numbers from 0 to 1 that only depend on the text (FNV-1a, 64 bits).
fn shades(text: &str) -> (f64, f64) {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The upper bits of short texts differ little.
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let part = |shift: u32| (hash >> shift & 0xffff) as f64 / f64::from(u16::MAX);
    (part(48), part(16))
}

fn hex((hue, saturation, lightness): Hsl) -> String {
    let (saturation, lightness) = (saturation / 100.0, (lightness / 100.0).clamp(0.0, 1.0));
    let spread = saturation * lightness.min(1.0 - lightness);
    let channel = |offset: f64| {
        let place = (offset + hue / 30.0).rem_euclid(12.0);
        let level = lightness - spread * (place - 3.0).min(9.0 - place).clamp(-1.0, 1.0);
        format!("{:02x}", byte(level))
    };
    format!("#{}{}{}", channel(0.0), channel(8.0), channel(4.0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of a byte")]
fn byte(level: f64) -> u8 {
    (level * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, kind: Option<FrameKind>) -> Label {
        Label { name: name.to_owned(), module: "m".to_owned(), kind, inlined: false }
    }

    #[test]
    fn colours_are_those_of_the_colour_wheel() {
        assert_eq!(hex((0.0, 100.0, 50.0)), "#ff0000");
        assert_eq!(hex((120.0, 100.0, 25.0)), "#008000");
        assert_eq!(hex((240.0, 100.0, 75.0)), "#8080ff");
        assert_eq!(hex((77.0, 0.0, 100.0)), "#ffffff");
    }

    #[test]
    fn a_name_has_its_colour_and_kinds_are_told_apart() {
        let of = |name, kind| of(Scheme::OnCpu, &label(name, kind), 0.0);
        assert_eq!(of("main", Some(FrameKind::User)), of("main", Some(FrameKind::User)));
        assert_ne!(of("main", Some(FrameKind::User)), of("work", Some(FrameKind::User)));
        assert_ne!(of("main", Some(FrameKind::User)), of("main", Some(FrameKind::Kernel)));
        let red = |colour: &str| u8::from_str_radix(&colour[1..3], 16).unwrap();
        assert!(red(&of("main", Some(FrameKind::User))) > 200 && red(&of("main", Some(FrameKind::Jit))) < 200);
    }

    #[test]
    fn more_is_red_less_is_blue_and_nothing_is_white() {
        let channels = |heat| {
            let colour = change_sample(heat);
            [1, 3, 5].map(|at| u8::from_str_radix(&colour[at..at + 2], 16).unwrap())
        };
        let (more, same, less) = (channels(0.8), channels(0.0), channels(-0.8));
        assert!(more[0] > more[2] + 80 && less[2] > less[0] + 80, "{more:?} {less:?}");
        assert!(same[0] == same[1] && same[1] == same[2] && same[0] > 230, "{same:?}");
    }
}
