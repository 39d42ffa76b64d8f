//! Which node image a cluster is made from: kind's own, pulled, or the one
//! built offline.

use std::{fmt, path::Path, time::Duration};

use super::offline;
use crate::{docker::Docker, failure::Failure, progress::Progress};

/// The node image of kind v0.33.0, as its own default names it.
pub const KINDS_OWN: &str =
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5";
/// How long the registry may take to say whether it has the image.
const PROBE: Duration = Duration::from_secs(5);

/// Where a node image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// kind's own image.
    Pulled,
    /// Built by `clusters/offline/build`.
    Offline,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pulled => "pulled",
            Self::Offline => "offline",
        })
    }
}

/// A node image and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where it comes from.
    pub mode: Mode,
    /// Its reference, if it is known before it is built.
    pub reference: String,
    /// Whether the Docker engine has it.
    pub there: bool,
    /// The reason, as a sentence without a subject.
    pub why: String,
}

/// What the choice depends on.
#[derive(Debug, Default)]
struct Situation {
    own_is_here: bool,
    offline: Option<String>,
    offline_is_here: bool,
    can_build: bool,
}

/// Decides, asking the registry only when neither image is in the engine.
///
/// # Errors
/// Neither image can be had.
pub async fn choose(
    docker: &Docker,
    checkout: Option<&Path>,
    forced: Option<Mode>,
) -> Result<Choice, Failure> {
    let offline = offline::reference(checkout).await;
    let situation = Situation {
        own_is_here: docker.image_id(KINDS_OWN).await?.is_some(),
        offline_is_here: match &offline {
            Some(image) => docker.image_id(image).await?.is_some(),
            None => false,
        },
        can_build: checkout.and_then(offline::script).is_some(),
        offline,
    };
    if let Some(choice) = situation.without_asking(forced) {
        return Ok(choice);
    }
    let registry = docker.can_pull(KINDS_OWN, PROBE).await;
    situation.after_asking(registry)
}

impl Situation {
    fn without_asking(&self, forced: Option<Mode>) -> Option<Choice> {
        match forced {
            Some(Mode::Pulled) => Some(self.pulled("you said --pull")),
            Some(Mode::Offline) => Some(self.offline("you said --offline")),
            None if self.own_is_here => Some(self.pulled("it is in Docker already")),
            None if self.offline_is_here => Some(self.offline("it is in Docker already")),
            None => None,
        }
    }

    fn after_asking(&self, registry: Result<(), String>) -> Result<Choice, Failure> {
        match registry {
            Ok(()) => Ok(self.pulled("its registry answers")),
            Err(reason) if self.can_build || self.offline.is_some() => {
                Ok(self.offline(&format!("kind's own cannot be pulled: {reason}")))
            }
            Err(reason) => Err(Failure::unobservable(format!(
                "kind's node image cannot be pulled ({reason}), and there is no offline image"
            ))
            .next(
                "check the Docker daemon's network and proxy, or build an image on Linux in a checkout: \
                 `clusters/offline/build`",
            )),
        }
    }

    fn pulled(&self, why: &str) -> Choice {
        let reference = KINDS_OWN.to_owned();
        Choice { mode: Mode::Pulled, reference, there: self.own_is_here, why: why.to_owned() }
    }

    fn offline(&self, why: &str) -> Choice {
        let reference = self.offline.clone().unwrap_or_default();
        Choice { mode: Mode::Offline, reference, there: self.offline_is_here, why: why.to_owned() }
    }
}

/// Makes sure that the chosen image is in the engine; returns its reference.
///
/// # Errors
/// A pull or a build that fails.
pub async fn prepare(
    docker: &Docker,
    checkout: Option<&Path>,
    choice: &Choice,
    progress: Progress,
) -> Result<String, Failure> {
    if choice.there {
        return Ok(choice.reference.clone());
    }
    match choice.mode {
        Mode::Pulled => {
            let step = progress.step("pulling the node image");
            docker.pull(KINDS_OWN, &step).await.map_err(|failure| {
                failure.next("check the Docker daemon's network and proxy, or say --offline")
            })?;
            step.done("done");
            Ok(KINDS_OWN.to_owned())
        }
        Mode::Offline => {
            let step = progress.step("building the offline node image (20 minutes the first time)");
            let reference = offline::prepare(docker, checkout, &step).await?;
            step.done("done");
            Ok(reference)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Situation};

    #[test]
    fn what_is_here_is_taken_without_asking_the_registry() {
        let both = Situation {
            own_is_here: true,
            offline: Some("o".to_owned()),
            offline_is_here: true,
            can_build: true,
        };
        assert_eq!(both.without_asking(None).unwrap().mode, Mode::Pulled);
        let offline = Situation { own_is_here: false, ..both };
        assert_eq!(offline.without_asking(None).unwrap().mode, Mode::Offline);
        assert_eq!(offline.without_asking(Some(Mode::Pulled)).unwrap().mode, Mode::Pulled);
        let nothing = Situation { offline_is_here: false, ..offline };
        assert_eq!(nothing.without_asking(None), None);
        assert_eq!(nothing.without_asking(Some(Mode::Offline)).unwrap().mode, Mode::Offline);
    }

    #[test]
    fn the_registry_decides_and_its_reason_is_said() {
        let checkout = Situation { can_build: true, ..Situation::default() };
        assert_eq!(checkout.after_asking(Ok(())).unwrap().mode, Mode::Pulled);
        let choice = checkout.after_asking(Err("no such host".to_owned())).unwrap();
        assert_eq!(choice.mode, Mode::Offline);
        assert!(choice.why.contains("no such host"), "{}", choice.why);
        let error = Situation::default().after_asking(Err("no such host".to_owned())).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("no such host"), "{error}");
    }
}
