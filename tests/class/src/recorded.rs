//! Recorded evidence of a lab's states, and what each of them scores.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use lab_spec::{Report, evidence::Params};

/// One recorded state.
pub struct Recorded {
    /// Its name, as in `mutants-no-prestop`.
    pub name: String,
    /// Its evidence as JSON.
    pub evidence: String,
    /// What its attempt was fixed to.
    pub params: Params,
    /// What the report beside it says it scores; `None` if a check is unknown.
    pub score: Option<String>,
}

impl Recorded {
    /// Every recorded state of a lab, by name.
    ///
    /// # Errors
    /// A lab that is not there or has no evidence.
    pub fn of(labs: &Path, lab: &str) -> anyhow::Result<Vec<Self>> {
        let number = lab.trim_start_matches("lab");
        let folder = fs::read_dir(labs)
            .with_context(|| format!("cannot read `{}`", labs.display()))?
            .filter_map(Result::ok)
            .find(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{number}-")))
            .with_context(|| format!("`{}` has no `{lab}`", labs.display()))?;
        let mut recorded = Vec::new();
        for entry in fs::read_dir(folder.path().join("evidence"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "labcheck") {
                recorded.push(Self::read(&path)?);
            }
        }
        ensure!(!recorded.is_empty(), "`{lab}` has no evidence");
        recorded.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(recorded)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let evidence = lab_bundle::read(path)?;
        let report: Report = serde_json::from_slice(&fs::read(path.with_extension("json"))?)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let params = evidence.params.clone();
        let score = report.earned.map(|earned| earned.to_string());
        Ok(Self { name, evidence: serde_json::to_string(&evidence)?, params, score })
    }
}
