//! `labcheck post-scores`: a class's scores into a learning platform's grade
//! book, through LTI's Assignment and Grade Services.

mod assertion;
mod platform;
mod wire;

use std::{path::PathBuf, time::Duration};

use assertion::{Key, Parties};
use http::{Request, Uri};
use jiff::Timestamp;
use lab_bulk::{
    Standing,
    posting::{Due, Held, Posted, RECORD, Record, Scores},
};
use lab_spec::Span;
use platform::{Outcome, Platform};
use wire::Wire;

use crate::{failure::Failure, output, progress::Progress};

/// Arguments of `labcheck post-scores`.
///
/// The tool's private key is an RSA key in PEM. It comes from the file that
/// `--key` names, or from the environment, as LABCHECK_LTI_KEY.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory that `labcheck grade` wrote; the roster it was graded with has
    /// a column `lti_user_id`
    #[arg(value_name = "DIR")]
    grades: PathBuf,
    /// Address of the assignment's line item, as the platform gave it
    #[arg(long, value_name = "URL", value_parser = wire::address)]
    line_item: Uri,
    /// Where the platform gives tokens
    #[arg(long, value_name = "URL", value_parser = wire::address)]
    token_url: Uri,
    /// How the platform calls this tool
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// File of the tool's private key [default: the key in LABCHECK_LTI_KEY]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Which of the tool's keys it is, where the platform knows several
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// Whom the platform wants to be addressed as [default: its token URL]
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// How long one request may take
    #[arg(long, default_value = "10s")]
    timeout: Span,
    /// Print what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// So many scores in a row that nobody answered, and no more are tried.
const LOST: usize = 3;

/// Posts what was not posted before; 0 if the platform has every score there
/// is, else 3.
///
/// # Errors
/// Grades, a key or a record that cannot be used, or a platform that lets
/// nothing in.
pub fn run(args: &Args, progress: Progress) -> Result<u8, Failure> {
    let key = Key::read(args.key.as_deref())?;
    let scores_url = platform::scores(&args.line_item).map_err(Failure::usage)?;
    let audience = args.audience.clone().unwrap_or_else(|| args.token_url.to_string());
    let parties = Parties { client: &args.client_id, audience: &audience, key_id: args.key_id.as_deref() };
    let scores = Scores::open(&args.grades).map_err(Failure::usage)?;
    let mut told = Told::default();
    if args.dry_run {
        let posted = Posted::read(&args.grades, &line_item(args)).map_err(Failure::usage)?;
        dry(args, &scores_url, parties, scores, &posted, &mut told)?;
        told.text.push_str("dry run: nothing was sent\n");
        output::write(&told.text)?;
        return Ok(told.code());
    }
    let wire = Wire::new(Duration::from_millis(args.timeout.as_ms())).map_err(Failure::unobservable)?;
    let mut record = Record::open(&args.grades, &line_item(args)).map_err(Failure::unobservable)?;
    let step = progress.step(&format!("posting the scores of {}", scores.lab()));
    let mut platform = Platform::new(wire, key, parties, &args.token_url, scores_url);
    let posted = super::super::block_on(async {
        for due in scores {
            let due = due.map_err(Failure::usage)?;
            step.note(&lab_render::line(&due.student.id));
            told.take(&mut platform, due, &mut record).await?;
        }
        Ok(())
    });
    drop(step);
    // Also where it was stopped: what was posted is posted.
    told.end();
    output::write(&told.text)?;
    posted.map(|()| told.code())
}

/// The line item in the record: an address always written in one way.
fn line_item(args: &Args) -> String {
    args.line_item.to_string()
}

/// What became of the students, in words and in numbers.
#[derive(Default)]
struct Told {
    text: String,
    posted: usize,
    before: usize,
    unscored: usize,
    nameless: usize,
    refused: usize,
    lost: usize,
    /// How many were lost since the last answer.
    in_a_row: usize,
}

impl Told {
    async fn take(
        &mut self,
        platform: &mut Platform<'_>,
        due: Due,
        record: &mut Record,
    ) -> Result<(), Failure> {
        let Some(score) = self.due(&due, &record.posted) else { return Ok(()) };
        let stopped = |why: String| {
            let next = format!("what was posted stands in `{RECORD}`; the same command posts the rest");
            Failure::unobservable(why).next(next)
        };
        match platform.post(score, record).await.map_err(stopped)? {
            Outcome::Posted => (self.posted, self.in_a_row) = (self.posted + 1, 0),
            Outcome::Refused(why) => {
                (self.refused, self.in_a_row) = (self.refused + 1, 0);
                self.say(&due.student.id, &format!("not posted: the platform {why}"));
            }
            Outcome::Lost(why) => {
                (self.lost, self.in_a_row) = (self.lost + 1, self.in_a_row + 1);
                self.say(&due.student.id, &format!("not known to be posted: the platform {why}"));
                if self.in_a_row == LOST {
                    return Err(stopped(format!("the platform has taken none of {LOST} scores in a row")));
                }
            }
        }
        Ok(())
    }

    /// The score that is to be posted for a student; says why where there is
    /// none.
    fn due<'d>(&mut self, due: &'d Due, posted: &Posted) -> Option<&'d lab_bulk::outputs::lti::Score> {
        match &due.score {
            Ok(score) if posted.has(score) => self.before += 1,
            Ok(score) => return Some(score),
            Err(Held::Nameless(why)) => {
                self.nameless += 1;
                self.say(&due.student.id, &format!("not posted: {why}"));
            }
            Err(Held::Unscored(standing, user)) => {
                self.unscored += 1;
                let stays = match user.as_ref().is_some_and(|user| posted.any(user)) {
                    true => "; what was posted before stays",
                    false => "",
                };
                let why = standing.why();
                let why = match standing {
                    Standing::Unknown { .. } | Standing::Ungradable { .. } => format!(": {why}"),
                    Standing::Graded | Standing::Missing => String::new(),
                };
                let word = standing.word();
                self.say(&due.student.id, &format!("not posted: no score, {word}{why}{stays}"));
            }
        }
        None
    }

    fn say(&mut self, student: &str, what: &str) {
        self.text.push_str(&format!("{}: {}\n", lab_render::line(student), lab_render::line(what)));
    }

    fn end(&mut self) {
        let Self { posted, before, unscored, nameless, refused, lost, .. } = self;
        let text = format!(
            "{posted} posted, {before} posted before, {unscored} without a score, \
             {nameless} without a user id, {refused} refused, {lost} not answered\n"
        );
        self.text.push_str(&text);
    }

    const fn code(&self) -> u8 {
        if self.nameless + self.refused + self.lost > 0 { 3 } else { 0 }
    }
}

/// What would be sent. Two parts stand for what is a secret: the signature, with
/// which the assertion would let anybody in, and the token, which nobody has yet.
fn dry(
    args: &Args,
    scores_url: &Uri,
    parties: Parties<'_>,
    scores: Scores,
    posted: &Posted,
    told: &mut Told,
) -> Result<(), Failure> {
    let json = |part: serde_json::Result<String>| part.map_err(|error| Failure::usage(error.to_string()));
    let (header, claims) = parties.assertion(Timestamp::now());
    let request =
        platform::token_request(&args.token_url, "HEADER.CLAIMS.SIGNATURE").map_err(Failure::usage)?;
    let mut text = printed(&request);
    text.push_str(&format!("HEADER {}\n", json(serde_json::to_string(&header))?));
    text.push_str(&format!("CLAIMS {}\n\n", json(serde_json::to_string(&claims))?));
    output::write(&text)?;
    for due in scores {
        let due = due.map_err(Failure::usage)?;
        let Some(score) = told.due(&due, posted) else { continue };
        let score = score.at(posted.time(score, Timestamp::now()));
        let request = platform::scores_request(scores_url, "TOKEN", &score).map_err(Failure::usage)?;
        output::write(&format!("{}\n", printed(&request)))?;
    }
    Ok(())
}

/// A request as text; lines that only its transport adds are left out.
fn printed(request: &Request<String>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    text.push_str(&format!("\n{}\n", request.body()));
    text
}
