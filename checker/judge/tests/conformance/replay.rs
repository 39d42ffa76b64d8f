//! Compares what expressions come to here with what a real API server said
//! when it was asked; `live.rs` asks and records.

use crate::answers::{corpus, exceptions, ours, recorded};

#[test]
fn expressions_come_to_what_the_api_server_said() {
    let recorded = recorded();
    let exceptions = exceptions();
    let corpus = corpus();
    let mut wrong = Vec::new();
    for (group, expression) in &corpus {
        let Some(server) = recorded.get(expression) else {
            wrong.push(format!("{group}: `{expression}` was never asked: tests/live/cel/run --record"));
            continue;
        };
        let ours = ours(expression);
        if ours.agrees(server) == exceptions.contains_key(expression) {
            wrong.push(format!("{group}: `{expression}`: the server says {server:?}, we say {ours:?}"));
        }
    }
    for expression in exceptions.keys() {
        if !corpus.iter().any(|(_, e)| e == expression) {
            wrong.push(format!("the exception `{expression}` is not in the corpus"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(corpus.len() >= 300, "only {} expressions", corpus.len());
}
