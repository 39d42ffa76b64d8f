//! Checks that come after others, and gates.

use lab_spec::Verdict;
use serde_json::json;

use crate::literal::{evidence, lab, look, verdicts};

#[test]
fn a_known_fail_blocks_in_whatever_order_after_names_it() {
    for order in ["[u, f]", "[f, u]"] {
        let checks = format!(
            "[{{id: u, title: U, expect: secrets.size() == 0, wrong: w}}, \
              {{id: f, title: F, expect: maps.size() == 1, wrong: w}}, \
              {{id: b, title: B, after: {order}, expect: maps.size() == 0, wrong: w}}]"
        );
        let lab = lab("{secrets: {secrets: {}}, maps: {configmaps: {}}}", &checks);
        let denied = json!({"unavailable": {"reason": "forbidden", "message": "403"}});
        let seen = evidence(&[look(
            0,
            &[("list v1 secrets -n lab90", denied), ("list v1 configmaps -n lab90", json!({"present": []}))],
        )]);
        assert_eq!(verdicts(&lab, &seen), [Verdict::Unknown, Verdict::Fail, Verdict::Blocked], "{order}");
    }
}

#[test]
fn what_comes_after_an_unknown_is_unknown_and_after_a_skip_is_judged() {
    let checks = "[{id: g, title: G, weight: 0, needs: maps.size() == 9, expect: maps.size() == 0, wrong: w}, \
                   {id: s, title: S, after: [g], expect: maps.size() == 0, wrong: w}, \
                   {id: u, title: U, expect: secrets.size() == 0, wrong: w}, \
                   {id: b, title: B, after: [u], expect: maps.size() == 0, wrong: w}]";
    let lab = lab("{secrets: {secrets: {}}, maps: {configmaps: {}}}", checks);
    let denied = json!({"unavailable": {"reason": "forbidden", "message": "403"}});
    let lists =
        [("list v1 secrets -n lab90", denied), ("list v1 configmaps -n lab90", json!({"present": []}))];
    let expected = [Verdict::Skipped, Verdict::Pass, Verdict::Unknown, Verdict::Unknown];
    assert_eq!(verdicts(&lab, &evidence(&[look(0, &lists)])), expected);
}
