//! Times for people: those of the place that the configuration names.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use perfuse_render::Lang;

/// The time on the wall of a moment in milliseconds since 1970, with a clock that is `offset` minutes ahead of UTC.
fn wall(ms: u64, offset: i32) -> DateTime {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    let moment = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let offset = Offset::from_seconds(offset.saturating_mul(60)).unwrap_or(Offset::UTC);
    moment.to_zoned(TimeZone::fixed(offset)).datetime()
}

/// `2026-11-26 23:15`.
pub(super) fn minute(ms: u64, offset: i32) -> String {
    let time = wall(ms, offset);
    format!("{:04}-{:02}-{:02} {:02}:{:02}", time.year(), time.month(), time.day(), time.hour(), time.minute())
}

/// `23:15:04`.
pub(super) fn second(ms: u64, offset: i32) -> String {
    let time = wall(ms, offset);
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

/// `26 Nov 2026` or `2026년 11월 26일`, of the number of a day since 1970.
pub(super) fn day(number: u64, lang: Lang) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = wall(number.saturating_mul(86_400_000), 0);
    let month = usize::from(time.month().unsigned_abs());
    match lang {
        Lang::En => format!("{} {} {}", time.day(), MONTHS.get(month - 1).unwrap_or(&""), time.year()),
        Lang::Ko => format!("{}년 {month}월 {}일", time.year(), time.day()),
    }
}

/// `UTC`, `UTC+9` or `UTC-3:30`.
pub(super) fn zone(offset: i32) -> String {
    let (hours, minutes) = (offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
    let sign = if offset < 0 { '-' } else { '+' };
    match (hours, minutes) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// RFC 3339 in UTC, to the second: for programs.
pub(super) fn iso(ms: u64) -> String {
    let time = wall(ms, 0);
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", time.year(), time.month(), time.day())
}

/// RFC 822, for RSS.
pub(super) fn mail(ms: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let number = ms / 86_400_000;
    let weekday = usize::try_from(number % 7).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"Thu");
    format!("{weekday}, {} {} +0000", day(number, Lang::En), second(ms, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_place() {
        let ms = 1_795_734_904_000;
        assert_eq!(iso(ms), "2026-11-26T23:15:04Z");
        assert_eq!(minute(ms, 540), "2026-11-27 08:15");
        assert_eq!(second(ms, 0), "23:15:04");
        assert_eq!(mail(ms), "Thu, 26 Nov 2026 23:15:04 +0000");
        assert_eq!(day(perfuse_analyze::status::uptime::number(ms, 540), Lang::Ko), "2026년 11월 27일");
        assert_eq!([0, 540, -210].map(zone), ["UTC", "UTC+9", "UTC-3:30"]);
        assert_eq!(iso(u64::MAX), "1970-01-01T00:00:00Z", "a time that no calendar has");
    }
}
