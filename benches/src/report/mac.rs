//! MAC comparison: does its time say where the first wrong octet is?

use std::fmt::Write;

use super::Figures;
use super::target::Target;

const OCTETS: usize = 24;
/// The whole way from the first octet to the last may change the time by so much of it.
const NO_TREND: f64 = 0.05;

/// Mean time, and the slope of a straight line through all positions.
struct Line {
    mean: f64,
    slope: f64,
}

impl Line {
    fn of(figures: &Figures, comparison: &str) -> Option<Self> {
        let case = format!("mac-comparison/{comparison}");
        let times: Vec<f64> = (0..OCTETS)
            .map(|position| figures.median(&case, &position.to_string()))
            .collect::<Option<_>>()?;
        Some(Self::through(&times))
    }

    /// By least squares.
    fn through(times: &[f64]) -> Self {
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let middle = (count - 1.0) / 2.0;
        let from_middle = |position: usize| position as f64 - middle;
        let products = times.iter().enumerate().map(|(at, time)| from_middle(at) * (time - mean));
        let squares = (0..times.len()).map(|at| from_middle(at).powi(2));
        Self { mean, slope: products.sum::<f64>() / squares.sum::<f64>() }
    }

    /// The change over all positions, as a part of the time.
    fn change(&self) -> f64 {
        self.slope * (OCTETS - 1) as f64 / self.mean
    }
}

pub(super) fn target(figures: &Figures) -> Target {
    let change = Line::of(figures, "constant-time").map(|line| line.change());
    Target {
        what: "MAC comparison against the position of the first wrong octet",
        demand: format!("no trend: less than {:.0} % over all positions", NO_TREND * 100.0),
        measured: change
            .map_or("not measured".to_owned(), |change| format!("{:+.1} %", change * 100.0)),
        reached: change.is_some_and(|change| change.abs() < NO_TREND),
        bound: "A trend here would be a defect, or noise of the machine: measure again.",
    }
}

pub(super) fn table(figures: &Figures) -> String {
    let mut text = super::table::head(
        "comparison of 24 octets",
        ["mean", "slope per octet", "change over all positions"].into_iter(),
    );
    for comparison in ["constant-time", "early-exit"] {
        if let Some(line) = Line::of(figures, comparison) {
            writeln!(
                text,
                "| {comparison} | {:.1} ns | {:+.3} ns | {:+.1} % |",
                line.mean,
                line.slope,
                line.change() * 100.0
            )
            .expect("a string takes all");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope() {
        let rising: Vec<f64> = (0..OCTETS).map(|at| 10.0 + at as f64 / 2.0).collect();
        let line = Line::through(&rising);
        assert!((line.slope - 0.5).abs() < 1e-9);
        assert!((line.mean - 15.75).abs() < 1e-9);
        assert!(Line::through(&[3.0; OCTETS]).change().abs() < 1e-9);
    }
}
