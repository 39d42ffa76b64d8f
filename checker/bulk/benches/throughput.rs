//! `cargo bench -p lab-bulk`: grading a class beside merely decompressing and
//! parsing the same submissions, in turns, on all cores. The ratio is told of
//! time that passed, and of processor time, which says the same on a machine
//! that does other things besides.
//!
//! `STUDENTS` (1,000) and `ROUNDS` (5) can be set in the environment.

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use lab_bulk::{
    Roster, Rubric,
    batch::Batch,
    journal::Journal,
    outputs::{Kind, Setting},
    settle::Rules,
};
use lab_spec::Lab;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |name, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (students, rounds) = (number("STUDENTS", 1_000), number("ROUNDS", 5));
    let labs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs");
    let file = labs.join("08-friday/lab.yaml");
    let lab =
        Lab::parse("lab.yaml", &fs::read_to_string(file)?).map_err(|problems| format!("{problems:?}"))?;
    let rubric = Rubric::plain(lab, "bench");
    let dir = tempfile::tempdir()?;
    let plan = class::Plan { labs, lab: "lab08".to_owned(), students, seed: 1, honest: true };
    plan.write(dir.path())?;
    let roster = Roster::parse("roster.csv", &fs::read(dir.path().join("roster.csv"))?)?;
    let folder = dir.path().join("submissions");
    let threads = thread::available_parallelism().map_or(1, usize::from);
    println!("{students} submissions of lab08, {threads} threads; submissions a second");
    let (mut parsed, mut graded) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        parsed.push(rate(students, || parse(&folder, threads))?);
        let out = dir.path().join(format!("out{round}"));
        fs::create_dir(&out)?;
        graded.push(rate(students, || grade(&rubric, &roster, &folder, &out, threads))?);
        println!("round {round}: parse {:.0}, grade {:.0}", parsed[round].passed, graded[round].passed);
    }
    let of = |time: fn(&Rate) -> f64| (median(parsed.iter().map(time)), median(graded.iter().map(time)));
    let (parse, grade) = of(|rate| rate.passed);
    println!("median: parse {parse:.0}, grade {grade:.0}, grade / parse {:.2}", grade / parse);
    let (parse, grade) = of(|rate| rate.processor);
    println!(
        "a second of one processor: parse {parse:.0}, grade {grade:.0}, grade / parse {:.2}",
        grade / parse
    );
    Ok(())
}

/// Submissions a second.
struct Rate {
    /// Of time that passed.
    passed: f64,
    /// Of one processor's time.
    processor: f64,
}

type Done = Result<(), Box<dyn std::error::Error>>;

#[expect(clippy::cast_precision_loss, reason = "counts of files")]
fn rate(students: usize, work: impl FnOnce() -> Done) -> Result<Rate, Box<dyn std::error::Error>> {
    let (begun, before) = (Instant::now(), processor()?);
    work()?;
    let of = |seconds: f64| students as f64 / seconds;
    Ok(Rate { passed: of(begun.elapsed().as_secs_f64()), processor: of(processor()? - before) })
}

/// Seconds of processors' time this process has had, its user's and the
/// kernel's, which Linux tells in hundredths.
fn processor() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let [user, kernel] = [11, 12].map(|at| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()));
    Ok((user.ok_or("no time in /proc")? + kernel.ok_or("no time in /proc")?) / 100.0)
}

fn median(rates: impl Iterator<Item = f64>) -> f64 {
    let mut rates: Vec<_> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// What nobody can do without: read, decompress, parse.
fn parse(folder: &Path, threads: usize) -> Done {
    let files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    let next = AtomicUsize::new(0);
    let one = |path: &PathBuf| -> std::io::Result<usize> {
        let opened = zstd::stream::read::Decoder::new(fs::File::open(path)?)?;
        let mut archive = tar::Archive::new(opened);
        let mut values = 0;
        for member in archive.entries()? {
            let mut text = Vec::new();
            member?.read_to_end(&mut text)?;
            let value: serde_json::Value = serde_json::from_slice(&text)?;
            values += value.as_object().map_or(0, serde_json::Map::len);
        }
        Ok(values)
    };
    thread::scope(|scope| {
        let work = || -> std::io::Result<()> {
            while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                std::hint::black_box(one(path)?);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread breaks"))
    })?;
    Ok(())
}

/// All of `labcheck grade`, with journal and tables.
fn grade(rubric: &Rubric, roster: &Roster, folder: &Path, out: &Path, threads: usize) -> Done {
    let judge = rubric.judge("lab.yaml").map_err(|problems| format!("{problems:?}"))?;
    let rules = Rules::plain(roster, rubric.points());
    let paths = [folder.to_owned()];
    let judging = |evidence: &_| rubric.report(&judge, evidence);
    let store = Arc::new(Journal::open(out, &rubric.lab().id)?);
    let batch = Batch {
        rubric,
        judge: &judge,
        judging: &judging,
        reading: |_| {},
        paths: &paths,
        shard: None,
        out,
        threads,
        progress: &|_, _| {},
    };
    let mut class = batch.run(store, &rules)?;
    let course = rubric.course();
    let setting = Setting { course: &course, roster };
    let mut outputs = vec![Kind::Csv.begin(out, &setting)?, Kind::Json.begin(out, &setting)?];
    for grade in class.grades() {
        let grade = grade?;
        for output in &mut outputs {
            output.add(&grade)?;
        }
    }
    for output in outputs {
        output.finish(&class.unmatched)?;
    }
    Ok(())
}
