//! `labcheck author test lab01`: every state on a real cluster, graded as a
//! learner's would be, and its evidence recorded.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use futures::{StreamExt, stream};
use lab_experiment::{Manifest, compose::stage};
use lab_judge::{Judge, Limits};
use lab_spec::{Evidence, Lab, Report, Target as Looks, Verdict};
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

use super::{
    digest::{self, Digests},
    kubeconfig,
    scene::{self, Made, Scene},
    state::{self, State},
    verdicts::{self, Kept},
};
use crate::{
    collect::{self, Collector},
    commands,
    failure::Failure,
    labs::{self, Library},
    session::{Session, Target},
    state::State as Records,
};

/// Arguments of `labcheck author test`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab, as in lab01
    lab: String,
    #[command(flatten)]
    target: Target,
    /// Only these states, as in mutants/latest or accepts
    #[arg(long, value_name = "STATE")]
    only: Vec<String>,
    /// Grade each state this often; verdicts must agree
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// States under way at once, each in a namespace of its own; of a lab that
    /// sends a load at most two, of which one is set up while the other is graded
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Leave out states whose evidence is current: nothing it depends on has
    /// changed since it was recorded, and the replay tests judge it
    #[arg(long)]
    changed: bool,
    /// With --changed: prove this many of the others all the same, other ones
    /// each day
    #[arg(long, default_value_t = 0, requires = "changed")]
    sample: usize,
    /// Do not record evidence
    #[arg(long)]
    no_record: bool,
    /// Add the verdicts of each grading to this file, a line of JSON each
    #[arg(long, value_name = "FILE")]
    verdicts: Option<PathBuf>,
}

/// Proves the lab's states on the cluster; exit 1 if one is not as expected.
///
/// # Errors
/// A broken lab or a cluster that cannot be used.
pub fn run(args: &Args, labs: &Path) -> Result<u8, Failure> {
    let library = Library::open(Some(labs))?;
    let entry = library.find(&args.lab)?;
    let judge = Judge::new(&entry.file(), &entry.lab).map_err(|problems| labs::broken(&problems))?;
    let dir = entry.path()?;
    let states = state::all(&dir)?;
    let named: Vec<_> = states
        .iter()
        .filter(|state| {
            args.only.is_empty() || args.only.iter().any(|only| state.name.starts_with(only.as_str()))
        })
        .collect();
    if named.is_empty() {
        return Err(Failure::usage(format!("no state is called {:?}", args.only)));
    }
    let digests = Digests::open(&dir, &entry.lab)?;
    let (current, mut chosen): (Vec<&State>, Vec<&State>) =
        named.iter().partition(|state| args.changed && digests.is_current(state));
    chosen.extend(sample(&current, args.sample, days()));
    let left_out = named.len() - chosen.len();
    let digests = Mutex::new(digests);
    let prover = Prover {
        args,
        lab: &entry.lab,
        judge: &judge,
        dir: &dir,
        records: Records::open()?,
        digests,
        kept: args.verdicts.as_deref().map(Kept::open).transpose()?,
        alone: AsyncMutex::new(()),
        cancel: CancellationToken::new(),
    };
    let problems = commands::block_on(prover.prove(&chosen))?;
    if args.only.is_empty() && !args.no_record {
        forget_orphans(&dir, &states)?;
        let mut digests = prover.digests.into_inner().unwrap_or_else(PoisonError::into_inner);
        digests.keep_only(&states);
        digests.save()?;
    }
    anstream::println!("{} states, {problems} problems, {left_out} left out as current", chosen.len());
    Ok(u8::from(problems > 0))
}

/// `count` of the states, other ones each day, all of them in turn.
fn sample<'s>(states: &[&'s State], count: usize, day: usize) -> Vec<&'s State> {
    let from = (day * count).checked_rem(states.len()).unwrap_or_default();
    states.iter().cycle().skip(from).take(count.min(states.len())).copied().collect()
}

/// Days since the epoch.
fn days() -> usize {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    usize::try_from(elapsed.as_secs() / 86_400).unwrap_or_default()
}

struct Prover<'a> {
    args: &'a Args,
    lab: &'a Lab,
    judge: &'a Judge<'a>,
    dir: &'a Path,
    records: Records,
    digests: Mutex<Digests>,
    kept: Option<Kept>,
    /// Held while a lab that sends a load is graded: traffic runs alone.
    alone: AsyncMutex<()>,
    /// Ends what is under way, and what was made for it.
    cancel: CancellationToken,
}

impl Prover<'_> {
    async fn prove(&self, states: &[&State]) -> Result<usize, Failure> {
        commands::cancel_on_ctrl_c(self.cancel.clone());
        let all: Arc<_> = Arc::new(self);
        let mut results = stream::iter(states)
            .map(|state| {
                let all = Arc::clone(&all);
                async move { (state, Instant::now(), all.state(state).await) }
            })
            .buffer_unordered(if self.lab.sends_load() {
                self.args.jobs.clamp(1, 2)
            } else {
                self.args.jobs.max(1)
            });
        let (mut problems, mut failure) = (0, None);
        while let Some((state, begun, result)) = results.next().await {
            let name = &state.name;
            let found = match result {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(error) => {
                    // What the others have made is removed before the error is told.
                    self.cancel.cancel();
                    failure.get_or_insert(error);
                    continue;
                }
            };
            let seconds = begun.elapsed().as_secs_f32();
            if found.is_empty() {
                anstream::println!("as expected  {name} ({seconds:.1} s)");
            } else {
                anstream::println!("PROBLEM      {name} ({seconds:.1} s)  {}", state.expect.why);
            }
            for problem in &found {
                anstream::println!("    {problem}");
            }
            problems += found.len();
        }
        match failure {
            Some(failure) => Err(failure),
            None if self.cancel.is_cancelled() => Err(Failure::unobservable("interrupted")
                .next("the same command with `--changed` leaves out what was proven before")),
            None => Ok(problems),
        }
    }

    /// Sets the state up, grades it, compares, records, and cleans up. `None`
    /// if that was interrupted.
    async fn state(&self, state: &State) -> Result<Option<Vec<String>>, Failure> {
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        let scene = match self.lab.has(Looks::Compose) {
            true => self.project(state).await?,
            false => self.namespace(state).await?,
        };
        let graded = self.graded(state, &scene).await;
        scene.clear().await?;
        graded
    }

    /// What is not as expected of a state that stands.
    async fn graded(&self, state: &State, scene: &Scene) -> Result<Option<Vec<String>>, Failure> {
        if let Some(aged) = state.expect.aged {
            self.cancel.run_until_cancelled(tokio::time::sleep(aged.into())).await;
        }
        if let Some(relabel) = &state.expect.relabel
            && scene.relabel(relabel).await? == 0
        {
            return Ok(Some(vec![format!("no pod has the labels `{}` to be changed", relabel.labels)]));
        }
        let _alone = if self.lab.sends_load() {
            self.cancel.run_until_cancelled(self.alone.lock()).await
        } else {
            None
        };
        let mut problems = Vec::new();
        let mut first: Option<Vec<(String, Verdict)>> = None;
        for _ in 0..self.args.times.max(1) {
            let session = Session { observer: self.fresh(&scene.target).await?, ..scene.session.again() };
            let (evidence, report) = self.grade(&session).await?;
            if self.cancel.is_cancelled() {
                return Ok(None);
            }
            if let Some(kept) = &self.kept {
                kept.add(&self.lab.id, state, self.digests().of(state), &report)?;
            }
            let mut found = verdicts::compare(state, &report);
            found.extend(self.replay(&evidence, &report)?);
            if !found.is_empty() {
                found.push(self.keep(state, &evidence)?);
            }
            problems.extend(found);
            let verdicts = verdicts::of(&report);
            if let Some(first) = &first {
                problems.extend(verdicts::differences(first, &verdicts, &state.expect.either));
            } else {
                first = Some(verdicts);
                if problems.is_empty() && !self.args.no_record {
                    self.record(state, &evidence, &report)?;
                }
            }
        }
        Ok(Some(problems))
    }

    /// The state in a namespace of its own.
    async fn namespace(&self, state: &State) -> Result<Scene, Failure> {
        let namespace = format!("{}-{}", self.lab.id, state.name.replace('/', "-"));
        let folder = scratch()?;
        let plain = Session::open(&self.args.target, self.lab, &self.records).await?;
        let config = kubeconfig::write(
            folder.path(),
            &self.args.target,
            &self.records,
            &state.expect.context,
            &namespace,
        )?;
        let target = Target {
            kubeconfig: Some(config),
            context: Some(kubeconfig::LAB.to_owned()),
            namespace: Some(namespace.clone()),
            ..Target::default()
        };
        let mut session = Session::open(&target, self.lab, &self.records).await?;
        session.images = plain.images;
        let client = session.observer.client().ok_or_else(|| Failure::usage("the lab has no cluster"))?;
        lab_experiment::delete_namespace(&client, &namespace).await.map_err(scene::refused)?;
        let manifests = self.manifests(&session, state).await?;
        lab_experiment::apply(&client, &namespace, &manifests).await.map_err(scene::refused)?;
        Ok(Scene { session, target, made: Made::Namespace(client, namespace), _folder: folder })
    }

    /// The state in a directory and a compose project of its own.
    async fn project(&self, state: &State) -> Result<Scene, Failure> {
        let (folder, name) = (scratch()?, format!("{}-{}", self.lab.id, state.name.replace('/', "-")));
        let directory = folder.path().join(&name);
        scene::write(&directory, &state.files)?;
        let expect = &state.expect.compose;
        let target = Target {
            file: expect.files.iter().map(PathBuf::from).collect(),
            project_name: Some(name.clone()),
            directory: Some(directory),
            ..Target::default()
        };
        let session = Session::open(&target, self.lab, &self.records).await?;
        let observer = &session.observer;
        let lacks = || Failure::unobservable("there is no `docker compose` to start states with");
        let engine = observer.engine().ok_or_else(lacks)?.clone();
        let mut project = collect::project(observer).ok_or_else(lacks)?;
        if !expect.started.is_empty() {
            project.files = expect.started.iter().map(|file| project.directory.join(file)).collect();
        }
        let failed = |why: String| Failure::unobservable(format!("`{}`: {why}", state.name));
        stage::discard(&engine.client, &name).await.map_err(failed)?;
        if expect.up {
            let start = stage::start(&project, &engine.endpoint.host, &name, folder.path());
            self.cancel.run_until_cancelled(start).await.transpose().map_err(failed)?;
            for service in &expect.stop {
                stage::stop(&engine.client, &name, service).await.map_err(failed)?;
            }
        }
        Ok(Scene { session, target, made: Made::Project(engine.client, name), _folder: folder })
    }

    async fn fresh(&self, target: &Target) -> Result<lab_observe::Observer, Failure> {
        Ok(Session::open(target, self.lab, &self.records).await?.observer)
    }

    /// The state's manifests, with what they ask of the cluster filled in.
    async fn manifests(&self, session: &Session, state: &State) -> Result<Vec<Manifest>, Failure> {
        let mut evidence = session.evidence(self.lab);
        let first = self.judge.whole_look(&evidence);
        evidence.looks.push(session.observer.look(&first).await);
        let more = self.judge.follow_up(&evidence);
        evidence.looks.push(session.observer.look(&more).await);
        let mut manifests = Vec::new();
        for (name, text) in &state.files {
            let place = format!("{}/{name}", state.name);
            let text = self
                .judge
                .fill(&evidence, text)
                .map_err(|problem| Failure::usage(format!("`{place}`: {problem}")))?;
            let parsed = Manifest::parse(&place, &text).map_err(|error| Failure::usage(error.to_string()))?;
            manifests.extend(parsed);
        }
        Ok(manifests)
    }

    async fn grade(&self, session: &Session) -> Result<(Evidence, Report), Failure> {
        let quiet = |_: &str| {};
        let collector = Collector {
            session,
            lab: self.lab,
            judge: self.judge,
            state: &self.records,
            confirmed: false,
            say: &quiet,
            cancel: self.cancel.clone(),
        };
        let evidence = collector.run(Limits::default()).await;
        let unmet = self.judge.unmet(&evidence);
        if !unmet.is_empty() && !self.cancel.is_cancelled() {
            return Err(Failure::unobservable(unmet.join("; ")));
        }
        let report = self.judge.report(&evidence);
        Ok((evidence, report))
    }

    /// A saved and reloaded evidence must give the same report, byte for byte.
    fn replay(&self, evidence: &Evidence, live: &Report) -> Result<Option<String>, Failure> {
        let mut bytes = Vec::new();
        lab_bundle::write_to(&mut bytes, "the bundle", evidence)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let read = lab_bundle::read_from(bytes.as_slice(), "the bundle")
            .map_err(|error| Failure::usage(error.to_string()))?;
        let replayed = lab_render::json(&self.judge.report(&read));
        Ok((replayed != lab_render::json(live))
            .then(|| "the replayed report differs from the live one".to_owned()))
    }

    /// Keeps the evidence of a surprise where the author can look at it.
    fn keep(&self, state: &State, evidence: &Evidence) -> Result<String, Failure> {
        let path = std::env::temp_dir().join(format!("{}-{}.labcheck", self.lab.id, file_name(state)));
        lab_bundle::write(&path, evidence).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(format!("look: labcheck {} --evidence {} --explain", self.lab.id, path.display()))
    }

    fn record(&self, state: &State, evidence: &Evidence, report: &Report) -> Result<(), Failure> {
        let folder = self.dir.join("evidence");
        let name = file_name(state);
        let failed =
            |error: &dyn std::fmt::Display| Failure::usage(format!("`{name}` cannot be recorded: {error}"));
        fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        lab_bundle::write(&folder.join(format!("{name}.labcheck")), evidence)
            .map_err(|error| failed(&error))?;
        fs::write(folder.join(format!("{name}.json")), lab_render::json(report))
            .map_err(|error| failed(&error))?;
        // At once: a proof that is cut short keeps what it has proven.
        let mut digests = self.digests();
        digests.note(state);
        digests.save()
    }

    fn digests(&self) -> MutexGuard<'_, Digests> {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|error| Failure::unobservable(error.to_string()))
}

fn file_name(state: &State) -> String {
    state.name.replace('/', "-")
}

/// Removes evidence of states that are gone.
fn forget_orphans(dir: &Path, states: &[State]) -> Result<(), Failure> {
    let folder = dir.join("evidence");
    let mut known: BTreeSet<String> = states.iter().map(file_name).collect();
    known.insert(digest::STEM.to_owned());
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !known.contains(&stem) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &PathBuf) -> Result<(), Failure> {
    fs::remove_file(path)
        .map_err(|error| Failure::usage(format!("`{}` cannot be removed: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_takes_every_state_in_turn() {
        let states: Vec<State> = (0..5)
            .map(|at| State {
                name: format!("mutants/{at}"),
                files: Default::default(),
                expect: Default::default(),
                text: String::new(),
            })
            .collect();
        let states: Vec<&State> = states.iter().collect();
        let mut seen = BTreeSet::new();
        for day in 0..3 {
            let today = sample(&states, 2, day);
            assert_eq!(today.len(), 2);
            seen.extend(today.iter().map(|state| state.name.clone()));
        }
        assert_eq!(seen.len(), 5);
        assert_eq!(sample(&states, 9, 1).len(), 5, "no more than there are");
        assert!(sample(&[], 3, 1).is_empty());
    }
}
