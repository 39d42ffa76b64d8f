//! What the names of files and folders say of who handed something in.
//!
//! The outermost name is the platform's, the inner ones are the student's own:
//! nobody hands in for somebody else by the name of a file.

use super::{Clue, Hint, gradescope::Known};

/// Where something lies, from the path that the user named inwards.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    steps: Vec<Step>,
    below: usize,
}

/// A name in a path.
#[derive(Clone, Debug)]
struct Step {
    name: String,
    /// Whether it is a file, or an archive that was opened.
    file: bool,
    /// What an export says of it.
    known: Option<Known>,
}

/// What a platform put into a name.
#[derive(Debug, PartialEq, Eq)]
struct Sign {
    student: Vec<Clue>,
    late: bool,
}

impl Trail {
    /// The trail whose first name begins there in its place.
    pub fn below(below: usize) -> Self {
        Self { steps: Vec::new(), below }
    }

    /// This trail, and these names in it; the last is a file. `known` says what
    /// an export says of the name at a place in `parts`.
    pub fn with(&self, parts: &[&str], mut known: impl FnMut(usize) -> Option<Known>) -> Self {
        let mut trail = self.clone();
        for (at, name) in parts.iter().enumerate() {
            let known = known(at);
            trail.steps.push(Step { name: (*name).to_owned(), file: at + 1 == parts.len(), known });
        }
        trail
    }

    /// Whether no platform says whose it is.
    pub fn is_nobodys(&self) -> bool {
        self.steps.iter().all(|step| step.known.is_none() && step.sign().is_none())
    }

    /// What the names say; several hints where a group handed it in.
    pub fn hints(&self) -> Vec<Hint> {
        let mut hint = Hint { below: self.below, ..Hint::default() };
        let (mut group, mut before, mut signed) = (Vec::new(), 0, false);
        for step in &self.steps {
            if let Some(known) = &step.known {
                if group.is_empty() {
                    (group, before) = (known.submitters.clone(), hint.student.len());
                }
                if !signed {
                    hint.received = known.received;
                }
                signed = true;
            } else if let Some(sign) = step.sign() {
                hint.student.extend(sign.student);
                hint.late |= sign.late && !signed;
                signed = true;
            }
        }
        if group.is_empty() {
            return vec![hint];
        }
        let one = |clues: Vec<Clue>| {
            let mut hint = hint.clone();
            hint.student.splice(before..before, clues);
            hint
        };
        group.into_iter().map(one).collect()
    }
}

/// Names in a path that may be a student's, the innermost first: as they are,
/// without their extensions, and without the lab that `submit` puts before.
pub fn guesses(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in path.rsplit(['/', '!']).filter(|part| !part.is_empty()) {
        let mut name = part;
        names.push(name);
        for _ in 0..2 {
            let Some((stem, _)) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) else { break };
            name = stem;
            names.push(name);
        }
        if let Some((lab, id)) = name.split_once('-')
            && lab.starts_with("lab")
        {
            names.push(id);
        }
    }
    names.into_iter().map(str::to_owned).collect()
}

impl Step {
    fn sign(&self) -> Option<Sign> {
        moodle(&self.name).or_else(|| canvas(&self.name).filter(|_| self.file))
    }
}

/// `Name_PARTICIPANT_assignsubmission_file_`, a folder's name or the beginning
/// of a file's.
fn moodle(name: &str) -> Option<Sign> {
    let (student, _) = name.split_once("_assignsubmission_")?;
    let (name, participant) = student.rsplit_once('_')?;
    if !is_number(participant) {
        return None;
    }
    let mut student = vec![
        ("participant_id", participant.to_owned()),
        // As grading worksheets write it.
        ("participant_id", format!("Participant {participant}")),
    ];
    if name != "Participant" {
        student.push(("name", name.to_owned()));
    }
    Some(Sign { student, late: false })
}

/// `name[_LATE]_USER_FILE_file`, and `name[_LATE]_USER_text.html` of what was
/// typed in.
fn canvas(name: &str) -> Option<Sign> {
    let parts: Vec<_> = name.split('_').collect();
    let is_typed = |rest: &[&str]| matches!(rest, ["text.html" | "link.html"]);
    let at = (1..parts.len()).find(|at| is_number(parts[*at]))?;
    let rest = &parts[at + 1..];
    let is_file = rest.len() > 1 && is_number(rest[0]);
    let late = parts[1..at].contains(&"LATE");
    let student = vec![("canvas_id", parts[at].to_owned())];
    (is_file || is_typed(rest)).then_some(Sign { student, late })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(parts: &[&str]) -> Hint {
        let mut hints = Trail::default().with(parts, |_| None).hints();
        assert_eq!(hints.len(), 1);
        hints.remove(0)
    }

    fn clues(parts: &[&str]) -> Vec<(&'static str, String)> {
        hint(parts).student
    }

    #[test]
    fn moodle_names_its_participants() {
        let expected = [("participant_id", "17"), ("participant_id", "Participant 17"), ("name", "Ada L")];
        let expected = expected.map(|(column, value)| (column, value.to_owned()));
        assert_eq!(clues(&["x", "Ada L_17_assignsubmission_file_", "a_1_2_b.zst"])[..3], expected);
        assert_eq!(clues(&["Ada L_17_assignsubmission_file_a.zst"]), expected);
        assert_eq!(clues(&["Ada L_17_assignsubmission_onlinetext_", "onlinetext.html"]), expected);
        assert_eq!(clues(&["Participant_17_assignsubmission_file_", "a"]), expected[..2]);
        assert_eq!(clues(&["Ada_x_assignsubmission_file_", "a"]), []);
    }

    #[test]
    fn canvas_names_users_and_who_is_late() {
        for (name, late) in [
            ("lovelaceada_17_99_lab01-ada.tar.zst", false),
            ("lovelaceada_LATE_17_99_lab01_ada-1.tar.zst", true),
            ("lovelace_ada_LATE_17_99_x", true),
            ("lovelaceada_17_text.html", false),
        ] {
            let hint = hint(&["submissions", name]);
            assert_eq!((hint.student, hint.late), (vec![("canvas_id", "17".to_owned())], late), "{name}");
        }
        for name in ["17_99_x", "ada_17_x.zst", "ada_17_99", "ada", "lab01-ada_1.tar.zst", "a__1_2"] {
            assert_eq!(clues(&[name]), [], "{name}");
        }
        // Canvas makes no folders.
        assert_eq!(clues(&["ada_17_99_x", "file"]), []);
    }

    #[test]
    fn the_outer_name_goes_first_and_alone_says_when_it_came() {
        let inner = ["Ada_17_assignsubmission_file_", "bob_LATE_18_99_x.zst"];
        assert_eq!(clues(&inner)[0], ("participant_id", "17".to_owned()));
        assert!(!hint(&inner).late);
        let known = |received: &str| {
            let submitters = vec![vec![("id", received[..2].to_owned())]];
            Known { submitters, received: Some(received.parse().unwrap()) }
        };
        let trail = Trail::default().with(&["e", "submission_1", "submission_2", "f"], |at| match at {
            1 => Some(known("2026-01-01T00:00:00Z")),
            2 => Some(known("1999-01-01T00:00:00Z")),
            _ => None,
        });
        let hint = &trail.hints()[0];
        assert_eq!(hint.received, Some("2026-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(hint.student, [("id", "20".to_owned())]);
    }

    #[test]
    fn plain_names_are_guesses_from_the_inside_out() {
        let names = guesses("class!bob/lab01-ada.tar.zst");
        assert_eq!(names, ["lab01-ada.tar.zst", "lab01-ada.tar", "lab01-ada", "ada", "bob", "class"]);
    }
}
