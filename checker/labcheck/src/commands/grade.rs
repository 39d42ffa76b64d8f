//! `labcheck lab01`: looks, judges, reports.

use std::path::{Path, PathBuf};

use lab_judge::{Judge, Limits};
use lab_spec::{Ended, Evidence, Lab, Report, Span, Target as Looks};
use tokio_util::sync::CancellationToken;

use crate::{
    collect::Collector,
    failure::Failure,
    labs::{self, Library},
    output::{self, Format},
    progress::Progress,
    session::{Session, Target},
    state::State,
};

/// Arguments of `labcheck LAB`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab to grade, as in lab01
    pub lab: Option<String>,
    #[command(flatten)]
    pub target: Target,
    /// How the report is printed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// Show the values behind every verdict, and every question asked
    #[arg(long)]
    pub explain: bool,
    /// Write the evidence to a file as well
    #[arg(long, value_name = "FILE", conflicts_with = "evidence")]
    pub save: Option<PathBuf>,
    /// Judge saved evidence instead of a cluster
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kubeconfig", "context", "namespace", "watch", "file", "project_name"])]
    pub evidence: Option<PathBuf>,
    /// Go on looking, and say what changes (no experiments)
    #[arg(long)]
    pub watch: bool,
    /// How long something that converges is waited for, as in 30s
    #[arg(long, default_value = "30s")]
    pub timeout: Span,
    /// Only look; checks that need an experiment are unknown
    #[arg(long)]
    pub no_experiments: bool,
    /// Run experiments on a cluster that `labcheck up` did not make; asks for
    /// the server's name first
    #[arg(long, conflicts_with = "no_experiments")]
    pub allow_experiments: bool,
}

/// Grades one lab; the exit code is the verdict's.
///
/// # Errors
/// Bad usage, a broken lab, or nothing that can be looked at.
pub fn run(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    let Some(wanted) = &args.lab else {
        return Err(
            Failure::usage("no lab and no command was given").next("labcheck list, or labcheck --help")
        );
    };
    let entry = library.find(wanted)?;
    let file = entry.file();
    let judge = Judge::new(&file, &entry.lab).map_err(|problems| labs::broken(&problems))?;
    let report = match &args.evidence {
        Some(path) => {
            let evidence = read(path, &entry.lab)?;
            judged(&judge, &evidence)?
        }
        None => match super::block_on(live(args, &entry.lab, &judge, progress))? {
            Some(report) => report,
            None => return Ok(0),
        },
    };
    output::print(&report, args.output, args.explain)?;
    Ok(report.verdict.exit_code())
}

/// Reads saved evidence of this lab.
fn read(path: &Path, lab: &Lab) -> Result<Evidence, Failure> {
    let evidence = lab_bundle::read(path).map_err(|error| Failure::usage(error.to_string()))?;
    if evidence.lab.id != lab.id {
        let (found, expected) = (&evidence.lab.id, &lab.id);
        return Err(Failure::usage(format!(
            "`{}` is evidence of `{found}`, expected `{expected}`",
            path.display()
        )));
    }
    Ok(evidence)
}

/// The report, unless the lab needs what the cluster has not.
fn judged(judge: &Judge<'_>, evidence: &Evidence) -> Result<Report, Failure> {
    let unmet = judge.unmet(evidence);
    if unmet.is_empty() { Ok(judge.report(evidence)) } else { Err(unjudged(&evidence.lab.id, &unmet)) }
}

/// That a lab needs what the cluster has not.
pub fn unjudged(lab: &str, unmet: &[String]) -> Failure {
    Failure::unobservable(format!("lab `{lab}` cannot be judged here: {}", unmet.join("; ")))
}

/// The report on what was collected for a grade, which is kept if it is the
/// lab's best.
///
/// # Errors
/// The lab needs what the cluster has not, or the result cannot be recorded.
pub fn conclude(judge: &Judge<'_>, evidence: &Evidence, state: &State) -> Result<Report, Failure> {
    let report = judged(judge, evidence)?;
    if let (Some(earned), Some(Ended::Settled | Ended::Timeout)) = (report.earned, evidence.ended) {
        state.record_result(&evidence.lab.id, earned, report.points)?;
    }
    Ok(report)
}

/// Opens what is looked at, once what a killed experiment left is undone. Says
/// whether the user allowed experiments on it, and gives what Ctrl-C cancels.
///
/// # Errors
/// Nothing that can be looked at, or a user who does not answer.
pub async fn open(
    target: &Target,
    lab: &Lab,
    state: &State,
    allow_experiments: bool,
) -> Result<(Session, bool, CancellationToken), Failure> {
    let session = Session::open(target, lab, state).await?;
    let confirmed =
        allow_experiments && lab.has(Looks::Kind) && super::confirm::server(session.observer.server())?;
    let cancel = CancellationToken::new();
    super::cancel_on_ctrl_c(cancel.clone());
    super::unfinished::undo(&session, lab, state).await;
    Ok((session, confirmed, cancel))
}

async fn live(
    args: &Args,
    lab: &Lab,
    judge: &Judge<'_>,
    progress: Progress,
) -> Result<Option<Report>, Failure> {
    let state = State::open()?;
    let (session, confirmed, cancel) = open(&args.target, lab, &state, args.allow_experiments).await?;
    let step = progress.step(&format!("looking at `{}`", session.place()));
    let say = |line: &str| step.note(line);
    let collector = Collector { session: &session, lab, judge, state: &state, confirmed, say: &say, cancel };
    let limits = Limits { wait_ms: args.timeout.as_ms(), experiments: !args.no_experiments && !args.watch };
    if args.watch {
        super::watch::run(&collector, args, limits).await?;
        return Ok(None);
    }
    let evidence = collector.run(limits).await;
    if let Some(path) = &args.save {
        lab_bundle::write(path, &evidence).map_err(|error| Failure::usage(error.to_string()))?;
        anstream::eprintln!("saved evidence to {}", path.display());
    }
    conclude(judge, &evidence, &state).map(Some)
}
