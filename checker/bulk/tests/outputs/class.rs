//! A small class with one student of every kind.

use lab_bulk::{
    Attempt, Course, Decision, Flag, Grade, Penalty, Roster, Standing, Unmatched,
    requests::{self, Answer, Request},
};
use lab_spec::{
    Ended, Report, Verdict,
    evidence::Cluster,
    report::{CheckReport, Points, TaskReport},
};

/// Who is in it.
pub const ROSTER: &str = "\
id,name,canvas_id,sis_id,login,section,email,lti_user_id
ada,Ada Lovelace,101,S1,ada@x.org,A,ada@x.org,u-1
bob,\"Builder, Bob\",102,S2,bob@x.org,A,bob@x.org,u-2
cyd,Cyd,103,S3,cyd@x.org,B,cyd@x.org,u-3
dan,Dan,104,S4,dan@x.org,B,dan@x.org,u-4
eve,Eve,105,S5,eve@x.org,B,eve@x.org,u-5
fay,Fay,106,S6,fay@x.org,B,fay@x.org,u-6
../x,=1+1,107,S7,x@x.org,B,x@x.org,
";

pub fn roster() -> Roster {
    Roster::parse("roster.csv", ROSTER.as_bytes()).unwrap()
}

pub fn course() -> Course {
    Course {
        lab: "lab06".to_owned(),
        title: "Nobody answers".to_owned(),
        rubric: "9f86d081".to_owned(),
        points: 100,
        hidden: vec!["secret-check".to_owned()],
        bonus: vec![],
        canvas_assignment: Some(9),
    }
}

pub fn unmatched() -> Vec<Unmatched> {
    vec![Unmatched { place: "in/stray.zip".to_owned(), why: "is a `PDF`".to_owned() }]
}

fn check(id: &str, verdict: Verdict, message: &str) -> CheckReport {
    CheckReport {
        id: id.to_owned(),
        title: format!("what `{id}` states"),
        verdict,
        weight: 1,
        message: message.to_owned(),
        expression: String::new(),
        values: vec![],
        cause: vec![],
        follows: None,
        blocked_by: None,
        waiting: None,
        note: None,
        timeline: None,
        evidence: vec![],
        look: (!message.is_empty()).then(|| "kubectl get pods".to_owned()),
    }
}

fn task(id: &str, points: u32, checks: Vec<CheckReport>) -> TaskReport {
    let passed = checks.iter().filter(|check| check.verdict == Verdict::Pass).count() as u64;
    let unknown = checks.iter().any(|check| check.verdict == Verdict::Unknown);
    let all = checks.len() as u64;
    TaskReport {
        id: id.to_owned(),
        title: format!("The task {id}"),
        verdict: Verdict::worst(checks.iter().map(|check| check.verdict)),
        earned: (!unknown).then(|| Points(u64::from(points) * 100 * passed / all)),
        points,
        checks,
    }
}

/// Two checks that all are told of, and a hidden one.
fn report(reaches: Verdict, hidden: Verdict) -> Report {
    let says = |verdict, message: &'static str| if verdict == Verdict::Pass { "" } else { message };
    let tasks = vec![
        task(
            "reach",
            70,
            vec![
                check("exists", Verdict::Pass, ""),
                check("reaches", reaches, says(reaches, "Service `api` has 1 ready address, expected 3")),
                check("named", Verdict::Pass, ""),
            ],
        ),
        task("secret-task", 30, vec![check("secret-check", hidden, says(hidden, "secret-message"))]),
    ];
    let earned: Option<u64> = tasks.iter().map(|task| task.earned.map(|earned| earned.0)).sum();
    Report {
        format: 1,
        lab: "lab06".to_owned(),
        title: "Nobody answers".to_owned(),
        lab_digest: "9f86d081".to_owned(),
        cluster: Cluster {
            context: "kind-lab".to_owned(),
            server: "https://127.0.0.1:41843".to_owned(),
            namespace: "lab06".to_owned(),
            owned: true,
        },
        project: None,
        verdict: Verdict::worst(tasks.iter().map(|task| task.verdict)),
        earned: earned.map(Points),
        points: 100,
        ended: Ended::Settled,
        tasks,
        provenance: vec![],
    }
}

fn grade(id: &str, standing: Standing, report: Option<Report>) -> Grade {
    let roster = roster();
    let student = roster.students()[roster.by_id(id).unwrap()].clone();
    let earned = report.as_ref().and_then(|report| report.earned);
    let attempt = Attempt {
        place: format!("in/{}.tar.zst", student.id),
        sha256: "c0ffee".repeat(10),
        received: Some("2026-12-01T22:59:00Z".parse().unwrap()),
        standing: standing.clone(),
        earned,
        late: None,
        score: earned,
    };
    let handed_in = standing != Standing::Missing;
    Grade {
        student,
        standing,
        earned,
        late: None,
        decision: None,
        requests: vec![],
        score: earned,
        points: 100,
        attempts: if handed_in { vec![attempt] } else { vec![] },
        counts: handed_in.then_some(0),
        flags: vec![],
        report,
    }
}

fn asked(check: &str, reason: &str, granted: Option<&str>) -> Request {
    Request {
        id: "00112233".to_owned(),
        check: check.to_owned(),
        reason: reason.to_owned(),
        received: Some("2026-12-02T09:00:00Z".parse().unwrap()),
        answer: granted.map(|reason| Answer {
            granted: true,
            reason: reason.to_owned(),
            author: "kim".to_owned(),
        }),
    }
}

/// One grade of every kind, in the roster's order.
pub fn grades() -> Vec<Grade> {
    use Verdict::{Fail, Pass, Unknown};
    let unknown = |why: &str| Standing::Unknown { why: why.to_owned() };
    let ungradable = || Standing::Ungradable { why: "is a PDF, expected a submission".to_owned() };
    let late = Grade {
        late: Some(Penalty { hundredths: 1_000, why: "1 day late".to_owned() }),
        score: Some(Points(6_900)),
        flags: vec![Flag::new("same-cluster", "it was made on the same cluster as by `fay`")],
        ..grade("bob", Standing::Graded, Some(report(Fail, Pass)))
    };
    let decided = Grade {
        decision: Some(Decision {
            score: Points(4_250),
            reason: "the archive broke on our side".to_owned(),
            author: "kim".to_owned(),
        }),
        score: Some(Points(4_250)),
        requests: vec![asked("", "the archive was whole", Some("it was"))],
        ..grade("fay", ungradable(), None)
    };
    let mut asking = grade("../x", Standing::Graded, Some(report(Fail, Fail)));
    requests::put(&mut asking, vec![asked("</b>\u{202e}", "=1+1 <script>alert(1)</script>", None)]);
    vec![
        grade("ada", Standing::Graded, Some(report(Pass, Pass))),
        late,
        grade("cyd", unknown("`secret-check`: secret-message"), Some(report(Pass, Unknown))),
        grade("dan", ungradable(), None),
        grade("eve", Standing::Missing, None),
        decided,
        asking,
    ]
}
