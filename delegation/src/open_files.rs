/// Where the system tells it (Linux).
const LIMITS: &str = "/proc/self/limits";

/// How many files the system lets this process open; connections are files, too.
#[must_use]
pub fn open_files() -> usize {
    in_limits(&std::fs::read_to_string(LIMITS).unwrap_or_default())
}

fn in_limits(limits: &str) -> usize {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_ascii_whitespace().next());
    // "unlimited" is no number, and no limit.
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_counts() {
        let limits = |soft: &str| {
            format!(
                "Limit  Soft Limit  Hard Limit  Units\nMax processes  7  7  processes\n\
                 Max open files            {soft}                524288               files\n"
            )
        };
        for (soft, files) in [("1024", 1024), ("524288", 524_288), ("unlimited", usize::MAX)] {
            assert_eq!(in_limits(&limits(soft)), files, "{soft}");
        }
        assert_eq!(in_limits(""), usize::MAX);
    }
}
