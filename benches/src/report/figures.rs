//! What the rounds measured.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::names::SERVER;

/// A case's name and who was measured in it.
type Row = (String, String);

/// Nanoseconds and allocations of one operation, by case and by who did it.
#[derive(Default)]
pub struct Figures {
    /// One figure a round, in ascending order.
    nanoseconds: BTreeMap<Row, Vec<f64>>,
    allocations: BTreeMap<Row, u64>,
    /// What is said of machine, versions and run: a name and a text.
    facts: Vec<(String, String)>,
}

impl Figures {
    /// Reads what `benches/run` collected: `facts`, `allocations`, and for each round a directory with criterion's
    /// results in `criterion` and those of the programs in files that end in `.tsv`.
    ///
    /// # Errors
    /// If a file is missing or is not what it should be.
    pub fn read(directory: &Path) -> io::Result<Self> {
        let mut figures = Self::default();
        for line in fs::read_to_string(directory.join("facts"))?.lines() {
            let [name, text] = columns(line)?;
            figures.facts.push((name.to_owned(), text.to_owned()));
        }
        for line in fs::read_to_string(directory.join("allocations"))?.lines() {
            let [case, who, allocations] = columns(line)?;
            figures.count(case, who, allocations)?;
        }
        for round in fs::read_dir(directory.join("rounds"))? {
            for entry in fs::read_dir(round?.path())? {
                let path = entry?.path();
                if path.is_dir() {
                    figures.read_criterion(&path)?;
                } else {
                    figures.read_program(&path)?;
                }
            }
        }
        figures.nanoseconds.values_mut().for_each(|rounds| rounds.sort_by(f64::total_cmp));
        Ok(figures)
    }

    fn read_program(&mut self, path: &Path) -> io::Result<()> {
        for line in fs::read_to_string(path)?.lines() {
            let [case, who, nanoseconds, allocations] = columns(line)?;
            let nanoseconds = nanoseconds.parse().map_err(io::Error::other)?;
            self.add(case, who, nanoseconds);
            self.count(case, who, allocations)?;
        }
        Ok(())
    }

    /// Whatever folder it is in: those of groups, of functions and of what varies lie in one another.
    fn read_criterion(&mut self, directory: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name == "new") {
                self.read_result(&path)?;
            } else if path.is_dir() {
                self.read_criterion(&path)?;
            }
        }
        Ok(())
    }

    fn read_result(&mut self, new: &Path) -> io::Result<()> {
        let json = |name| -> io::Result<Value> {
            serde_json::from_slice(&fs::read(new.join(name))?).map_err(io::Error::other)
        };
        let (benchmark, estimates) = (json("benchmark.json")?, json("estimates.json")?);
        let text = |name: &str| benchmark[name].as_str();
        let (Some(group), Some(nanoseconds)) =
            (text("group_id"), estimates["median"]["point_estimate"].as_f64())
        else {
            return Err(io::Error::other(format!("{} is not criterion's", new.display())));
        };
        match (text("function_id"), text("value_str")) {
            (Some(who), None) => self.add(group, who, nanoseconds),
            // Nobody stands beside.
            (function, value) => {
                let case: Vec<_> = [Some(group), function, value].into_iter().flatten().collect();
                self.add(&case.join("/"), SERVER, nanoseconds);
            }
        }
        Ok(())
    }

    fn add(&mut self, case: &str, who: &str, nanoseconds: f64) {
        self.nanoseconds.entry((case.to_owned(), who.to_owned())).or_default().push(nanoseconds);
    }

    fn count(&mut self, case: &str, who: &str, allocations: &str) -> io::Result<()> {
        let allocations = allocations.parse().map_err(io::Error::other)?;
        self.allocations.insert((case.to_owned(), who.to_owned()), allocations);
        Ok(())
    }

    /// The median of the rounds.
    pub(super) fn median(&self, case: &str, who: &str) -> Option<f64> {
        let rounds = self.nanoseconds.get(&(case.to_owned(), who.to_owned()))?;
        Some(quantile(rounds, 0.5))
    }

    pub(super) fn allocations(&self, case: &str, who: &str) -> Option<u64> {
        self.allocations.get(&(case.to_owned(), who.to_owned())).copied()
    }

    /// Everybody who was measured in any of these cases.
    pub(super) fn everybody(&self, cases: &[String]) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .nanoseconds
            .keys()
            .filter(|(case, _)| cases.contains(case))
            .map(|(_, who)| who.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(super) fn fact(&self, name: &str) -> &str {
        self.facts.iter().find(|(fact, _)| fact == name).map_or("unknown", |(_, text)| text)
    }

    pub(super) fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// How far the middle half of a figure's rounds spreads, as a part of its median: of the middle
    /// figure, and of the one that 95 of 100 are better than.
    pub(super) fn spread(&self) -> (f64, f64) {
        let mut spreads: Vec<f64> = self
            .nanoseconds
            .values()
            .map(|rounds| (quantile(rounds, 0.75) - quantile(rounds, 0.25)) / quantile(rounds, 0.5))
            .collect();
        spreads.sort_by(f64::total_cmp);
        (quantile(&spreads, 0.5), quantile(&spreads, 0.95))
    }

    #[cfg(test)]
    pub(super) fn of(figures: &[(&str, &str, f64)]) -> Self {
        let mut all = Self::default();
        for (case, who, nanoseconds) in figures {
            all.add(case, who, *nanoseconds);
        }
        all
    }
}

/// The quantile of values in ascending order, between two of them where it falls there.
fn quantile(ascending: &[f64], part: f64) -> f64 {
    let place = part * (ascending.len().saturating_sub(1)) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    match (ascending.get(below), ascending.get(above)) {
        (Some(low), Some(high)) => low + (high - low) * place.fract(),
        _ => f64::NAN,
    }
}

fn columns<const N: usize>(line: &str) -> io::Result<[&str; N]> {
    let columns: Vec<&str> = line.split('\t').collect();
    columns.try_into().map_err(|_| io::Error::other(format!("not {N} columns: {line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_fall_between_values() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), 3.0);
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn lines_have_their_columns() {
        assert_eq!(columns::<2>("a\tb c").unwrap(), ["a", "b c"]);
        assert!(columns::<3>("a\tb").is_err());
    }
}
