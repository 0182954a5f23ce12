//! Which servers will do.

/// The oldest server that is supported: before it, what is asked of JetStream is not all there.
pub const NEEDED_VERSION: (u64, u64) = (2, 11);

/// Whether a server of this version will do. One that cannot be read will not.
pub(super) fn is_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split(['.', '-']).map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= NEEDED_VERSION,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_from_2_11_on_will_do() {
        for (version, expect) in [
            ("2.11.0", true),
            ("2.11.0-RC.1", true),
            ("2.15.1", true),
            ("v2.15.1", true),
            ("3.0.0", true),
            ("2.10.29", false),
            ("2.9.10", false),
            ("1.99.0", false),
            ("", false),
            ("new", false),
        ] {
            assert_eq!(is_enough(version), expect, "{version}");
        }
    }
}
