//! Images in the Docker engine and on the nodes of a cluster.

use bollard::{
    body_full,
    errors::Error,
    query_parameters::{CreateImageOptionsBuilder, ImportImageOptionsBuilder},
};
use futures::StreamExt as _;

use super::{
    Docker,
    archive::{Archive, Image},
    failed,
};
use crate::{failure::Failure, progress::Step};

/// The label of images that stand in for upstream ones.
const STAND_IN: &str = "org.labcheck.stand-in";

/// Where an archive's images had to be put.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Whether the Docker engine lacked one.
    pub engine: bool,
    /// The nodes that lacked one.
    pub nodes: Vec<String>,
}

impl Docker {
    /// The id of an image in the engine, if it is there.
    ///
    /// # Errors
    /// A daemon that fails.
    pub async fn image_id(&self, reference: &str) -> Result<Option<String>, Failure> {
        match self.client.inspect_image(reference).await {
            Ok(image) => Ok(image.id),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(failed(&format!("inspect image `{reference}`"), &error)),
        }
    }

    /// Whether an image says that it stands in for an upstream one.
    ///
    /// # Errors
    /// A daemon that fails.
    pub async fn is_stand_in(&self, reference: &str) -> Result<bool, Failure> {
        match self.client.inspect_image(reference).await {
            Ok(image) => {
                let labels = image.config.and_then(|config| config.labels).unwrap_or_default();
                Ok(labels.contains_key(STAND_IN))
            }
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
            Err(error) => Err(failed(&format!("inspect image `{reference}`"), &error)),
        }
    }

    /// Asks the registry, through the daemon, whether an image can be pulled.
    ///
    /// # Errors
    /// Why not, in the daemon's words.
    pub async fn can_pull(&self, reference: &str, within: std::time::Duration) -> Result<(), String> {
        match tokio::time::timeout(within, self.client.inspect_registry_image(reference, None)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(Error::DockerResponseServerError { message, .. })) => Err(message.trim().to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", within.as_secs())),
        }
    }

    /// Pulls an image, telling how far it is.
    ///
    /// # Errors
    /// A registry or a daemon that fails.
    pub async fn pull(&self, reference: &str, step: &Step) -> Result<(), Failure> {
        let options = CreateImageOptionsBuilder::default().from_image(reference).build();
        let mut stream = self.client.create_image(Some(options), None, None);
        let mut layers = std::collections::HashMap::new();
        while let Some(info) = stream.next().await {
            let info = info.map_err(|error| failed(&format!("pull `{reference}`"), &error))?;
            let status = info.status.unwrap_or_default();
            if status != "Downloading" {
                continue;
            }
            if let (Some(id), Some(detail)) = (info.id, info.progress_detail) {
                let of = |bytes: Option<i64>| u64::try_from(bytes.unwrap_or(0)).unwrap_or(0);
                layers.insert(id, (of(detail.current), of(detail.total)));
                let (done, total) =
                    layers.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
                step.note(&format!("{} of {} MB", done / 1_000_000, total / 1_000_000));
            }
        }
        Ok(())
    }

    /// Puts an archive's images into the engine and onto the nodes, wherever
    /// one is missing, and looks whether they are there.
    ///
    /// # Errors
    /// A daemon or a node that fails, or shows other digests than it was given.
    pub async fn load(&self, archive: &Archive, nodes: &[String], step: &Step) -> Result<Loaded, Failure> {
        let mut loaded = Loaded::default();
        if !self.engine_has(&archive.images).await? {
            step.note("docker engine");
            self.load_into_engine(archive).await?;
            loaded.engine = true;
        }
        for node in nodes {
            if missing(&archive.images, &self.node_images(node).await?).is_empty() {
                continue;
            }
            step.note(&format!("node {node}"));
            self.load_into_node(archive, node).await?;
            loaded.nodes.push(node.clone());
        }
        Ok(loaded)
    }

    async fn engine_has(&self, images: &[Image]) -> Result<bool, Failure> {
        for image in images {
            match self.image_id(&image.tag).await? {
                Some(id) if image.digests().contains(&id) => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn load_into_engine(&self, archive: &Archive) -> Result<(), Failure> {
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let mut stream = self.client.import_image(options, body_full(archive.bytes.clone().into()), None);
        while let Some(info) = stream.next().await {
            let info = info.map_err(|error| failed("load the lab's images", &error))?;
            if let Some(detail) = info.error_detail {
                let reason = detail.message.unwrap_or_default();
                return Err(Failure::unobservable(format!(
                    "Docker could not load the lab's images: {reason}"
                )));
            }
        }
        if !self.engine_has(&archive.images).await? {
            return Err(Failure::unobservable(format!(
                "Docker took the lab's images and shows others: expected {}",
                wanted(&archive.images)
            ))
            .next("`docker images --digests` shows what it has; another program may be tagging `ms` at the same time"));
        }
        Ok(())
    }

    /// Imported but not unpacked: containerd unpacks at the first start of a
    /// container, with the snapshotter this node is configured for.
    async fn load_into_node(&self, archive: &Archive, node: &str) -> Result<(), Failure> {
        let import = ["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "--no-unpack", "-"];
        let output = self.exec(node, &import, Some(archive.bytes.clone())).await?;
        if output.code != 0 {
            return Err(Failure::unobservable(format!(
                "node `{node}` did not take the lab's images: exit {}: {}",
                output.code,
                output.err.trim()
            ))
            .next("`labcheck down && labcheck up` makes a new cluster"));
        }
        let missing = missing(&archive.images, &self.node_images(node).await?);
        if !missing.is_empty() {
            return Err(Failure::unobservable(format!(
                "node `{node}` took the lab's images and shows others: expected {}",
                missing.join(", ")
            ))
            .next("`labcheck down && labcheck up` makes a new cluster"));
        }
        Ok(())
    }

    /// Names and digests of the images on a node, as `ctr images ls` prints them.
    async fn node_images(&self, node: &str) -> Result<Vec<(String, String)>, Failure> {
        let output = self.exec(node, &["ctr", "--namespace=k8s.io", "images", "ls"], None).await?;
        if output.code != 0 {
            return Err(Failure::unobservable(format!(
                "node `{node}` does not tell its images: exit {}: {}",
                output.code,
                output.err.trim()
            ))
            .next("`labcheck down && labcheck up` makes a new cluster"));
        }
        Ok(parse_images(&output.out))
    }
}

fn wanted(images: &[Image]) -> String {
    images.iter().map(|image| format!("{} {}", image.tag, image.config)).collect::<Vec<_>>().join(", ")
}

/// The images a node lacks or has under another digest.
fn missing(images: &[Image], there: &[(String, String)]) -> Vec<String> {
    images
        .iter()
        .filter(|image| !there.contains(&(image.reference(), image.manifest.clone())))
        .map(|image| format!("{} {}", image.reference(), image.manifest))
        .collect()
}

/// Columns REF, TYPE, DIGEST, …, after a line of headings.
fn parse_images(table: &str) -> Vec<(String, String)> {
    table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            let (name, digest) = (columns.next()?, columns.nth(1)?);
            digest.starts_with("sha256:").then(|| (name.to_owned(), digest.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Image, missing, parse_images};

    #[test]
    fn an_image_under_another_digest_is_missing() {
        let there = parse_images(
            "REF TYPE DIGEST SIZE PLATFORMS LABELS \n\
             docker.io/library/ms:v1 application/vnd.oci.image.manifest.v1+json sha256:aa 5.1 MiB linux/amd64 io.cri-containerd.image=managed \n\
             sha256:bb application/vnd.oci.image.manifest.v1+json sha256:aa 5.1 MiB linux/amd64 - \n",
        );
        assert_eq!(there.len(), 2);
        let image = |tag: &str, manifest: &str| Image {
            tag: tag.to_owned(),
            config: "sha256:bb".to_owned(),
            manifest: manifest.to_owned(),
        };
        assert!(missing(&[image("ms:v1", "sha256:aa")], &there).is_empty());
        assert_eq!(missing(&[image("ms:v1", "sha256:cc")], &there), ["docker.io/library/ms:v1 sha256:cc"]);
        assert_eq!(missing(&[image("ms:v2", "sha256:aa")], &there), ["docker.io/library/ms:v2 sha256:aa"]);
    }
}
