//! The models: trained at start on the iris data that smartcore carries.

use std::fmt;
use std::path::Path;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use smartcore::dataset::iris;
use smartcore::ensemble::random_forest_classifier::{
    RandomForestClassifier, RandomForestClassifierParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::tree::decision_tree_classifier::{
    DecisionTreeClassifier, DecisionTreeClassifierParameters, SplitCriterion,
};

use crate::proof::sha256_hex;

/// Number of features of one sample: sepal length and width, petal length and
/// width, in centimetres.
pub const FEATURES: usize = 4;

/// What is predicted when a request names no features: a setosa.
pub const SAMPLE: [f32; FEATURES] = [5.1, 3.5, 1.4, 0.2];

/// Class names in the order of their labels.
pub const CLASSES: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// Every fifth sample is held out of training and used for the self-test.
const HELD_OUT: usize = 5;

/// A model that is right less often than this on the held-out samples does
/// not become ready.
const ACCURACY_NEEDED: f64 = 0.9;

/// A version of the model. Labs roll from one to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Version {
    /// A decision tree.
    V1,
    /// A random forest: other parameters, hence another digest.
    V2,
    /// Trained on the wrong labels: it loads, fails its self-test, never
    /// becomes ready and answers predictions with 500.
    V2Bad,
}

impl Version {
    /// All versions.
    pub const ALL: [Self; 3] = [Self::V1, Self::V2, Self::V2Bad];

    /// The name in answers, metrics and image tags.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V2Bad => "v2-bad",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

type Matrix = DenseMatrix<f32>;

#[derive(Serialize, Deserialize)]
enum Estimator {
    Tree(DecisionTreeClassifier<f32, u32, Matrix, Vec<u32>>),
    Forest(RandomForestClassifier<f32, u32, Matrix, Vec<u32>>),
}

/// The bundled data, split.
struct Data {
    x: Vec<f32>,
    y: Vec<u32>,
    held_out: Vec<(Vec<f32>, u32)>,
}

impl Data {
    fn load() -> anyhow::Result<Self> {
        let data = iris::load_dataset();
        ensure!(
            data.num_features == FEATURES,
            "the iris data set has {} features, expected {FEATURES}",
            data.num_features
        );
        let mut split = Self { x: Vec::new(), y: Vec::new(), held_out: Vec::new() };
        for (index, (x, y)) in data.data.chunks(FEATURES).zip(data.target).enumerate() {
            if index % HELD_OUT == 0 {
                split.held_out.push((x.to_vec(), y));
            } else {
                split.x.extend_from_slice(x);
                split.y.push(y);
            }
        }
        Ok(split)
    }
}

/// A trained model.
pub struct Model {
    version: Version,
    estimator: Estimator,
    digest: String,
    accuracy: f64,
}

impl Model {
    /// The model from a file of weights, or trained now where there is none.
    pub fn open(version: Version, weights: Option<&Path>) -> anyhow::Result<Self> {
        match weights {
            Some(path) => Self::load(version, path),
            None => Self::train(version),
        }
    }

    /// Loads weights that `ms weights` wrote; the digest is that of the file.
    fn load(version: Version, path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read weights `{shown}`"))?;
        let estimator = serde_json::from_slice(&bytes)
            .with_context(|| format!("`{shown}` holds no weights of a model; `ms weights` writes some"))?;
        let mut model =
            Self { version, estimator, digest: format!("sha256:{}", sha256_hex(&bytes)), accuracy: 0.0 };
        model.test(&Data::load()?)?;
        Ok(model)
    }

    /// The trained parameters, as a file of weights holds them.
    pub fn weights(&self) -> anyhow::Result<Vec<u8>> {
        serde_json::to_vec(&self.estimator).context("cannot serialise the trained model")
    }

    /// Trains a version. The result is the same on every run: seeds are fixed.
    pub fn train(version: Version) -> anyhow::Result<Self> {
        let mut data = Data::load()?;
        if version == Version::V2Bad {
            let classes = CLASSES.len() as u32;
            data.y.iter_mut().for_each(|y| *y = (*y + 1) % classes);
        }
        let x = Matrix::new(data.y.len(), FEATURES, std::mem::take(&mut data.x), false)
            .context("cannot lay out the training data")?;
        let estimator =
            fit(version, &x, &data.y).with_context(|| format!("cannot train model `{version}`"))?;
        let mut model = Self { version, estimator, digest: String::new(), accuracy: 0.0 };
        model.digest = format!("sha256:{}", sha256_hex(&model.weights()?));
        model.test(&data)?;
        Ok(model)
    }

    /// The self-test, on samples that no training saw.
    fn test(&mut self, data: &Data) -> anyhow::Result<()> {
        let mut right = 0;
        for (x, y) in &data.held_out {
            right += usize::from(self.label(x)? == *y);
        }
        self.accuracy = right as f64 / data.held_out.len() as f64;
        Ok(())
    }

    /// The version that was trained.
    pub fn version(&self) -> Version {
        self.version
    }

    /// `sha256:` and the hex SHA-256 of the trained parameters as JSON.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Share of the held-out samples that the model gets right, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// Why the model must not serve, if its self-test failed.
    pub fn defect(&self) -> Option<String> {
        (self.accuracy < ACCURACY_NEEDED).then(|| {
            format!(
                "model `{}` failed its self-test: accuracy {:.2}, expected at least {ACCURACY_NEEDED}",
                self.version, self.accuracy
            )
        })
    }

    /// Predicts one sample: its label and the name of its class.
    pub fn predict(&self, features: &[f32; FEATURES]) -> anyhow::Result<(u32, &'static str)> {
        let label = self.label(features)?;
        let class = CLASSES
            .get(label as usize)
            .with_context(|| format!("the model answered with the unknown label {label}"))?;
        Ok((label, class))
    }

    fn label(&self, features: &[f32]) -> anyhow::Result<u32> {
        let x = Matrix::new(1, features.len(), features.to_vec(), false)?;
        let labels = match &self.estimator {
            Estimator::Tree(tree) => tree.predict(&x)?,
            Estimator::Forest(forest) => forest.predict(&x)?,
        };
        labels.first().copied().context("the model gave no answer")
    }
}

fn fit(version: Version, x: &Matrix, y: &Vec<u32>) -> Result<Estimator, smartcore::error::Failed> {
    match version {
        Version::V1 | Version::V2Bad => {
            let parameters = DecisionTreeClassifierParameters {
                criterion: SplitCriterion::Gini,
                max_depth: Some(3),
                seed: Some(1),
                ..Default::default()
            };
            DecisionTreeClassifier::fit(x, y, parameters).map(Estimator::Tree)
        }
        Version::V2 => {
            let parameters = RandomForestClassifierParameters {
                max_depth: Some(4),
                n_trees: 15,
                seed: 2,
                ..Default::default()
            };
            RandomForestClassifier::fit(x, y, parameters).map(Estimator::Forest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(version: Version) -> Model {
        Model::train(version).expect("training on bundled data")
    }

    #[test]
    fn good_versions_know_a_sample_of_each_class() {
        let samples =
            [(SAMPLE, "setosa"), ([6.4, 2.9, 4.3, 1.3], "versicolor"), ([6.3, 3.3, 6.0, 2.5], "virginica")];
        for version in [Version::V1, Version::V2] {
            let model = train(version);
            assert_eq!(model.defect(), None);
            for (features, class) in samples {
                assert_eq!(model.predict(&features).expect("prediction").1, class);
            }
        }
    }

    #[test]
    fn digest_names_the_trained_parameters() {
        assert_eq!(train(Version::V1).digest(), train(Version::V1).digest());
        assert_eq!(train(Version::V2).digest(), train(Version::V2).digest());
        assert_ne!(train(Version::V1).digest(), train(Version::V2).digest());
        assert_ne!(train(Version::V1).digest(), train(Version::V2Bad).digest());
    }

    #[test]
    fn weights_make_the_model_they_were_taken_from() {
        let dir = assert_fs::TempDir::new().expect("a directory");
        let path = dir.join("iris.json");
        let trained = train(Version::V1);
        std::fs::write(&path, trained.weights().expect("weights")).expect("a file");
        let loaded = Model::open(Version::V1, Some(&path)).expect("a model");
        assert_eq!(loaded.digest(), trained.digest());
        assert_eq!(loaded.defect(), None);
        assert_eq!(
            loaded.predict(&SAMPLE).expect("a prediction"),
            trained.predict(&SAMPLE).expect("a prediction")
        );
        std::fs::write(&path, "{}").expect("a file");
        let why = Model::open(Version::V1, Some(&path)).err().expect("no weights");
        assert!(why.to_string().contains("holds no weights"), "{why}");
    }

    #[test]
    fn bad_version_fails_its_self_test() {
        let defect = train(Version::V2Bad).defect().expect("a defect");
        assert!(defect.contains("accuracy 0.0"), "{defect}");
    }
}
