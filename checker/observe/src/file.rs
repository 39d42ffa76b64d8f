//! Files of the learner, inside one directory.

use std::{
    fs::File,
    io::{self, Read},
    path::{Component, Path},
};

use lab_spec::{Outcome, evidence::Reason};
use serde_json::Value;

use crate::get::unavailable;

/// Bytes of a file.
const MAX_BYTES: u64 = 1 << 20;

/// Reads `path` below `base`; a link may lead elsewhere within `base` only.
pub(crate) fn read(base: &Path, path: &str) -> Outcome {
    let failed =
        |reason, why: &str| Outcome::Unavailable(unavailable(reason, format!("file `{path}`: {why}")));
    let inside = !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return failed(Reason::Failed, "only files inside the working directory are read");
    }
    let text = base.canonicalize().and_then(|base| {
        let real = base.join(path).canonicalize()?;
        if !real.starts_with(&base) {
            return Ok(Err("it is a link that leads out of the working directory"));
        }
        // Asked before opening: opening a named pipe waits for a writer.
        if !real.metadata()?.is_file() {
            return Ok(Err("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(&real)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(Ok(bytes))
    });
    match text {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Outcome::Absent
        }
        Err(error) => failed(Reason::Failed, &error.to_string()),
        Ok(Err(why)) => failed(Reason::Failed, why),
        Ok(Ok(bytes)) if bytes.len() as u64 > MAX_BYTES => {
            failed(Reason::Truncated, "it is larger than 1 MiB")
        }
        Ok(Ok(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Outcome::Present(Value::String(text)),
            Err(_) => failed(Reason::Failed, "it is not UTF-8 text"),
        },
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    fn refusal(outcome: &Outcome) -> &str {
        match outcome {
            Outcome::Unavailable(why) => &why.message,
            other => panic!("expected a refusal, found {other:?}"),
        }
    }

    #[test]
    fn files_inside_are_read_and_nothing_outside() {
        let outer = tempfile::tempdir().unwrap();
        let base = outer.path().join("work");
        fs::create_dir_all(base.join("sub")).unwrap();
        fs::write(outer.path().join("secret"), "s3cret").unwrap();
        fs::write(base.join("sub/notes.yaml"), "a: 1\n").unwrap();
        symlink("sub/notes.yaml", base.join("inner")).unwrap();
        symlink("../secret", base.join("escape")).unwrap();
        symlink("..", base.join("up")).unwrap();
        symlink("nowhere", base.join("dangling")).unwrap();

        for path in ["sub/notes.yaml", "./sub/notes.yaml", "inner"] {
            assert_eq!(read(&base, path), Outcome::Present("a: 1\n".into()), "{path}");
        }
        for path in ["missing", "sub/missing", "sub/notes.yaml/x", "dangling"] {
            assert_eq!(read(&base, path), Outcome::Absent, "{path}");
        }
        let absolute = outer.path().join("secret");
        for path in ["../secret", "sub/../../secret", "", absolute.to_str().unwrap()] {
            assert!(refusal(&read(&base, path)).contains("only files inside"), "{path}");
        }
        for path in ["escape", "up/secret"] {
            assert!(refusal(&read(&base, path)).contains("leads out"), "{path}");
        }
        assert!(refusal(&read(&base, "sub")).contains("not a regular file"));
    }

    #[test]
    fn large_and_binary_files_are_refused() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("full"), vec![b'a'; 1 << 20]).unwrap();
        fs::write(base.path().join("large"), vec![b'a'; (1 << 20) + 1]).unwrap();
        fs::write(base.path().join("binary"), [0xff, 0xfe]).unwrap();
        assert!(matches!(read(base.path(), "full"), Outcome::Present(_)));
        assert!(refusal(&read(base.path(), "large")).contains("larger than 1 MiB"));
        assert!(refusal(&read(base.path(), "binary")).contains("not UTF-8"));
    }
}
