//! X.509 certificates in DER: from when until when one is valid (RFC 5280, 4.1; X.690 for the encoding).
//!
//! Nothing is verified here: who vouches for a certificate is a question for the TLS library.

/// The time in which a certificate is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From.
    pub not_before: i64,
    /// Until.
    pub not_after: i64,
}

const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, the version of the certificate; left out in version 1.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The validity of a certificate; `None` if the bytes are none.
pub fn validity(der: &[u8]) -> Option<Validity> {
    // Certificate { tbsCertificate { [version], serialNumber, signature, issuer, validity, ... }, ... }
    let (certificate, _) = take(der, SEQUENCE)?;
    let (mut fields, _) = take(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = any(fields)?.2;
    }
    for _ in ["serialNumber", "signature", "issuer"] {
        fields = any(fields)?.2;
    }
    let (times, _) = take(fields, SEQUENCE)?;
    let (tag, not_before, rest) = any(times)?;
    let not_before = time(tag, not_before)?;
    let (tag, not_after, _) = any(rest)?;
    Some(Validity { not_before, not_after: time(tag, not_after)? })
}

/// The content of an element of one tag, and what follows it.
fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any(bytes).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Tag and content of an element, and what follows it. Lengths are definite in DER, and at most four bytes here.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (long, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(long, _)| (1..=4).contains(&long.len()))?;
        (long.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<i64> {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let number = |digits: &[u8]| digits.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'));
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            // RFC 5280, 4.1.2.5.1: 50 is 1950, and 49 is 2049.
            let year = number(&digits[..2]);
            (if year < 50 { 2000 + year } else { 1900 + year }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(&rest[at..at + 2]));
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    valid.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970 of a date of the Gregorian calendar. Years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        match length {
            [0, short @ 0..0x80] => bytes.push(short),
            long => bytes.extend([&[0x82][..], &long].concat()),
        }
        bytes.extend_from_slice(content);
        bytes
    }

    fn certificate(version: bool, from: (u8, &[u8]), until: (u8, &[u8])) -> Vec<u8> {
        let mut fields = Vec::new();
        if version {
            fields.extend(element(VERSION, &element(2, &[2])));
        }
        fields.extend(element(2, &[1, 2, 3]));
        fields.extend(element(SEQUENCE, &[0; 200]));
        fields.extend(element(SEQUENCE, &[]));
        fields.extend(element(SEQUENCE, &[element(from.0, from.1), element(until.0, until.1)].concat()));
        element(SEQUENCE, &element(SEQUENCE, &fields))
    }

    #[test]
    fn both_kinds_of_time_are_read() {
        for version in [true, false] {
            let der = certificate(version, (UTC_TIME, b"700101000000Z"), (GENERALIZED_TIME, b"20500301000001Z"));
            assert_eq!(validity(&der), Some(Validity { not_before: 0, not_after: 2_529_705_601 }));
        }
        let der = certificate(true, (UTC_TIME, b"500101000000Z"), (UTC_TIME, b"491231235959Z"));
        assert_eq!(validity(&der), Some(Validity { not_before: -631_152_000, not_after: 2_524_607_999 }));
    }

    #[test]
    fn what_is_cut_or_odd_is_none() {
        let der = certificate(true, (UTC_TIME, b"700101000000Z"), (UTC_TIME, b"491231235959Z"));
        assert!((0..der.len()).all(|length| validity(&der[..length]).is_none()));
        for odd in [&b"7001010000Z"[..], b"701301000000Z", b"700101000000", b"7001010000xxZ", b"700101000000+0000"] {
            assert_eq!(validity(&certificate(true, (UTC_TIME, odd), (UTC_TIME, b"491231235959Z"))), None);
        }
        assert_eq!(validity(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30]), None);
    }
}
