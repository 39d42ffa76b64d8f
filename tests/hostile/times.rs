//! Hostile inputs 52 and 53: times that a submission says of itself, and times
//! that are equal.

use serde_json::{Value, json};

use crate::{
    forge::{self, parts},
    objects::{each, items},
    room::Class,
};

const DEPLOYMENTS: &str = "list apps/v1 deployments -n lab01-solution";
const RECEIVED: [&str; 2] = ["--received", "received.csv"];

/// Eve's submission, whose deployment says it was made then.
fn made(time: &str) -> Vec<u8> {
    let mut evidence = forge::evidence("eve");
    each(&mut evidence, DEPLOYMENTS, |observation| {
        items(observation)[0]["metadata"]["creationTimestamp"] = json!(time);
    });
    parts(&serde_json::to_vec(&evidence).unwrap()).packed()
}

#[test]
fn lateness_rests_on_receipt_and_on_nothing_a_submission_says() {
    // 52. Recorded evidence is years older than some of these, and younger than others.
    let honest = forge::evidence("eve");
    let looked = honest.looks.last().unwrap().wall_ms;
    let at = |days: i64| {
        let moment =
            jiff::Timestamp::from_millisecond(looked).unwrap() + jiff::SignedDuration::from_hours(24 * days);
        format!("{moment:.0}")
    };
    for time in ["2099-01-01T00:00:00Z".to_owned(), at(1), at(-1), "1970-01-01T00:00:00Z".to_owned()] {
        let class = Class::new();
        class.put("eve.tar.zst", made(&time));
        class
            .place
            .write("received.csv", "student,received\nada,2026-12-01T12:00:00Z\neve,2026-12-01T12:00:00Z\n");
        let late = ["--deadline", "2026-12-01T12:00:00Z", "--late-per-day", "50"];
        let graded = class.grade(&[&RECEIVED[..], &late].concat());
        graded.is_full("ada");
        graded.is_full("eve");
        assert_eq!(graded.of("eve")["late"], Value::Null, "{time}");
        // Received later, it is late, whatever it says.
        let early = ["--deadline", "2026-12-01T11:59:59Z", "--late-per-day", "50"];
        let graded = class.grade(&[&RECEIVED[..], &early].concat());
        assert_eq!(graded.of("eve")["score"], 5_000, "{time}");
        // What lies in the future is told, and costs nothing.
        let future = time.starts_with("2099") || time == at(1);
        assert_eq!(
            graded.flags("eve").contains(&"evidence-time"),
            future,
            "{time}: {:?}",
            graded.flags("eve")
        );
    }
}

#[test]
fn the_hour_that_there_is_twice_is_told_apart() {
    // 52: half past two on the night when the clocks go back, before and after.
    let class = Class::new();
    class.put("eve.tar.zst", forge::good("eve"));
    class.place.write(
        "received.csv",
        "student,received\nada,2026-10-25T02:30:00+02:00\neve,2026-10-25T02:30:00+01:00\n",
    );
    let policy = ["--deadline", "2026-10-25T02:45:00+02:00", "--late-per-day", "10"];
    let graded = class.grade(&[&RECEIVED[..], &policy].concat());
    graded.is_full("ada");
    assert_eq!(graded.of("eve")["score"], 9_000);
}

#[test]
fn of_two_received_at_one_moment_the_order_is_that_of_their_digests() {
    // 53, as the book says; neither names nor places decide.
    let (good, poor) = (forge::good("eve"), forge::submission("eve", &forge::attempt("starter", "eve")));
    let mut counted = Vec::new();
    for (first, second) in [(&good, &poor), (&poor, &good)] {
        let class = Class::new();
        class.put("eve/a.tar.zst", first);
        class.put("eve/b.tar.zst", second);
        class
            .place
            .write("received.csv", "student,received\nada,2026-12-01T12:00:00Z\neve,2026-12-01T12:00:00Z\n");
        let graded = class.grade(&[&RECEIVED[..], &["--attempts", "last"]].concat());
        let eve = graded.of("eve");
        let tried: Vec<_> = eve["attempts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tried| tried["sha256"].as_str().unwrap())
            .collect();
        assert!(tried.len() == 2 && tried[0] < tried[1], "{tried:?}");
        assert_eq!(eve["counts"], 1);
        counted.push((tried[1].to_owned(), eve["score"].clone()));
    }
    assert_eq!(counted[0], counted[1]);
}
