//! Copying the learner's directory, within bounds.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// Bytes of all files together.
const MAX_BYTES: u64 = 256 << 20;
/// Files and directories.
const MAX_ENTRIES: usize = 20_000;
/// Directories below each other.
const MAX_DEPTH: usize = 32;
/// Names that no service needs at run time, and that may be huge.
const SKIPPED: &[&str] = &[".git", "node_modules", ".venv", "target"];

/// How much may still be copied, and what could not be.
struct Left {
    bytes: u64,
    entries: usize,
    unread: Vec<PathBuf>,
}

/// Copies `from` to `to`, which must not exist. Directories that the user may
/// not read, as a database makes them on a bind mount, are empty in the copy;
/// returns which.
///
/// # Errors
/// Why not, in words.
pub(super) fn directory(from: &Path, to: &Path) -> Result<Vec<PathBuf>, String> {
    let mut left = Left { bytes: MAX_BYTES, entries: MAX_ENTRIES, unread: Vec::new() };
    fs::create_dir_all(to.parent().unwrap_or(to)).map_err(|error| format!("`{}`: {error}", to.display()))?;
    folder(from, to, &mut left, 0)?;
    Ok(left.unread)
}

fn folder(from: &Path, to: &Path, left: &mut Left, depth: usize) -> Result<(), String> {
    let cannot = |path: &Path, error: io::Error| format!("`{}` cannot be copied: {error}", path.display());
    if depth > MAX_DEPTH {
        return Err(format!("`{}` lies more than {MAX_DEPTH} directories deep", from.display()));
    }
    fs::create_dir(to).map_err(|error| cannot(to, error))?;
    #[cfg(unix)]
    if depth == 0 {
        use std::os::unix::fs::PermissionsExt as _;
        // It holds the resolved file with its secrets. Containers reach what is
        // mounted from below all the same.
        fs::set_permissions(to, fs::Permissions::from_mode(0o711)).map_err(|error| cannot(to, error))?;
    }
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && depth > 0 => {
            left.unread.push(from.to_owned());
            return Ok(());
        }
        entries => entries.map_err(|error| cannot(from, error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| cannot(from, error))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        left.entries = left.entries.checked_sub(1).ok_or_else(|| {
            format!("the project has more than {MAX_ENTRIES} files; start it from a directory of its own")
        })?;
        let kind = entry.file_type().map_err(|error| cannot(&path, error))?;
        if kind.is_dir() {
            if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                folder(&path, &target, left, depth + 1)?;
            }
        } else if kind.is_file() {
            let size = entry.metadata().map_err(|error| cannot(&path, error))?.len();
            left.bytes = left.bytes.checked_sub(size).ok_or_else(|| {
                format!(
                    "the project is larger than {} MiB; start it from a directory of its own",
                    MAX_BYTES >> 20
                )
            })?;
            fs::copy(&path, &target).map_err(|error| cannot(&path, error))?;
        } else if kind.is_symlink() {
            link(&path, &target, depth).map_err(|error| cannot(&path, error))?;
        }
        // Sockets, pipes and devices are not content.
    }
    Ok(())
}

/// A link is copied if it cannot lead out of the copy.
#[cfg(unix)]
fn link(path: &Path, target: &Path, depth: usize) -> io::Result<()> {
    let to = fs::read_link(path)?;
    let mut at = depth;
    for part in to.components() {
        match part {
            Component::Normal(_) => at += 1,
            Component::CurDir => {}
            Component::ParentDir if at > 0 => at -= 1,
            _ => return Ok(()),
        }
    }
    std::os::unix::fs::symlink(to, target)
}

#[cfg(not(unix))]
fn link(_path: &Path, _target: &Path, _depth: usize) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_and_inner_links_are_copied_and_nothing_that_leads_out() {
        let outer = tempfile::tempdir().unwrap();
        let from = outer.path().join("from");
        fs::create_dir_all(from.join("api/src")).unwrap();
        fs::create_dir_all(from.join(".git")).unwrap();
        fs::write(from.join("api/src/a.txt"), "a").unwrap();
        fs::write(from.join(".git/config"), "x").unwrap();
        symlink("api/src/a.txt", from.join("inner")).unwrap();
        symlink("../../secret", from.join("api/out")).unwrap();
        symlink("/etc/passwd", from.join("absolute")).unwrap();
        let to = outer.path().join("copies/one");
        directory(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("inner")).unwrap(), "a");
        for gone in [".git", "api/out", "absolute"] {
            assert!(!to.join(gone).exists() && !to.join(gone).is_symlink(), "{gone}");
        }
    }
}
