//! Images: one image has many names.

use super::{Doc, items, text, wrong_types};
use crate::cel::{Ctx, EvalError, Value};

pub(super) const DOCS: &[Doc] = &[
    Doc {
        name: "reference",
        signature: "reference(image) -> string",
        says: "An image's full name: registry, repository and tag or digest, with the defaults filled in.",
        trap: "`ms:v1`, `library/ms:v1` and `docker.io/library/ms:v1` are one image; a missing tag is `latest`.",
        call: reference,
    },
    Doc {
        name: "runs",
        signature: "runs(pod, digests) -> bool",
        says: "Whether a container of the pod runs an image with one of these digests.",
        trap: "A tag says what was asked for; only status.containerStatuses[].imageID says what runs.",
        call: runs,
    },
];

fn reference(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::String(image)] = arguments else { return Err(wrong_types("reference", arguments)) };
    Ok(full_name(image).into())
}

/// The image's full name, by the rules container runtimes share.
pub(crate) fn full_name(image: &str) -> String {
    let (registry, rest) = match image.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", image),
    };
    let library = if registry == "docker.io" && !rest.contains('/') { "library/" } else { "" };
    let last = rest.rsplit('/').next().unwrap_or(rest);
    let tag = if last.contains([':', '@']) { "" } else { ":latest" };
    format!("{registry}/{library}{rest}{tag}")
}

fn runs(_: &mut Ctx<'_>, _: Option<&Value>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [pod, Value::List(digests)] = arguments else { return Err(wrong_types("runs", arguments)) };
    let digests: Vec<_> =
        digests.iter().filter_map(Value::as_str).filter(|digest| !digest.is_empty()).collect();
    let found = items(pod, &["status", "containerStatuses"])
        .iter()
        .any(|status| digests.iter().any(|digest| text(status, &["imageID"]).ends_with(digest)));
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn one_image_has_one_full_name() {
        for image in ["ms:v1", "library/ms:v1", "docker.io/ms:v1", "docker.io/library/ms:v1"] {
            let name = full_name(image);
            assert!(name == "docker.io/library/ms:v1", "{image} is {name}");
        }
        assert_eq!(full_name("ms"), "docker.io/library/ms:latest");
        assert_eq!(full_name("localhost:5000/ms"), "localhost:5000/ms:latest");
        assert_eq!(full_name("team/ms@sha256:ab"), "docker.io/team/ms@sha256:ab");
    }
}
