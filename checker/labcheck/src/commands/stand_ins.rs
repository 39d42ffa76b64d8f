//! A compose lab's files in a daemon where stand-ins have names of their own.

use std::{collections::BTreeMap, fmt::Write as _};

use indexmap::IndexMap;
use serde::Deserialize;

use super::engine::PREFIX;

/// The file that `docker compose` reads after `compose.yaml`, by itself.
pub const OVERRIDE: &str = "compose.override.yaml";

/// What is read of a compose file.
#[derive(Deserialize)]
struct Project {
    services: IndexMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    image: Option<String>,
}

/// An override file that gives the services of `compose` the stand-ins for the
/// images they name; `None` if they name none that has one.
///
/// # Errors
/// The parser's words, if `compose` is no compose file.
pub fn override_file(
    compose: &str,
    stand_ins: &BTreeMap<String, String>,
) -> Result<Option<String>, serde_yaml::Error> {
    let project: Project = serde_yaml::from_str(compose)?;
    let mut text = String::new();
    for (name, service) in &project.services {
        let Some(image) = &service.image else { continue };
        let stand_in = format!("{PREFIX}{image}");
        if let Some(made_of) = stand_ins.get(&stand_in) {
            // A string cannot fail to be written to.
            let _ = write!(text, "  {name}:\n    image: {stand_in} # Debian's {made_of}\n");
        }
    }
    let why = "# Written by labcheck: these images could not be pulled, so stand-ins made of Debian packages\n\
               # are used. Delete this file where they can be pulled.\n";
    Ok((!text.is_empty()).then(|| format!("{why}services:\n{text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand_ins() -> BTreeMap<String, String> {
        [("labcheck/redis:7.4-alpine".to_owned(), "redis-server 5:8.0.2".to_owned())].into()
    }

    #[test]
    fn images_with_a_stand_in_are_replaced_and_others_not() {
        let compose =
            "services:\n  api: {image: 'ms:v1'}\n  queue: {image: 'redis:7.4-alpine'}\n  own: {build: .}\n";
        let text = override_file(compose, &stand_ins()).unwrap().unwrap();
        let project: Project = serde_yaml::from_str(&text).unwrap();
        let images: Vec<_> =
            project.services.into_iter().map(|(name, service)| (name, service.image)).collect();
        assert_eq!(images, [("queue".to_owned(), Some("labcheck/redis:7.4-alpine".to_owned()))]);
        assert!(text.starts_with("# Written by labcheck: "), "{text}");
    }

    #[test]
    fn without_a_stand_in_there_is_no_file() {
        let compose = "services: {queue: {image: 'redis:7.4-alpine'}}";
        assert_eq!(override_file(compose, &BTreeMap::new()).unwrap(), None);
        assert_eq!(override_file("services: {api: {image: 'ms:v1'}}", &stand_ins()).unwrap(), None);
        assert!(override_file("services: [", &stand_ins()).is_err());
    }
}
