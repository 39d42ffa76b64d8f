//! `labcheck submit lab08 --as ID`: grades, and writes what is handed in.

use std::path::PathBuf;

use jiff::Timestamp;
use lab_bundle::submission::{self, ClusterId, Draft};
use lab_judge::{Judge, Limits};
use lab_spec::{Ended, Evidence, Lab, Outcome, Span};

use super::grade;
use crate::{
    collect::Collector,
    failure::Failure,
    labs::{self, Library},
    output::{self, Format},
    progress::Progress,
    session::{Target, cluster_uid},
    state::{State, write_atomically},
};

/// Arguments of `labcheck submit`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab, as in lab08
    lab: String,
    /// Your id in the class [default: that of the token you started with]
    #[arg(long = "as", value_name = "ID")]
    student: Option<String>,
    /// File to write [default: LAB-ID.tar.zst]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show what would be handed in, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    target: Target,
    /// How long something that converges is waited for, as in 30s
    #[arg(long, default_value = "30s")]
    timeout: Span,
    /// Run experiments on a cluster that `labcheck up` did not make; asks for
    /// the server's name first
    #[arg(long)]
    allow_experiments: bool,
}

/// Grades the lab and writes the submission; the exit code is the verdict's.
///
/// # Errors
/// Bad usage, nothing that can be looked at, or a file that cannot be written.
pub fn run(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    let entry = library.find(&args.lab)?;
    let file = entry.file();
    let judge = Judge::new(&file, &entry.lab).map_err(|problems| labs::broken(&problems))?;
    super::block_on(submit(args, &entry.lab, &judge, progress))
}

async fn submit(args: &Args, lab: &Lab, judge: &Judge<'_>, progress: Progress) -> Result<u8, Failure> {
    let state = State::open()?;
    let student = student(args, lab, &state)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(file_name(&lab.id, &student)));
    let (session, confirmed, cancel) = grade::open(&args.target, lab, &state, args.allow_experiments).await?;
    let step = progress.step(&format!("looking at `{}`", session.place()));
    let say = |line: &str| step.note(line);
    let collector = Collector { session: &session, lab, judge, state: &state, confirmed, say: &say, cancel };
    let evidence = collector.run(Limits { wait_ms: args.timeout.as_ms(), experiments: true }).await;
    if evidence.ended == Some(Ended::Interrupted) {
        return Err(Failure::unobservable("stopped before everything was looked at; nothing was written"));
    }
    let report = grade::conclude(judge, &evidence, &state)?;
    drop(step);
    let key = state.key()?;
    let draft = Draft {
        tool: concat!("labcheck ", env!("CARGO_PKG_VERSION")).to_owned(),
        student: student.clone(),
        cluster: cluster_uid(&evidence)
            .map(|kube_system_uid| ClusterId { ca_sha256: session.observer.ca_sha256(), kube_system_uid }),
        made: Timestamp::now().to_string(),
    };
    let bytes = submission::write(draft, &evidence, &key)
        .map_err(|fault| Failure::usage(format!("the submission {fault}")))?;
    output::print(&report, Format::Text, false)?;
    output::write(&contents(&evidence, &student, bytes.len()))?;
    if args.dry_run {
        output::write("nothing was written (`--dry-run`)\n")?;
    } else {
        write_atomically(&out, &bytes)
            .map_err(|error| Failure::unobservable(format!("cannot write `{}`: {error}", out.display())))?;
        output::write(&format!("next: hand in `{}`\n", out.display()))?;
    }
    Ok(report.verdict.exit_code())
}

/// Who hands in: as said, or as assigned.
fn student(args: &Args, lab: &Lab, state: &State) -> Result<String, Failure> {
    let assigned = state.lab(&lab.id)?.and_then(|started| started.student);
    match (&args.student, assigned) {
        (Some(said), Some(assigned)) if *said != assigned => {
            Err(Failure::usage(format!("you started with the token of `{assigned}`, found `--as {said}`")))
        }
        (Some(said), _) if said.trim().is_empty() => Err(Failure::usage("`--as` is empty, expected your id")),
        (Some(said), _) => Ok(said.clone()),
        (None, Some(assigned)) => Ok(assigned),
        (None, None) => Err(Failure::usage("whose submission it is, is not known")
            .next(format!("labcheck submit {} --as YOUR-ID", lab.id))),
    }
}

/// A name for the file that every system can hold.
fn file_name(lab: &str, student: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let student: String = student.chars().take(60).map(plain).collect();
    format!("{lab}-{student}.tar.zst")
}

/// What is in it, before anybody hands it in.
fn contents(evidence: &Evidence, student: &str, bytes: usize) -> String {
    let mut text = format!("\nthe submission of `{student}` has {} KiB and holds:\n", bytes.div_ceil(1024));
    let looks = evidence.looks.iter().flat_map(|look| &look.observations);
    let seen: std::collections::BTreeSet<_> = looks
        .filter(|(_, seen)| !matches!(seen.outcome, Outcome::Unavailable(_)))
        .map(|(key, _)| key.as_str())
        .collect();
    for key in seen {
        text.push_str(&format!("  {key}\n"));
    }
    for name in evidence.experiments.keys() {
        text.push_str(&format!("  experiment {name}\n"));
    }
    text.push_str("values of Secrets and tokens were left out when they were seen\n");
    text
}
