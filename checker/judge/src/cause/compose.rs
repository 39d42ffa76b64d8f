//! Why a service of a compose project is not up.

use indexmap::IndexMap;

use super::{Diagnosis, State, decisive, link, worst};
use crate::{
    cel::Value,
    functions::{
        compose::{health, is_running, is_up, service},
        items, number, text,
    },
    schema::SEEN,
    time,
    view::View,
};

/// How long a container may be new without its start being overdue.
const YOUNG_MS: i64 = 30_000;

/// Why the project's containers, or those of one service, are not up.
pub(super) fn diagnose(view: &View<'_>, of: Option<&str>) -> Option<Diagnosis> {
    let mut services: IndexMap<&str, Vec<&Value>> = IndexMap::new();
    let containers = view.containers(of);
    for container in containers.iter() {
        services.entry(service(container)).or_default().push(container);
    }
    decisive(services.into_values().filter_map(|of_one| worst(of_one.into_iter().filter_map(container))))
}

fn container(container: &Value) -> Option<Diagnosis> {
    if is_up(container) {
        return None;
    }
    let object = format!("container/{}", service(container));
    let status = text(container, &["State", "Status"]);
    let code = number(container, &["State", "ExitCode"]);
    if is_running(container) {
        let (state, says) = match health(container) {
            Some("starting") => (State::Converging, "the health check has not succeeded yet".to_owned()),
            _ => (State::Terminal, "the health check fails".to_owned()),
        };
        let field = "State.Health.Status";
        let mut diagnosis = Diagnosis::new(state, object.clone(), field, says);
        if let Some(said) = last_check(container) {
            diagnosis.chain.push(link(object, "State.Health.Log", said));
        }
        return Some(diagnosis);
    }
    let error = text(container, &["State", "Error"]);
    let why = if error.is_empty() { format!("exit code {code}") } else { error.to_owned() };
    Some(match status {
        "restarting" => Diagnosis::new(
            State::Terminal,
            object,
            "State.Status",
            format!("it ends and is restarted again and again, {why}"),
        ),
        "created" => {
            let made = time::ms(text(container, &["Created"])).unwrap_or(0);
            let young = number(container, &[SEEN]) - made < YOUNG_MS && error.is_empty();
            let (state, says) = if young {
                (State::Converging, "it is made and not started yet".to_owned())
            } else if error.is_empty() {
                (
                    State::Steady,
                    "it is made and was never started: what it waits for may have failed".to_owned(),
                )
            } else {
                (State::Terminal, format!("it cannot be started: {error}"))
            };
            Diagnosis::new(state, object, "State.Status", says)
        }
        other => Diagnosis::new(State::Steady, object, "State.Status", format!("it is `{other}`, {why}")),
    })
}

/// What the newest health check said, in one line.
fn last_check(container: &Value) -> Option<String> {
    let log = items(container, &["State", "Health", "Log"]);
    let newest = log.iter().max_by_key(|entry| text(entry, &["Start"]))?;
    let said = text(newest, &["Output"]).split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(300).collect();
    let code = number(newest, &["ExitCode"]);
    Some(if said.is_empty() { format!("exit code {code}") } else { format!("exit code {code}: {said}") })
}
