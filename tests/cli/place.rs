//! A home of its own for every test, and what `labcheck` said in it.

use std::{
    borrow::BorrowMut,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use assert_cmd::cargo::cargo_bin;

/// A home directory that goes when the test ends.
pub struct Place {
    dir: tempfile::TempDir,
}

/// Everything a run of `labcheck` left.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the home, with the folders above it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The binary in an environment of three variables, without a terminal.
    pub fn command(&self, args: &[&str]) -> Command {
        self.elsewhere(cargo_bin!("labcheck"), args)
    }

    /// The same of a copy of the binary.
    pub fn elsewhere(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("LABCHECK_STATE", self.path("state"))
            .env("PATH", "/usr/bin:/bin")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .args(args);
        command
    }

    /// Runs `labcheck`. Nothing of this home's path stays in what it said: it
    /// stands as `HOME`.
    pub fn run(&self, args: &[&str]) -> Said {
        self.said(self.command(args))
    }

    /// Runs a command of this home's in the same way.
    pub fn said(&self, mut command: impl BorrowMut<Command>) -> Said {
        let output = command.borrow_mut().output().unwrap();
        let home = self.dir.path().to_str().unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("labcheck prints UTF-8");
            assert!(!text.contains("panicked"), "{text}");
            assert!(!text.contains('\u{1b}'), "an escape sequence where there is no terminal: {text:?}");
            text.replace(home, "HOME")
        };
        let code = output.status.code().expect("labcheck ends by itself");
        Said { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// Asserts everything: exit code, stdout and stderr.
    #[track_caller]
    pub fn is(&self, code: i32, out: &str, err: &str) {
        assert_eq!((self.code, self.out.as_str(), self.err.as_str()), (code, out, err));
    }

    /// Asserts exit 2 with nothing on stdout and this on stderr.
    #[track_caller]
    pub fn is_usage(&self, err: &str) {
        self.is(2, "", err);
    }

    /// The report, where `-o json` was asked for.
    #[track_caller]
    pub fn report(&self) -> lab_spec::Report {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The repository this test was built from.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A recorded state of lab 01.
pub fn recorded(state: &str) -> String {
    let path = repository().join("labs/01-environment/evidence").join(format!("{state}.labcheck"));
    path.to_str().unwrap().to_owned()
}

/// The ids of all labs there are, in order.
pub fn lab_ids() -> Vec<String> {
    let folders = fs::read_dir(repository().join("labs")).unwrap().map(|entry| entry.unwrap());
    let names = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut ids: Vec<_> = names.map(|name| format!("lab{}", name.split('-').next().unwrap())).collect();
    ids.sort();
    ids
}
