//! Container images made in memory: the same binary gives the same bytes, so
//! the digests are known before anything is loaded.
//!
//! The archive is both an OCI image layout (which containerd reads and which
//! fixes the manifest's digest) and a `docker save` archive (which older
//! Docker engines need). All images share one layer.

use std::{fmt::Write as _, io};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Nobody, by the number that `nobody` images have agreed upon.
const USER: &str = "65532";
const PORT: &str = "8080/tcp";
const EPOCH: &str = "1970-01-01T00:00:00Z";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What tells one image from another that holds the same binary.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Repository and tag, as in `ms:v1`.
    pub tag: String,
    /// Environment, as in `MS_VERSION=v1`.
    pub env: Vec<String>,
}

/// An image of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Repository and tag.
    pub tag: String,
    /// Digest of the configuration: the image's id.
    pub config: String,
    /// Digest of the manifest: the image's id where Docker keeps images in
    /// containerd, and what `ctr images ls` shows.
    pub manifest: String,
}

impl Image {
    /// The name containerd knows the image by.
    pub fn reference(&self) -> String {
        reference(&self.tag)
    }

    /// Every digest under which a node or a Docker engine may report it.
    pub fn digests(&self) -> Vec<String> {
        vec![self.config.clone(), self.manifest.clone()]
    }
}

/// An archive and what is in it.
pub struct Archive {
    /// The tar file.
    pub bytes: Vec<u8>,
    /// Its images, in the order asked for.
    pub images: Vec<Image>,
}

/// `ms:v1` as containerd spells it, `docker.io/library/ms:v1`.
fn reference(tag: &str) -> String {
    if tag.contains('/') { format!("docker.io/{tag}") } else { format!("docker.io/library/{tag}") }
}

/// Makes one archive of images that run `binary` as `/ms`.
///
/// `architecture` is Go's name of it, `amd64` or `arm64`.
///
/// # Errors
/// A binary that does not fit a tar header.
pub fn build(binary: &[u8], architecture: &str, variants: &[Variant]) -> io::Result<Archive> {
    let mut files = Files(tar::Builder::new(Vec::new()));
    let layer = files.blob(&layer(binary)?)?;
    let (mut images, mut index, mut saved) = (Vec::new(), Vec::new(), Vec::new());
    for variant in variants {
        let config =
            files.blob(configuration(variant, architecture, &layer.digest).to_string().as_bytes())?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(CONFIG),
            "layers": [layer.descriptor(LAYER)],
        });
        let manifest = files.blob(manifest.to_string().as_bytes())?;
        let mut entry = manifest.descriptor(MANIFEST);
        entry["platform"] = json!({"architecture": architecture, "os": "linux"});
        entry["annotations"] = json!({
            "io.containerd.image.name": reference(&variant.tag),
            "org.opencontainers.image.ref.name": variant.tag.rsplit(':').next(),
        });
        index.push(entry);
        saved.push(json!({"Config": config.path(), "RepoTags": [variant.tag], "Layers": [layer.path()]}));
        images.push(Image { tag: variant.tag.clone(), config: config.digest, manifest: manifest.digest });
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": index});
    files.add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    files.add("index.json", index.to_string().as_bytes())?;
    files.add("manifest.json", Value::Array(saved).to_string().as_bytes())?;
    Ok(Archive { bytes: files.0.into_inner()?, images })
}

fn configuration(variant: &Variant, architecture: &str, layer: &str) -> Value {
    json!({
        "architecture": architecture,
        "os": "linux",
        "created": EPOCH,
        "config": {
            "User": USER,
            "ExposedPorts": {PORT: {}},
            "Env": variant.env,
            "Entrypoint": ["/ms"],
            "Cmd": ["serve"],
        },
        "rootfs": {"type": "layers", "diff_ids": [layer]},
        "history": [{"created": EPOCH, "created_by": "labcheck"}],
    })
}

/// The file system of the images: the binary, and a directory for what it may
/// want to write.
fn layer(binary: &[u8]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, "ms", tar::EntryType::Regular, 0o755, binary)?;
    append(&mut tar, "tmp/", tar::EntryType::Directory, 0o1777, &[])?;
    tar.into_inner()
}

/// The files of an archive under construction.
struct Files(tar::Builder<Vec<u8>>);

impl Files {
    fn add(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        append(&mut self.0, path, tar::EntryType::Regular, 0o644, bytes)
    }

    fn blob(&mut self, bytes: &[u8]) -> io::Result<Blob> {
        let blob = Blob { digest: digest(bytes), size: bytes.len() };
        self.add(&blob.path(), bytes)?;
        Ok(blob)
    }
}

/// Content known by its digest.
struct Blob {
    digest: String,
    size: usize,
}

impl Blob {
    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }

    fn descriptor(&self, media_type: &str) -> Value {
        json!({"mediaType": media_type, "digest": self.digest, "size": self.size})
    }
}

/// `sha256:` and 64 hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Adds an entry that says nothing about when and by whom it was made.
fn append(
    tar: &mut tar::Builder<Vec<u8>>,
    path: &str,
    kind: tar::EntryType,
    mode: u32,
    bytes: &[u8],
) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, path, bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{Archive, Variant, build, digest};

    fn variants() -> Vec<Variant> {
        ["v1", "v2"]
            .map(|version| Variant {
                tag: format!("ms:{version}"),
                env: vec![format!("MS_VERSION={version}")],
            })
            .to_vec()
    }

    fn files(archive: &Archive) -> Vec<(String, Vec<u8>)> {
        tar::Archive::new(archive.bytes.as_slice())
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                (entry.path().unwrap().display().to_string(), bytes)
            })
            .collect()
    }

    #[test]
    fn the_same_binary_gives_the_same_bytes_and_digests() {
        let (one, two) =
            (build(b"elf", "amd64", &variants()).unwrap(), build(b"elf", "amd64", &variants()).unwrap());
        assert_eq!(one.bytes, two.bytes);
        assert_eq!(one.images, two.images);
        // Pinned, so that a change of a library cannot change images unnoticed.
        assert_eq!(
            one.images[0].config,
            "sha256:fd6c21e1e3a3abcf8a301462548c4f7e61de940e163b65fb7b988978909e14f8"
        );
    }

    #[test]
    fn another_binary_tag_or_architecture_gives_other_digests() {
        let images = build(b"elf", "amd64", &variants()).unwrap().images;
        assert_ne!(images[0].config, images[1].config);
        assert_ne!(images[0].manifest, images[1].manifest);
        assert_ne!(images[0].config, build(b"fle", "amd64", &variants()).unwrap().images[0].config);
        assert_ne!(images[0].config, build(b"elf", "arm64", &variants()).unwrap().images[0].config);
    }

    #[test]
    fn every_blob_lies_under_its_digest_and_is_referred_to() {
        let archive = build(b"elf", "amd64", &variants()).unwrap();
        let files = files(&archive);
        let blobs: Vec<_> = files.iter().filter(|(path, _)| path.starts_with("blobs/")).collect();
        assert_eq!(blobs.len(), 1 + 2 * 2, "one shared layer, a configuration and a manifest for each image");
        for (path, bytes) in &blobs {
            assert_eq!(path.replace("blobs/sha256/", "sha256:"), digest(bytes));
        }
        let index: serde_json::Value = files
            .iter()
            .find(|(path, _)| path == "index.json")
            .map(|(_, bytes)| serde_json::from_slice(bytes).unwrap())
            .unwrap();
        assert_eq!(index["manifests"][1]["digest"], archive.images[1].manifest.as_str());
        assert_eq!(
            index["manifests"][1]["annotations"]["io.containerd.image.name"],
            "docker.io/library/ms:v2"
        );
    }

    #[test]
    fn the_layer_holds_an_executable_and_a_directory_to_write_to() {
        let layer = super::layer(b"elf").unwrap();
        let modes: Vec<_> = tar::Archive::new(layer.as_slice())
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
            })
            .collect();
        assert_eq!(modes, [("ms".to_owned(), 0o755), ("tmp/".to_owned(), 0o1777)]);
    }

    #[test]
    fn a_repository_with_a_slash_is_not_in_the_library() {
        assert_eq!(super::reference("labcheck/probe:1"), "docker.io/labcheck/probe:1");
        assert_eq!(super::reference("ms:v1"), "docker.io/library/ms:v1");
    }
}
