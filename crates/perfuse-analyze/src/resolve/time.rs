//! Parts of a recording: `--time 2211.5,2212`, `--time 10%/2`, `--time 0%-10%,40%-50%`.

/// Why a text is no part of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time range: {0} (START,STOP in seconds, N%/PART, or FROM%-TO%)")]
pub struct TimeError(pub String);

/// Times of samples that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimeRanges {
    /// First and last nanosecond of each; of an only one, 0 is no limit.
    ranges: Vec<(u64, u64)>,
}

const SECOND: u64 = 1_000_000_000;

impl TimeRanges {
    /// Whether percentages stand in `text`: then the times of the first and the last sample are needed.
    pub fn needs_span(text: &str) -> bool {
        text.contains('%')
    }

    /// Understands `text`; `span` holds the times of the first and the last sample.
    pub fn parse(text: &str, span: (u64, u64)) -> Result<Self, TimeError> {
        let wrong = || TimeError(text.to_owned());
        if Self::needs_span(text) {
            let parts = text.split([',', ' ']).filter(|part| !part.trim().is_empty());
            let mut ranges =
                parts.map(|part| percentage(part.trim(), span).ok_or_else(wrong)).collect::<Result<Vec<_>, _>>()?;
            ranges.sort_unstable();
            return if ranges.is_empty() { Err(wrong()) } else { Ok(Self { ranges }) };
        }
        let (start, stop) = text.split_once(',').unwrap_or((text, ""));
        let start = moment(start).ok_or_else(wrong)?;
        let stop = moment(stop).ok_or_else(wrong)?;
        if stop != 0 && stop < start {
            return Err(wrong());
        }
        Ok(Self { ranges: vec![(start, stop)] })
    }

    /// Whether a sample of this time is wanted.
    pub fn has(&self, time: u64) -> bool {
        match self.ranges.as_slice() {
            [] => true,
            [(start, stop)] => time >= *start && (*stop == 0 || time <= *stop),
            // Ranges that touch do not both get the sample between them.
            several => several.iter().enumerate().any(|(index, (start, stop))| {
                time >= *start && (time < *stop || time == *stop && index + 1 == several.len())
            }),
        }
    }
}

/// Seconds with up to nine digits behind the point; 0 for an empty text.
fn moment(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let (seconds, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 9 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: u64 = format!("{rest:0<9}").parse().ok()?;
    seconds.parse::<u64>().ok()?.checked_mul(SECOND)?.checked_add(nanoseconds)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a span is not larger than it")]
fn percentage(text: &str, (first, last): (u64, u64)) -> Option<(u64, u64)> {
    let percent = |text: &str| {
        let number: f64 = text.trim().strip_suffix('%')?.parse().ok()?;
        (0.0..=100.0).contains(&number).then_some(number / 100.0)
    };
    let total = last.saturating_sub(first) as f64;
    let at = |share: f64| first.saturating_add((share * total).round() as u64);
    if let Some((share, part)) = text.split_once('/') {
        let (share, part) = (percent(share)?, part.parse::<u32>().ok().filter(|part| *part > 0)?);
        let (from, to) = (f64::from(part - 1) * share, f64::from(part) * share);
        return (to <= 1.0 + 1e-9).then(|| (at(from), at(to)));
    }
    let (from, to) = text.split_once('-').unwrap_or(("0%", text));
    let (from, to) = (percent(from)?, percent(to)?);
    (from < to).then(|| (at(from), at(to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str) -> Vec<u64> {
        let ranges = TimeRanges::parse(text, (1000, 2000)).unwrap();
        (900..=2100).step_by(100).filter(|time| ranges.has(*time)).collect()
    }

    #[test]
    fn percentages_are_parts_of_the_recording() {
        assert_eq!(times("10%/2"), [1100, 1200]);
        assert_eq!(times("0%-10%"), [1000, 1100]);
        assert_eq!(times("0%-10%,10%-20%"), [1000, 1100, 1200]);
        assert_eq!(times("50%-100%").len(), 6);
    }

    #[test]
    fn moments_are_seconds() {
        assert_eq!(times("0.0000012,0.000001300"), [1200, 1300]);
        assert_eq!(times(",0.000001"), [900, 1000]);
        assert_eq!(times("0.000002,"), [2000, 2100]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["x", "1,0.5", "1.0000000001", "10%/11", "20%-10%", "101%", "%", "10%/0"] {
            assert!(TimeRanges::parse(text, (1000, 2000)).is_err(), "{text}");
        }
    }
}
