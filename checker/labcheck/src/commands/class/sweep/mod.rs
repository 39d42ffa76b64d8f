//! `labcheck sweep --kubeconfigs DIR`: looks at students' clusters, read-only,
//! and writes what was seen as submissions that `labcheck grade` takes.

mod address;
mod sanitise;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use ipnet::IpNet;
use jiff::Timestamp;
use lab_bulk::{Roster, inbox};
use lab_bundle::submission::{self, ClusterId, Draft, Key};
use lab_judge::{Judge, Limits};
use lab_spec::{
    Ended, Evidence, Lab, Outcome, Request, Span, Target as Looks,
    evidence::{Reason, Unavailable},
};
use tokio_util::sync::CancellationToken;

use crate::{
    collect::Collector,
    failure::Failure,
    labs::{self, Library},
    output,
    progress::Progress,
    session::{Session, Target, cluster_uid},
    state::{State, write_atomically},
};

/// Arguments of `labcheck sweep`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory of kubeconfigs, each named after its student's id
    #[arg(long, value_name = "DIR")]
    kubeconfigs: PathBuf,
    /// Lab, as in lab06
    #[arg(long)]
    lab: String,
    /// Everyone in the class: a table with a column `id`
    #[arg(long, value_name = "FILE")]
    roster: PathBuf,
    /// Directory for what was seen, one submission per student
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Context of the kubeconfigs [default: the only one each has]
    #[arg(long)]
    context: Option<String>,
    /// Network that servers may be in although it is private, as in 10.8.0.0/16;
    /// may be given several times
    #[arg(long, value_name = "CIDR")]
    allow_cidr: Vec<IpNet>,
    /// How long one cluster may take
    #[arg(long, default_value = "60s")]
    budget: Span,
    /// How long something that converges is waited for
    #[arg(long, default_value = "30s")]
    timeout: Span,
    /// Clusters that are looked at side by side
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
}

/// Looks at every student's cluster; 0 if all could be looked at, else 3.
///
/// # Errors
/// A lab without a cluster, or files that cannot be read or written.
pub fn run(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    let entry = library.find(&args.lab)?;
    let lab = &entry.lab;
    if !lab.has(Looks::Kind) || lab.has(Looks::Compose) {
        return Err(Failure::usage(format!(
            "`{}` is not about a cluster alone, so there is none to sweep",
            lab.id
        )));
    }
    let file = entry.file();
    let judge = Judge::new(&file, lab).map_err(|problems| labs::broken(&problems))?;
    let roster = super::roster(&args.roster)?;
    let files = inbox::files(std::slice::from_ref(&args.kubeconfigs)).map_err(Failure::usage)?;
    let cannot = |error: std::io::Error| {
        Failure::unobservable(format!("cannot write to `{}`: {error}", args.out.display()))
    };
    fs::create_dir_all(&args.out).map_err(cannot)?;
    // No record of the instructor's own clusters has any bearing here.
    let place = tempfile::tempdir().map_err(cannot)?;
    let (ours, state) = (State::open()?, State::at(place.path())?);
    let images = images(lab, &ours)?;
    let sweep = Sweep { args, lab, judge: &judge, state: &state, images, key: ours.secret()? };
    if !lab.experiments.is_empty() {
        anstream::eprintln!(
            "`{}` has experiments, and a sweep makes none: what needs them is unknown; `labcheck submit` makes them",
            lab.id
        );
    }
    let step = progress.step(&format!("looking at {} clusters", files.len()));
    let told = super::super::block_on(async {
        let looks = files.iter().map(|path| async {
            let student = student(path, &roster);
            let outcome = match &student {
                Ok(student) => sweep.one(path, student).await,
                Err(why) => Err(why.clone()),
            };
            step.note(&path.display().to_string());
            (student.unwrap_or_else(|_| stem(path)), outcome)
        });
        Ok(stream::iter(looks).buffer_unordered(usize::from(args.jobs)).collect::<Vec<_>>().await)
    })?;
    drop(step);
    let told: BTreeMap<_, _> = told.into_iter().collect();
    let mut text = String::new();
    let mut seen = 0;
    for (student, outcome) in &told {
        match outcome {
            Ok(()) => seen += 1,
            Err(why) => text.push_str(&format!("{}: {}\n", lab_render::line(student), lab_render::line(why))),
        }
    }
    text.push_str(&format!("{seen} of {} clusters were looked at\n", told.len()));
    if seen > 0 {
        let (out, lab) = (args.out.display(), &lab.id);
        let roster = args.roster.display();
        text.push_str(&format!("next: labcheck grade {out} --lab {lab} --roster {roster} --out GRADES\n"));
    }
    output::write(&text)?;
    Ok(if seen == told.len() { 0 } else { 3 })
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whose kubeconfig it is.
fn student(path: &Path, roster: &Roster) -> Result<String, String> {
    let name = stem(path);
    let at = roster
        .by_id(&name)
        .ok_or_else(|| "is not in the roster; kubeconfigs are named after ids".to_owned())?;
    Ok(roster.students()[at].id.clone())
}

struct Sweep<'a> {
    args: &'a Args,
    lab: &'a Lab,
    judge: &'a Judge<'a>,
    state: &'a State,
    images: BTreeMap<String, Vec<String>>,
    key: [u8; 32],
}

/// The digests of the labs' images, as `labcheck up` loaded them here: they are
/// the same wherever this version loads them.
fn images(lab: &Lab, ours: &State) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let images: BTreeMap<_, _> = ours.clusters()?.into_iter().flat_map(|cluster| cluster.images).collect();
    match lab.needs.images.iter().find(|image| !images.contains_key(*image)) {
        Some(image) => {
            Err(Failure::unobservable(format!("which image `{image}` is the right one is not known here"))
                .next("labcheck up, once on this machine"))
        }
        None => Ok(images),
    }
}

/// Takes out what was seen of this machine in place of the student's.
fn only_the_cluster(evidence: &mut Evidence) {
    let elsewhere = Unavailable {
        reason: Reason::Unreachable,
        message: "a sweep looks at the cluster, not at the student's machine".to_owned(),
    };
    let looks = evidence.looks.iter_mut().map(|look| &mut look.observations);
    let steps = evidence.experiments.values_mut().flat_map(|record| record.looks.values_mut());
    for (key, seen) in looks.chain(steps).flatten() {
        if *key == Request::Context.key() || key.starts_with("file ") {
            seen.outcome = Outcome::Unavailable(elsewhere.clone());
        }
    }
}

impl Sweep<'_> {
    /// Looks at one cluster and writes what was seen.
    async fn one(&self, path: &Path, student: &str) -> Result<(), String> {
        let ours =
            sanitise::sanitised(&inbox::read(path)?, self.args.context.as_deref(), &self.args.allow_cidr)?;
        let text = serde_json::to_vec(&ours).map_err(|error| error.to_string())?;
        // JSON is YAML. The file is ours alone, and goes with this look.
        let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        fs::write(file.path(), text).map_err(|error| error.to_string())?;
        let budget = Duration::from_millis(self.args.budget.as_ms());
        let look = self.look(file.path(), student);
        tokio::time::timeout(budget, look)
            .await
            .unwrap_or_else(|_| Err(format!("was not looked at within {}", self.args.budget)))
    }

    async fn look(&self, kubeconfig: &Path, student: &str) -> Result<(), String> {
        // An empty directory: files of the instructor's are nobody's answers.
        let directory = Some(self.state.copies_dir());
        let target = Target { kubeconfig: Some(kubeconfig.to_owned()), directory, ..Target::default() };
        let mut session = Session::open(&target, self.lab, self.state)
            .await
            .map_err(|failure| failure.message().to_owned())?;
        session.images.clone_from(&self.images);
        let collector = Collector {
            session: &session,
            lab: self.lab,
            judge: self.judge,
            state: self.state,
            confirmed: false,
            say: &|_| {},
            cancel: CancellationToken::new(),
        };
        let limits = Limits { wait_ms: self.args.timeout.as_ms(), experiments: false };
        let mut evidence = collector.run(limits).await;
        only_the_cluster(&mut evidence);
        let Some(kube_system_uid) =
            cluster_uid(&evidence).filter(|_| evidence.ended != Some(Ended::Interrupted))
        else {
            return Err("its cluster does not answer, or does not let us look".to_owned());
        };
        let draft = Draft {
            tool: concat!("labcheck ", env!("CARGO_PKG_VERSION"), " sweep").to_owned(),
            student: student.to_owned(),
            cluster: Some(ClusterId { ca_sha256: session.observer.ca_sha256(), kube_system_uid }),
            made: Timestamp::now().to_string(),
        };
        let bytes =
            submission::write(draft, &evidence, &self.key_for(student)).map_err(|fault| fault.to_string())?;
        let path = self.args.out.join(super::file_name(student));
        write_atomically(&path, &bytes).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
    }

    /// One key per student: a key that two submissions share is suspicious.
    fn key_for(&self, student: &str) -> Key {
        use sha2::Digest as _;
        let digest = sha2::Sha256::new().chain_update(self.key).chain_update(student).finalize();
        Key::from_secret(&digest.into())
    }
}
