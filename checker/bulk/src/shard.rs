//! A share of a class: which of what was handed in one of several graders
//! judges.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

/// The share of one of several graders; what all of them get is everything,
/// and no two get the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// Whether it judges what lies at `place`. That follows from the name
    /// alone, so that a grader that is started again has the same share.
    pub fn has(self, place: &str) -> bool {
        let digest = Sha256::digest(place);
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.count) == u64::from(self.index)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "expected `I/N`, as in `0/4`".to_owned();
        let (index, count) = text.split_once('/').ok_or_else(shape)?;
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u32>().map_err(|_| shape()),
            false => Err(shape()),
        };
        let (index, count) = (number(index)?, number(count)?);
        if index >= count {
            return Err(match count.checked_sub(1) {
                Some(last) => format!("{count} shards are numbered from 0 to {last}, found `{index}`"),
                None => "expected at least one shard, found `0`".to_owned(),
            });
        }
        Ok(Self { index, count })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn each_place_is_in_one_share_and_shares_are_about_equal() {
        for count in [1, 2, 3, 4, 7, 64] {
            let shards: Vec<Shard> =
                (0..count).map(|index| format!("{index}/{count}").parse().expect("a shard")).collect();
            let mut sizes = vec![0; shards.len()];
            for student in 0..6_400 {
                let place = format!("class/submissions/lab08-{student:05}.tar.zst");
                let owners: Vec<_> = (0..shards.len()).filter(|shard| shards[*shard].has(&place)).collect();
                assert_eq!(owners.len(), 1, "{place} of {count}");
                sizes[owners[0]] += 1;
            }
            let fair = 6_400 / shards.len();
            assert!(sizes.iter().all(|size| (fair / 2..=fair * 2).contains(size)), "{sizes:?}");
        }
    }

    #[test]
    fn a_place_stays_where_it_is() {
        // Pods of an older image must not judge another share than those of a newer one.
        let shards: Vec<_> = ["a.zip!ada.tar.zst", "in/b.tar.zst", "in/ä.tar.zst"]
            .map(|place| (0..5).find(|index| Shard { index: *index, count: 5 }.has(place)))
            .into();
        assert_eq!(shards, [Some(2), Some(1), Some(3)]);
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for (text, why) in [
            ("4/4", "4 shards are numbered from 0 to 3, found `4`"),
            ("5/4", "4 shards are numbered from 0 to 3, found `5`"),
            ("0/0", "expected at least one shard, found `0`"),
            ("x", "expected `I/N`, as in `0/4`"),
            ("", "expected `I/N`, as in `0/4`"),
            ("1/", "expected `I/N`, as in `0/4`"),
            ("/4", "expected `I/N`, as in `0/4`"),
            ("-1/4", "expected `I/N`, as in `0/4`"),
            ("+1/4", "expected `I/N`, as in `0/4`"),
            ("1/4/2", "expected `I/N`, as in `0/4`"),
            ("$(JOB_COMPLETION_INDEX)/4", "expected `I/N`, as in `0/4`"),
            ("1/99999999999", "expected `I/N`, as in `0/4`"),
        ] {
            assert_eq!(text.parse::<Shard>(), Err(why.to_owned()), "{text}");
        }
    }
}
