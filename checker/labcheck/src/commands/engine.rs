//! What compose labs need in the Docker daemon: the labs' own images, and the
//! upstream ones that their files name.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    checkout,
    docker::{
        Docker,
        archive::{self, Archive},
        workload,
    },
    failure::Failure,
    kind::offline::{self, StandIn},
    progress::Progress,
    state::{Engine, State},
};

/// The upstream images that learners' files name.
const UPSTREAM: &[&str] = &["redis:7.4-alpine", "postgres:17-alpine", "nginx:1.27-alpine"];
/// How long a registry may take to say whether it has an image.
const REGISTRY: Duration = Duration::from_secs(20);
/// Before the names of stand-ins in a daemon that is not ours: there the
/// upstream names are somebody's.
pub const PREFIX: &str = "labcheck/";

/// Loads what compose labs need.
///
/// # Errors
/// Docker fails, or images can neither be pulled nor built.
pub async fn up(state: &State, docker: &Docker, offline: bool, progress: Progress) -> Result<u8, Failure> {
    let checkout = checkout::root();
    let step = progress.step("making the labs' images");
    let binary = workload::binary(&docker.architecture, checkout.as_deref(), &step).await?;
    let archive = archive::build(&binary, &docker.architecture, &workload::variants())
        .map_err(|error| Failure::unobservable(format!("cannot make the labs' images: {error}")))?;
    docker.load(&archive, &[], &step).await?;
    let tags: Vec<_> = archive.images.iter().map(|image| image.tag.as_str()).collect();
    step.done(&format!("{} are in Docker", tags.join(", ")));
    record(state, &docker.endpoint.host, &archive)?;
    let (mut images, mut stand_ins) = (BTreeMap::new(), BTreeMap::new());
    let step = progress.step("upstream images");
    let mut missing = None;
    for image in UPSTREAM {
        // One of ours is made anew if its recipe changed.
        if let Some(id) = docker.image_id(image).await?.filter(|_| !offline)
            && !docker.is_stand_in(image).await?
        {
            images.insert((*image).to_owned(), vec![id]);
            continue;
        }
        let pulled = match (offline, &missing) {
            (true, _) => Err("`--offline` was given".to_owned()),
            (_, Some(why)) => Err(String::clone(why)),
            _ => docker.can_pull(image, REGISTRY).await,
        };
        match pulled {
            Ok(()) => {
                docker.pull(image, &step).await?;
                images.insert((*image).to_owned(), docker.image_id(image).await?.into_iter().collect());
            }
            Err(why) => missing = Some(why),
        }
    }
    if let Some(why) = missing {
        let ours = offline::started_by_us(&docker.endpoint.host);
        let prefix = if ours { "" } else { PREFIX };
        step.note("building stand-ins from Debian packages");
        for StandIn { image, made_of } in
            offline::stand_ins(docker, checkout.as_deref(), prefix, &step).await?
        {
            let upstream = image.strip_prefix(prefix).unwrap_or(&image).to_owned();
            if images.contains_key(&upstream) {
                continue;
            }
            progress.say(&format!("`{image}` is a stand-in made of Debian's {made_of}, because {why}"));
            images.insert(upstream, docker.image_id(&image).await?.into_iter().collect());
            stand_ins.insert(image, made_of);
        }
        if !ours {
            progress.say(&format!(
                "this daemon is not labcheck's own, so stand-ins have names of their own: `labcheck start` writes an \
                 override file that puts `{PREFIX}` before the names"
            ));
        }
    }
    step.done(&format!("{} are in Docker", UPSTREAM.join(", ")));
    images.extend(archive.images.iter().map(|image| (image.tag.clone(), image.digests())));
    state.save_engine(&Engine::now(docker.endpoint.host.clone(), images, stand_ins))?;
    anstream::println!("Docker at `{}` has what compose labs need", docker.endpoint.host);
    Ok(0)
}

/// Records that a daemon has the labs' own images, and what it had before.
///
/// # Errors
/// A record that is broken or cannot be written.
pub fn record(state: &State, host: &str, archive: &Archive) -> Result<(), Failure> {
    let before = state.engine(host)?;
    let (mut images, stand_ins) =
        before.map_or_else(Default::default, |before| (before.images, before.stand_ins));
    images.extend(archive.images.iter().map(|image| (image.tag.clone(), image.digests())));
    state.save_engine(&Engine::now(host.to_owned(), images, stand_ins))
}
