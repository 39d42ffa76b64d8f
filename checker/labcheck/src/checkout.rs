//! Whether labcheck runs from its source tree, and where that is.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The root of the source tree this binary was built in, if it still lies
/// there: above the executable, or where cargo says (a target directory may be
/// elsewhere). The current directory is not asked, because scripts of the tree
/// are run.
pub fn root() -> Option<PathBuf> {
    let executable = env::current_exe().ok().and_then(|path| path.canonicalize().ok());
    let cargo = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    [executable, cargo].into_iter().flatten().find_map(|path| above(&path))
}

fn above(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|dir| is_root(dir)).map(Path::to_owned)
}

fn is_root(dir: &Path) -> bool {
    dir.join("clusters/workload/Cargo.toml").is_file() && dir.join("Cargo.lock").is_file()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_tree_of_this_test_is_found_and_no_tree_is_found_elsewhere() {
        let root = super::above(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(root.join("checker/labcheck/src/checkout.rs").is_file());
        assert_eq!(super::above(Path::new("/usr/bin")), None);
    }
}
