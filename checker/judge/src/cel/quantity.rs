//! Resource quantities, ported from `k8s.io/apimachinery`'s `resource`
//! package: which texts are quantities, and which of them are "integers",
//! depends on its two representations, so both are kept here.

use std::cmp::Ordering;
use std::fmt;

/// Powers of ten and two that a suffix stands for.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
/// Decimal digits that an `i64` surely holds.
const SAFE_DIGITS: i64 = 18;

/// An amount of a resource, exact to one billionth.
#[derive(Clone, Copy, Debug)]
pub struct Quantity(Amount);

#[derive(Clone, Copy, Debug)]
enum Amount {
    /// `value * 10^scale`: what Kubernetes calls an int64 amount.
    Small { value: i64, scale: i32 },
    /// Billionths. Kubernetes uses a big decimal here and never calls it an
    /// integer, not even `1.5Gi`.
    Nano(i128),
}

impl Quantity {
    /// Reads a quantity such as `1.5Gi`, `100m` or `2e3`. Amounts beyond
    /// about 1.7e29 are refused, although Kubernetes would take them.
    pub fn parse(text: &str) -> Option<Quantity> {
        let parts = Parts::split(text)?;
        if let Some((_, exponent)) = BINARY.iter().find(|(s, _)| *s == parts.suffix) {
            return parts.binary(*exponent);
        }
        let exponent = match DECIMAL.iter().find(|(s, _)| *s == parts.suffix) {
            Some((_, exponent)) => *exponent,
            None => parts
                .suffix
                .strip_prefix(['e', 'E'])?
                .parse::<i64>()
                .ok()
                .and_then(|e| i32::try_from(e).ok())?,
        };
        parts.decimal(exponent)
    }

    /// The quantity of a whole number.
    pub fn from_int(value: i64) -> Quantity {
        Quantity(Amount::Small { value, scale: 0 })
    }

    /// The whole number, where Kubernetes would say it is one: `1000m` and
    /// `1.5Gi` are not.
    pub fn as_integer(self) -> Option<i64> {
        match self.0 {
            Amount::Small { value, scale } if scale >= 0 => {
                10i64.checked_pow(scale.unsigned_abs())?.checked_mul(value)
            }
            _ => None,
        }
    }

    /// The nearest double.
    pub fn as_f64(self) -> f64 {
        match self.0 {
            Amount::Small { value, scale } => value as f64 * 10f64.powi(scale),
            Amount::Nano(nano) => nano as f64 * 1e-9,
        }
    }

    /// -1, 0 or 1.
    pub fn sign(self) -> i64 {
        match self.0 {
            Amount::Small { value, .. } => value.signum(),
            Amount::Nano(nano) => nano.signum() as i64,
        }
    }

    /// The sum; `None` where it does not fit.
    pub fn plus(self, other: Quantity) -> Option<Quantity> {
        if let (Amount::Small { .. }, Amount::Small { .. }) = (self.0, other.0)
            && let Some(sum) = self.small_sum(other)
        {
            return Some(sum);
        }
        let sum = self.nano()?.checked_add(other.nano()?)?;
        Some(Quantity(Amount::Nano(sum)))
    }

    /// The difference; `None` where it does not fit.
    pub fn minus(self, other: Quantity) -> Option<Quantity> {
        let negated = match other.0 {
            Amount::Small { value, scale } => match value.checked_neg() {
                Some(value) => Amount::Small { value, scale },
                None => Amount::Nano(other.nano()?.checked_neg()?),
            },
            Amount::Nano(nano) => Amount::Nano(nano.checked_neg()?),
        };
        self.plus(Quantity(negated))
    }

    fn small_sum(self, other: Quantity) -> Option<Quantity> {
        let (Amount::Small { value: a, scale: x }, Amount::Small { value: b, scale: y }) = (self.0, other.0)
        else {
            return None;
        };
        if b == 0 {
            return Some(self);
        }
        if a == 0 {
            return Some(other);
        }
        let scale = x.min(y);
        let lift = |value: i64, from: i32| {
            10i64.checked_pow(from.abs_diff(scale)).and_then(|factor| value.checked_mul(factor))
        };
        let value = lift(a, x)?.checked_add(lift(b, y)?)?;
        Some(Quantity(Amount::Small { value, scale }))
    }

    /// The amount in billionths.
    fn nano(self) -> Option<i128> {
        match self.0 {
            Amount::Nano(nano) => Some(nano),
            Amount::Small { value: 0, .. } => Some(0),
            Amount::Small { value, scale } => {
                10i128.checked_pow(u32::try_from(scale.checked_add(9)?).ok()?)?.checked_mul(i128::from(value))
            }
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> Ordering {
        match (self.nano(), other.nano()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => self.as_f64().total_cmp(&other.as_f64()),
        }
    }
}

impl fmt::Display for Quantity {
    /// The amount in plain decimal notation, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(nano) = self.nano() else {
            return write!(f, "{}", self.as_f64());
        };
        let sign = if nano < 0 { "-" } else { "" };
        let nano = nano.unsigned_abs();
        let (whole, rest) = (nano / 1_000_000_000, nano % 1_000_000_000);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let rest = format!("{rest:09}");
        write!(f, "{sign}{whole}.{}", rest.trim_end_matches('0'))
    }
}

/// A quantity's text, taken apart.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Option<Parts<'a>> {
        if text.is_empty() {
            return None;
        }
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = unsigned.split_at(digits(unsigned));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(digits(rest)),
            None => ("", rest),
        };
        // Without any digit it is zero: Kubernetes takes `Mi`, `.` and `-`.
        Some(Parts { negative, whole: whole.trim_start_matches('0'), fraction, suffix })
    }

    fn signed<T: std::ops::Neg<Output = T>>(&self, value: T) -> T {
        if self.negative { -value } else { value }
    }

    /// All digits without the point; nothing counts as one zero.
    fn digits(&self) -> String {
        let whole = if self.whole.is_empty() { "0" } else { self.whole };
        format!("{whole}{}", self.fraction)
    }

    fn decimal(&self, exponent: i32) -> Option<Quantity> {
        let digits = self.digits();
        let scale = exponent.checked_sub(i32::try_from(self.fraction.len()).ok()?)?;
        if SAFE_DIGITS >= digits.len() as i64 && scale >= -9 {
            let value = self.signed(digits.parse::<i64>().ok()?);
            // What no billionths can hold is refused here, not when compared.
            return Quantity(Amount::Small { value, scale })
                .nano()
                .map(|_| Quantity(Amount::Small { value, scale }));
        }
        self.nano(&digits, scale, 0)
    }

    fn binary(&self, exponent: u32) -> Option<Quantity> {
        let digits = self.digits();
        let room = 15 - digits.len() as i64 - i64::from(exponent * 3 / 10) - 1;
        if self.fraction.is_empty()
            && room >= 0
            && let Some(value) = digits.parse::<i64>().ok()?.checked_mul(1 << exponent)
        {
            let value = self.signed(value);
            return Some(Quantity(Amount::Small { value, scale: 0 }));
        }
        let scale = -i32::try_from(self.fraction.len()).ok()?;
        let amount = self.nano(&digits, scale, exponent)?;
        // Binary amounts are capped at the largest i64.
        let cap = i128::from(i64::MAX) * 1_000_000_000;
        match amount.0 {
            Amount::Nano(nano) => Some(Quantity(Amount::Nano(nano.clamp(-cap, cap)))),
            small => Some(Quantity(small)),
        }
    }

    /// `digits * 10^scale * 2^shift` in billionths, rounded away from zero.
    fn nano(&self, digits: &str, scale: i32, shift: u32) -> Option<Quantity> {
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Quantity(Amount::Nano(0)));
        }
        let value = significant.parse::<i128>().ok()?.checked_mul(1 << shift)?;
        let places = scale.checked_add(9)?;
        let nano = if places >= 0 {
            10i128.checked_pow(places.unsigned_abs())?.checked_mul(value)?
        } else {
            match 10i128.checked_pow(places.unsigned_abs()) {
                Some(divisor) => value / divisor + i128::from(value % divisor != 0),
                None => 1,
            }
        };
        Some(Quantity(Amount::Nano(self.signed(nano))))
    }
}
