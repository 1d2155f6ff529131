//! Small charts as SVG.

use std::fmt::Write as _;

use maud::{Markup, html};
use perfuse_analyze::{Quantity, Unit};

use crate::i18n::Texts;
use crate::report::Cell;
use crate::text::range;

/// Where the points of a series lie in a box, the time from left to right, the values from 0 (or the lowest) up.
struct Points {
    line: String,
    high: f64,
    low: f64,
}

fn points(history: &[(f64, f64)], width: f64, height: f64) -> Option<Points> {
    let (first, last) = (history.first()?.0, history.last()?.0);
    if history.len() < 2 || last <= first {
        return None;
    }
    let low = history.iter().map(|(_, value)| *value).fold(0.0_f64, f64::min);
    let high = history.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let mut line = String::new();
    for (seconds, value) in history {
        let x = (seconds - first) / (last - first) * width;
        let y = height - (value - low) / span * height;
        let _ = write!(line, "{x:.1},{y:.1} ");
    }
    Some(Points { line: line.trim_end().to_owned(), high, low })
}

/// The chart in the grid.
pub(super) fn spark(cell: &Cell) -> Markup {
    html! {
        @if let Some(points) = points(&cell.history, 70.0, 18.0) {
            svg.spark width="74" height="22" viewBox="-2 -2 74 22" aria-hidden="true" {
                polygon points={ "0,18 " (points.line) " 70,18" } fill="currentColor" fill-opacity="0.15" {}
                polyline points=(points.line) fill="none" stroke="currentColor" stroke-width="1.5" {}
            }
        }
    }
}

/// The chart of an opened cell, with its scale.
pub(super) fn history(cell: &Cell, texts: &Texts) -> Markup {
    let unit = cell.value.map_or(Unit::Count, |value| value.0.unit);
    let say = |number: f64| Quantity::checked(number, unit).map_or(String::new(), |value| texts.quantity(value));
    let time = |at: Option<&(f64, f64)>| texts.quantity(Quantity::seconds(at.map_or(0.0, |point| point.0)));
    html! {
        @if let Some(points) = points(&cell.history, 700.0, 110.0) {
            svg.chart viewBox="-70 -10 780 140" role="img" aria-label=(range(cell, texts)) {
                line x1="0" y1="0" x2="700" y2="0" stroke="currentColor" stroke-opacity="0.2" {}
                line x1="0" y1="110" x2="700" y2="110" stroke="currentColor" stroke-opacity="0.4" {}
                polygon points={ "0,110 " (points.line) " 700,110" } fill="currentColor" fill-opacity="0.12" {}
                polyline points=(points.line) fill="none" stroke="currentColor" stroke-width="2" {}
                text x="-6" y="4" text-anchor="end" { (say(points.high)) }
                text x="-6" y="114" text-anchor="end" { (say(points.low)) }
                text x="0" y="127" { (time(cell.history.first())) }
                text x="700" y="127" text-anchor="end" { (time(cell.history.last())) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_fills_its_box_and_an_odd_one_is_left_out() {
        let made = points(&[(1.0, 2.0), (2.0, 4.0), (3.0, 0.0)], 100.0, 10.0).unwrap();
        assert_eq!(made.line, "0.0,5.0 50.0,0.0 100.0,10.0");
        assert!(points(&[(1.0, 2.0)], 100.0, 10.0).is_none());
        assert!(points(&[(1.0, 2.0), (1.0, 3.0)], 100.0, 10.0).is_none());
        assert_eq!(points(&[(0.0, 0.0), (1.0, 0.0)], 10.0, 10.0).unwrap().line, "0.0,10.0 10.0,10.0");
    }
}
