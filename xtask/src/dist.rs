//! `cargo xtask dist`: the release archive, with which learners need no Rust
//! and wait for no build.
//!
//! The same inputs give the same bytes: names are sorted, and no file says
//! when or by whom it was made.

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use flate2::{Compression, GzBuilder};

/// The one platform whose archive is made and tested.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Platforms the code knows but nobody has run it on.
const UNTESTED: &str =
    "aarch64-unknown-linux-gnu, aarch64-apple-darwin, x86_64-apple-darwin, x86_64-pc-windows-msvc";
/// As `labcheck up` builds it in a checkout.
const STATIC: &str = "-C target-feature=+crt-static";
const SHELLS: [(&str, &str); 4] =
    [("bash", "labcheck.bash"), ("zsh", "_labcheck"), ("fish", "labcheck.fish"), ("elvish", "labcheck.elv")];
const DOCUMENTS: [&str; 4] = ["README.md", "LICENSE", "LICENSE-APACHE", "LICENSE-MIT"];

/// Builds everything and writes the archive.
pub fn run() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in no repository")?;
    let scratch = tempfile::tempdir()?;
    // The archive carries the built book, so the program need not build it.
    let labcheck = build(root, "labcheck", "release", None)?;
    let ms = build(root, "ms", "image", Some(STATIC))?;

    let name = format!("labcheck-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    let tree = scratch.path().join(&name);
    fs::create_dir(&tree)?;
    copy(&labcheck, &tree.join("labcheck"))?;
    copy(&ms, &tree.join("ms-linux-amd64"))?;
    for document in DOCUMENTS {
        let file = root.join(document);
        ensure!(file.is_file(), "`{}` is missing: the archive must carry it", file.display());
        copy(&file, &tree.join(document))?;
    }
    describe(&labcheck, &tree)?;
    crate::book::run(Some(tree.join("book")))?;

    let dist = root.join("dist");
    fs::create_dir_all(&dist)?;
    let archive = dist.join(format!("{name}.tar.gz"));
    pack(&tree, &name, &archive)?;
    println!("{} ({:.1} MB)", archive.display(), mega(fs::metadata(&archive)?.len()));
    println!("tested: linux/amd64. untested, and not made here: {UNTESTED}");
    Ok(())
}

/// Builds one binary and returns its path: in the folder of other builds, so that
/// what they compiled is used, or with flags of its own in one of its own.
fn build(root: &Path, package: &str, profile: &str, flags: Option<&str>) -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--locked", "--profile", profile, "--no-default-features"]);
    command.args(["--package", package, "--message-format", "json-render-diagnostics"]);
    // Thin LTO links faster and makes a fifth more of it; what is compiled is the same for both.
    command.args(["--config", "profile.release.lto=\"fat\""]);
    if let Some(flags) = flags {
        command.args(["--target", TARGET, "--target-dir", "target/image"]);
        command.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    ensure!(output.status.success(), "`{package}` does not build: {}", output.status);
    let told = String::from_utf8_lossy(&output.stdout);
    let messages = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut executables = messages.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    executables.next_back().with_context(|| format!("cargo does not say where `{package}` is"))
}

/// Completions and man pages, as the binary itself makes them.
fn describe(labcheck: &Path, tree: &Path) -> anyhow::Result<()> {
    let completions = tree.join("completions");
    fs::create_dir(&completions)?;
    for (shell, file) in SHELLS {
        let output = Command::new(labcheck).args(["completions", shell]).output()?;
        ensure!(output.status.success() && !output.stdout.is_empty(), "no completions for {shell}");
        File::create(completions.join(file))?.write_all(&output.stdout)?;
    }
    let status = Command::new(labcheck).args(["man", "--dir"]).arg(tree.join("man/man1")).status()?;
    ensure!(status.success(), "no man pages: {status}");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy `{}`", from.display()))?;
    Ok(())
}

fn pack(tree: &Path, name: &str, archive: &Path) -> anyhow::Result<()> {
    // A header without a time, and the archive appears whole or not at all.
    let part = archive.with_extension("part");
    let gzip = GzBuilder::new().mtime(0).write(File::create(&part)?, Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for path in files(tree)? {
        let bytes = fs::read(&path)?;
        let inside = path.strip_prefix(tree)?;
        let program = matches!(inside.to_str(), Some("labcheck" | "ms-linux-amd64"));
        let mut header = tar::Header::new_ustar();
        header.set_mode(if program { 0o755 } else { 0o644 });
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, Path::new(name).join(inside), bytes.as_slice())?;
    }
    tar.into_inner()?.finish()?.sync_all()?;
    fs::rename(&part, archive)?;
    Ok(())
}

/// Every file below a directory, sorted.
fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

#[allow(clippy::cast_precision_loss)] // one decimal is shown
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
