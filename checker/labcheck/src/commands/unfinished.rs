//! Experiments of a labcheck that was killed: what they changed is undone by
//! the next one, before it looks.

use lab_experiment::{Cluster, System, compose::Daemon};
use lab_observe::docker::{Engine, words};
use lab_spec::{Lab, Target};

use crate::{
    collect::PROBE_IMAGE,
    session::Session,
    state::{Identity, State},
};

/// Finishes the undo of killed experiments on this session's systems and says
/// on stderr what was done. Asks nothing of them if there are none. What
/// cannot be undone now is said too and tried again next time: it is not a
/// reason to stop, the verdicts are about what is there.
pub async fn undo(session: &Session, lab: &Lab, state: &State) {
    if !has_journals(state) {
        return;
    }
    if let Some(engine) = session.observer.engine() {
        match daemon(engine).await {
            Ok(daemon) => recover(System::Docker(&daemon), state).await,
            Err(why) => anstream::eprintln!("a killed experiment is not undone yet: {why}"),
        }
    }
    if !lab.has(Target::Kind) {
        return;
    }
    match session.identify(lab).await {
        Ok(identity) => undo_as(session, state, &identity).await,
        Err(failure) => {
            anstream::eprintln!("a killed experiment is not undone yet: {}", failure.message());
        }
    }
}

/// The same, on a cluster that has said which one it is.
pub async fn undo_as(session: &Session, state: &State, identity: &Identity) {
    let Some(client) = session.observer.client().filter(|_| has_journals(state)) else { return };
    let name = session.observer.context().to_owned();
    let cluster = Cluster { client, name, identity: identity.of_experiments() };
    recover(System::Kubernetes(&cluster), state).await;
}

/// A daemon with its id, which experiments bind their journals to.
///
/// # Errors
/// The daemon does not say who it is.
pub async fn daemon(engine: &Engine) -> Result<Daemon, String> {
    let info = engine.client.info().await.map_err(|error| {
        format!("Docker at `{}` does not say which daemon it is: {}", engine.endpoint.host, words(&error))
    })?;
    let id = info.id.unwrap_or_default();
    let (client, host) = (engine.client.clone(), engine.endpoint.host.clone());
    Ok(Daemon { client, host, id, probe_image: PROBE_IMAGE.to_owned() })
}

async fn recover(system: System<'_>, state: &State) {
    match lab_experiment::recover(system, &state.journal_dir()).await {
        Ok(recovery) => {
            for undone in &recovery.undone {
                let did =
                    if undone.did.is_empty() { "nothing was left".to_owned() } else { undone.did.join(", ") };
                let (experiment, place) = (&undone.experiment, &undone.place);
                anstream::eprintln!(
                    "undone what the killed experiment `{experiment}` left in {place}: {did}"
                );
            }
            for left in &recovery.left {
                anstream::eprintln!("not undone, `{}`: {}", left.journal.display(), left.why);
            }
        }
        Err(error) => anstream::eprintln!("a killed experiment is not undone yet: {error}"),
    }
}

/// Removes the journals of a cluster that was deleted: there is nothing left
/// to undo.
pub fn forget(state: &State, identity: &Identity) {
    if let Err(error) = lab_experiment::forget(&state.journal_dir(), &identity.of_experiments()) {
        anstream::eprintln!("a journal of the deleted cluster is left: {error}");
    }
}

fn has_journals(state: &State) -> bool {
    let listing = std::fs::read_dir(state.journal_dir());
    listing.is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|is| is == "jsonl")))
    })
}
