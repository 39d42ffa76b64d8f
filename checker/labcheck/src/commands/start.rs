//! `labcheck start lab01` and `labcheck reset lab01`: the lab's namespace and
//! what the learner finds in it.

use lab_experiment::Manifest;
use lab_judge::Judge;

use super::{confirm, unfinished};
use crate::{
    failure::Failure,
    labs::{self, Entry, Library},
    progress::Progress,
    session::{Session, Target, fresh_params},
    state::{Started, State},
};

/// Arguments of `labcheck start` and `labcheck reset`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Lab, as in lab01
    lab: String,
    #[command(flatten)]
    target: Target,
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
    let session = Session::open(&args.target, lab, &state).await?;
    let identity = session.identify(lab).await?;
    let owned = state.clusters()?.iter().any(|cluster| cluster.identity.same_cluster(&identity));
    let namespace = session.namespace.clone();
    if !owned && !args.yes && !confirm::server(session.observer.server())? {
        return Err(Failure::usage("nothing was changed"));
    }
    unfinished::undo_as(&session, &state, &identity).await;
    let client = session.observer.client();
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
    state.save_lab(&Started::now(lab.id.clone(), Some(identity), fresh_params(), namespace.clone()))?;
    anstream::println!("{}: {}", lab.id, lab.title);
    for line in textwrap::wrap(lab.story.trim(), crate::output::width()) {
        anstream::println!("{line}");
    }
    anstream::println!("\nnamespace `{namespace}` on context `{}`", session.observer.context());
    anstream::println!("next: labcheck {}", lab.id);
    Ok(0)
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
