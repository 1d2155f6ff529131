//! What a victim feels of being looked at by `why`, and how long the answer takes.
//!
//! The victim of the fault zoo, a client of a local server that starts its requests by the clock and not by the answer before,
//! says its 99th percentile of every quarter of a second. Windows with and without `why --pid` take turns; what a window without
//! differs from the one before it is the victim's own noise.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::measure::{median, time};
use super::{Row, Settings};
use crate::zoo::sli::Sli;
use crate::zoo::world::{self, Launch, Victim, World};

/// Each calm window, as long as `why` looks without being told.
const CALM: Duration = Duration::from_secs(10);
/// Windows of each kind at least: of fewer the interval says nothing.
const FEWEST: usize = 7;

/// Medians of ratios with their interval, and the time from start to answer.
pub(super) fn run(settings: &Settings) -> Result<Vec<Row>> {
    world::watch_signals()?;
    let mut world = World::new()?;
    let socket = world.path("till.sock");
    world.start(&Launch::new("till", &format!("server address={socket}")))?;
    world::wait_for(&socket)?;
    let victim = world.victim(&Launch::new("shop", &format!("client address={socket} threads=2 period_us=4000")))?;
    victim.ready(Duration::from_secs(10))?;
    world::sleep(Duration::from_secs(2))?;
    let pid = victim.pid.to_string();
    let (mut looked, mut noise, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    let (mut wall, mut cpu, mut p99s) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds.max(FEWEST) {
        let before = victim.watch(CALM)?;
        let (during, used) = look(settings, &victim, &pid)?;
        let after = victim.watch(CALM)?;
        let p99 = |sli: &Sli| sli.p99.context("the victim did nothing");
        let calm = f64::midpoint(p99(&before)?, p99(&after)?);
        looked.push(p99(&during)? / calm);
        noise.push(p99(&after)? / p99(&before)?);
        rates.push(during.rate / f64::midpoint(before.rate, after.rate));
        p99s.push(calm * 1e3);
        wall.push(used.wall_s);
        cpu.push(used.cpu_s);
    }
    let own = spread(&noise);
    Ok(vec![
        Row {
            what: format!("p99 of a victim while `why` looks (calm: {:.2} ms)", median(p99s)),
            ours: spread(&looked),
            peer: format!("its own noise {own}"),
            ratio: Some(median(looked)),
            target: "within the noise",
        },
        Row {
            what: "its requests a second".to_owned(),
            ours: spread(&rates),
            peer: "-".to_owned(),
            ratio: Some(median(rates)),
            target: "1",
        },
        Row {
            what: "`why --pid` from start to answer, of 10 s looking".to_owned(),
            ours: format!("{:.1} s", median(wall)),
            peer: format!("CPU {:.2} s", median(cpu)),
            ratio: None,
            target: "15 s",
        },
    ])
}

/// One run of `why`, and how the victim fared from its start to its end.
fn look(settings: &Settings, victim: &Victim, pid: &str) -> Result<(Sli, super::measure::Use)> {
    victim.forget();
    let start = Instant::now();
    let used = time(&settings.perfuse, &["why", "--quiet", "--json", "--pid", pid], &[0, 1, 2])?;
    Ok((victim.since(start), used))
}

/// The median, and the range that holds it with at least 95 % (by ranks: the sign test).
fn spread(ratios: &[f64]) -> String {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    // So many of the smallest and largest may be left out that fewer than 2.5 % of fair coins fall further out.
    let mut out = 0;
    let (mut sum, mut term) = (0.0, 0.5_f64.powi(i32::try_from(sorted.len()).unwrap_or(i32::MAX)));
    for index in 0..sorted.len() / 2 {
        sum += term;
        if sum > 0.025 {
            break;
        }
        out = index;
        term *= (sorted.len() - index) as f64 / (index + 1) as f64;
    }
    let (low, high) = (sorted.get(out), sorted.get(sorted.len().saturating_sub(out + 1)));
    let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
    format!("{:.3} ({:.3} to {:.3})", median(sorted.clone()), end(low), end(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_sign_test() {
        let ratios = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        // Tables of the sign test: of 7 values none may be left out, of 9 one, of 20 five.
        assert_eq!(spread(&ratios(7)), "4.000 (1.000 to 7.000)");
        assert_eq!(spread(&ratios(9)), "5.000 (2.000 to 8.000)");
        assert_eq!(spread(&ratios(20)), "11.000 (6.000 to 15.000)");
    }
}
