//! Values on the command line: durations, sizes, shares, nonces.

use std::time::Duration;

/// Longest duration accepted anywhere: a day. Longer is a typing error.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest nonce in bytes: enough for a UUID, a hash in hex and a counter.
const NONCE_LENGTH: usize = 100;

/// Parses `250ms`, `30s`, `1m 30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let value = humantime::parse_duration(text)
        .map_err(|why| format!("{why}; write a duration such as `250ms`, `30s` or `2m`"))?;
    if value > LONGEST {
        return Err("expected at most 24h".to_owned());
    }
    Ok(value)
}

/// Parses a rate of memory, `64KiB/s` or `1MiB/s`, into bytes per second.
pub fn bytes_per_second(text: &str) -> Result<u64, String> {
    const FORM: &str = "expected bytes per second such as `512KiB/s` or `1MiB/s`";
    let size = text.trim().strip_suffix("/s").ok_or(FORM)?;
    let unit = size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len());
    let number: u64 = size[..unit].parse().map_err(|_| FORM)?;
    let factor: u64 = match size[unit..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(FORM.to_owned()),
    };
    number
        .checked_mul(factor)
        .filter(|rate| *rate <= 64 << 30)
        .ok_or_else(|| "expected at most `64GiB/s`".to_owned())
}

/// Parses a share between 0 and 1.
pub fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "expected a share between 0 and 1, such as `0.05`".to_owned())
}

/// Checks a nonce: it is echoed into JSON, logs and labels, so it is short
/// and plain.
pub fn nonce(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    if text.len() > NONCE_LENGTH || !text.chars().all(plain) {
        return Err(format!(
            "expected a nonce of at most {NONCE_LENGTH} letters, digits, `.`, `_`, `:` or `-`"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_bound() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("30").is_err());
        assert!(duration("30 parsecs").is_err());
        assert!(duration("25h").is_err());
    }

    #[test]
    fn memory_rates_are_per_second() {
        assert_eq!(bytes_per_second("1MiB/s"), Ok(1 << 20));
        assert_eq!(bytes_per_second("512 KiB/s"), Ok(512 << 10));
        assert_eq!(bytes_per_second("100/s"), Ok(100));
        for wrong in ["1MiB", "MiB/s", "1MB/s", "-1B/s", "99999999999GiB/s"] {
            assert!(bytes_per_second(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_stay_between_zero_and_one() {
        assert_eq!(share("0.05"), Ok(0.05));
        for wrong in ["1.5", "-0.1", "NaN", "5%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nonces_cannot_break_out_of_a_log_line() {
        assert!(nonce("a-B_1.2:3").is_ok());
        assert!(nonce("").is_ok());
        assert!(nonce("a\nb").is_err());
        assert!(nonce("a\"b").is_err());
        assert!(nonce(&"x".repeat(NONCE_LENGTH + 1)).is_err());
    }
}
