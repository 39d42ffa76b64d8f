//! `labcheck start lab01` and `labcheck reset lab01`: the lab's namespace and
//! what the learner finds in it.

use std::{fs, path::PathBuf};

use lab_bulk::assignment::Token;
use lab_experiment::Manifest;
use lab_judge::Judge;
use lab_spec::{Lab, Target, evidence::Params};

use super::{
    confirm,
    stand_ins::{self, OVERRIDE},
    unfinished,
};
use crate::{
    failure::Failure,
    labs::{self, Entry, Library},
    progress::Progress,
    session::{self, Session, fresh_params},
    state::{Started, State},
};

/// Arguments of `labcheck start` and `labcheck reset`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab, as in lab01
    lab: String,
    #[command(flatten)]
    target: session::Target,
    /// Directory for a compose lab's files [default: one named after the lab]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What your instructor gave you for this lab
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Do not ask before changing a cluster `labcheck up` did not make, or
    /// before deleting your work
    #[arg(long)]
    yes: bool,
}

/// Makes the lab's namespace and applies what the learner starts from.
///
/// # Errors
/// If the cluster cannot be reached or changed.
pub fn start(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    super::block_on(begin(args, library, progress, false))
}

/// Deletes the lab's namespace with all in it, and starts again.
///
/// # Errors
/// If the cluster cannot be reached or changed.
pub fn reset(args: &Args, library: &Library, progress: Progress) -> Result<u8, Failure> {
    super::block_on(begin(args, library, progress, true))
}

async fn begin(args: &Args, library: &Library, progress: Progress, reset: bool) -> Result<u8, Failure> {
    let entry = library.find(&args.lab)?;
    let lab = &entry.lab;
    Judge::new(&entry.file(), lab).map_err(|problems| labs::broken(&problems))?;
    let state = State::open()?;
    let (params, student) = assigned(args.token.as_deref(), &lab.id)?;
    if !lab.has(Target::Kind) {
        let begun = |directory| Started::in_directory(lab.id.clone(), params, directory).of(student);
        return in_directory(args, &entry, &state, reset, begun);
    }
    if args.dir.is_some() {
        return Err(Failure::usage(format!(
            "`--dir` is for labs with files, and `{}` lives on a cluster",
            lab.id
        )));
    }
    let session = Session::open(&args.target, lab, &state).await?;
    let identity = session.identify(lab).await?;
    let owned = state.clusters()?.iter().any(|cluster| cluster.identity.same_cluster(&identity));
    let namespace = session.namespace.clone();
    if !owned && !args.yes && !confirm::server(session.observer.server())? {
        return Err(Failure::usage("nothing was changed"));
    }
    unfinished::undo_as(&session, &state, &identity).await;
    let client = session.observer.client().ok_or_else(|| Failure::usage("the lab has no cluster"))?;
    if reset {
        let question = format!("This deletes namespace `{namespace}` and all in it.");
        if !args.yes && !confirm::yes(&question)? {
            return Err(Failure::usage("nothing was deleted"));
        }
        let step = progress.step(&format!("deleting namespace `{namespace}`"));
        lab_experiment::delete_namespace(&client, &namespace).await.map_err(refused)?;
        drop(step);
    }
    let manifests = starter(&entry)?;
    lab_experiment::apply(&client, &namespace, &manifests).await.map_err(refused)?;
    state.save_lab(&Started::now(lab.id.clone(), Some(identity), params, namespace.clone()).of(student))?;
    tell(lab);
    anstream::println!("\nnamespace `{namespace}` on context `{}`", session.observer.context());
    anstream::println!("next: labcheck {}", lab.id);
    Ok(0)
}

/// What the attempt is fixed to, and whose it is.
fn assigned(token: Option<&str>, lab: &str) -> Result<(Params, Option<String>), Failure> {
    let Some(text) = token else { return Ok((fresh_params(), None)) };
    let token = Token::parse(text).map_err(Failure::usage)?;
    if token.lab != lab {
        return Err(Failure::usage(format!("the token is for `{}`, expected one for `{lab}`", token.lab)));
    }
    if let Some(deadline) = token.deadline {
        anstream::println!("hand it in until {deadline}");
    }
    Ok((token.params, Some(token.student)))
}

fn tell(lab: &Lab) {
    anstream::println!("{}: {}", lab.id, lab.title);
    for line in textwrap::wrap(lab.story.trim(), crate::output::width()) {
        anstream::println!("{line}");
    }
}

/// Writes what the learner starts from into a directory of his own.
fn in_directory(
    args: &Args,
    entry: &Entry<'_>,
    state: &State,
    reset: bool,
    begun: impl FnOnce(PathBuf) -> Started,
) -> Result<u8, Failure> {
    let lab = &entry.lab;
    let started = state.lab(&lab.id)?.and_then(|started| started.directory);
    let known = started.filter(|_| reset);
    let directory = args.dir.clone().or(known).unwrap_or_else(|| PathBuf::from(&lab.id));
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    let shown = directory.display();
    let mut there = fs::read_dir(&directory).into_iter().flatten();
    if there.next().is_some() {
        if !reset {
            return Err(Failure::usage(format!("`{shown}` exists and is not empty")).next(format!(
                "`--dir DIR` takes another one, `labcheck reset {}` starts again in this one",
                lab.id
            )));
        }
        let question = format!("This writes the files you started from over yours in `{shown}`.");
        if !args.yes && !confirm::yes(&question)? {
            return Err(Failure::usage("nothing was written"));
        }
    }
    let files = entry.files("starter");
    let renamed = renamed_images(&files, state)?;
    for (name, text) in files.iter().chain(&renamed) {
        let path = directory.join(name);
        let cannot = |error: std::io::Error| {
            Failure::unobservable(format!("cannot write `{}`: {error}", path.display()))
        };
        fs::create_dir_all(path.parent().unwrap_or(&directory)).map_err(cannot)?;
        fs::write(&path, text).map_err(cannot)?;
    }
    state.save_lab(&begun(directory.clone()))?;
    tell(lab);
    anstream::println!("\nyour files are in `{shown}`");
    if let Some((name, _)) = renamed {
        anstream::println!("`{name}` puts stand-ins in the place of images that could not be pulled");
    }
    anstream::println!("next: cd {shown} && docker compose up -d --wait; labcheck {}", lab.id);
    Ok(0)
}

/// The override file for a daemon where `up --compose` gave stand-ins names of
/// their own.
fn renamed_images(files: &[(String, String)], state: &State) -> Result<Option<(String, String)>, Failure> {
    let text = |wanted: &str| files.iter().find(|(name, _)| name == wanted).map(|(_, text)| text);
    let Some(compose) = text("compose.yaml").filter(|_| text(OVERRIDE).is_none()) else { return Ok(None) };
    // Whoever has no daemon yet has no stand-ins either.
    let Ok(endpoint) = lab_observe::docker::find() else { return Ok(None) };
    let Some(engine) = state.engine(&endpoint.host)? else { return Ok(None) };
    let file = stand_ins::override_file(compose, &engine.stand_ins)
        .map_err(|error| Failure::usage(format!("starter/compose.yaml: {error}")))?;
    Ok(file.map(|text| (OVERRIDE.to_owned(), text)))
}

fn starter(entry: &Entry<'_>) -> Result<Vec<Manifest>, Failure> {
    let mut manifests = Vec::new();
    for (name, text) in entry.manifests("starter") {
        manifests.extend(
            Manifest::parse(&format!("starter/{name}"), &text)
                .map_err(|error| Failure::usage(error.to_string()))?,
        );
    }
    Ok(manifests)
}

fn refused(error: lab_experiment::ApplyError) -> Failure {
    Failure::unobservable(error.to_string())
}
