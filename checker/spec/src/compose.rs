//! Which versions of Compose labs can rely on.

/// The first version that knows every action of `develop.watch` and says when
/// it begins to watch.
const OLDEST: (u64, u64) = (2, 32);

/// Why this Compose is too old for a lab, from what `docker compose version
/// --short` printed; none for one that is new enough, or says nothing that
/// can be read.
pub fn too_old(printed: &str) -> Option<String> {
    let version = printed.trim().trim_start_matches('v');
    let mut numbers = version.split(['.', '-', '+']).map(str::parse::<u64>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return None };
    ((major, minor) < OLDEST).then(|| {
        let (oldest, least) = OLDEST;
        format!("this is Compose {version}, which is too old for it; update it to {oldest}.{least} or later")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for old in ["1.29.2", "2.4.1", "v2.31.0-desktop.2\n"] {
            assert!(too_old(old).is_some_and(|why| why.contains("2.32")), "{old}");
        }
        for new in ["2.32.0", "v5.5.1\n", "2.100.0", "10.0", "dev", ""] {
            assert_eq!(too_old(new), None, "{new}");
        }
    }
}
