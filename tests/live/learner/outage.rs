//! An API server that stops, or no longer answers.

use std::{thread, time::Duration};

use super::home::{Home, NAMESPACE, Report, docker, end, eventually, solution};

/// How long the kubelet may take to stop or start the API server.
const KUBELET: Duration = Duration::from_secs(120);
/// A grading may not take longer, whatever happens to the server.
const NO_HANG: Duration = Duration::from_secs(60);

const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const ASIDE: &str = "/etc/kubernetes/kube-apiserver.yaml";

/// An API server that does not answer; started again when dropped.
struct Outage<'a> {
    home: &'a Home,
    frozen: bool,
}

impl<'a> Outage<'a> {
    /// The server's process ends, so connections are refused.
    fn stop(home: &'a Home) -> Self {
        docker(&["exec", &home.node(), "mv", MANIFEST, ASIDE]);
        let outage = Self { home, frozen: false };
        eventually("the API server is down", KUBELET, || !answers(home));
        outage
    }

    /// The server's process stands still, so connections are never answered.
    fn freeze(home: &'a Home) -> Self {
        process(home, "STOP");
        Self { home, frozen: true }
    }
}

impl Drop for Outage<'_> {
    fn drop(&mut self) {
        if self.frozen {
            process(self.home, "CONT");
        } else {
            docker(&["exec", &self.home.node(), "mv", ASIDE, MANIFEST]);
        }
        eventually("the API server is back", KUBELET, || answers(self.home));
        // Scheduler and controllers stop when they lose their leases: they are
        // back when they make something new.
        self.home.apply(
            &solution("deployment").replace("name: api", "name: back").replace("app: api", "app: back"),
        );
        self.home.kubectl(&["-n", NAMESPACE, "rollout", "status", "deployment/back", "--timeout=180s"]);
        self.home.kubectl(&["-n", NAMESPACE, "delete", "deployment", "back"]);
    }
}

fn answers(home: &Home) -> bool {
    home.kubectl_may_fail(&["--request-timeout=2s", "get", "--raw", "/readyz"]).code == Some(0)
}

fn process(home: &Home, signal: &str) {
    let script = format!("kill -{signal} $(pidof kube-apiserver)");
    docker(&["exec", &home.node(), "sh", "-c", &script]);
}

/// Only the two checks of the kubeconfig can have a verdict.
#[track_caller]
fn nothing_is_known(report: &Report) {
    assert_eq!(report.with("fail"), Vec::<&str>::new(), "{}", report.0);
    assert_eq!(report.with("pass"), ["context-current", "context-namespace"], "{}", report.0);
    assert_eq!(report.with("pending"), Vec::<&str>::new(), "{}", report.0);
    assert_eq!(report.with("unknown").len() + report.with("blocked").len(), 15, "{}", report.0);
    assert_eq!(report.0["earned"], serde_json::Value::Null);
}

/// Going down while something converging is waited for, and down from the
/// start.
#[test]
fn without_the_server_everything_is_unknown() {
    let home = Home::solved();
    for outage in [Outage::stop, Outage::freeze] {
        home.apply(&slow());
        let child = home.spawn(&["lab01", "-o", "json", "--timeout", "20s"]);
        thread::sleep(Duration::from_secs(3));
        let outage = outage(&home);
        let half_way = end(child);
        println!("half-way: ended {:?} after the outage began", half_way.took);
        half_way.exits(3).in_time(NO_HANG);
        nothing_is_known(&half_way.report());
        assert_eq!(home.journals(), 0);

        let from_the_start = home.labcheck(&["lab01", "-o", "json"]);
        println!("from the start: ended after {:?}", from_the_start.took);
        from_the_start.exits(3).in_time(NO_HANG);
        nothing_is_known(&from_the_start.report());
        home.labcheck(&["lab01"]).exits(3).says("unknown").in_time(NO_HANG);
        home.labcheck(&["start", "lab01"]).exits(3).says("cannot be used").in_time(NO_HANG);
        drop(outage);
        home.kubectl(&["-n", NAMESPACE, "delete", "deployment", "api"]);
    }
    home.solve();
    home.labcheck(&["lab01"]).exits(0).says("100 of 100 points");
}

/// The solution's Deployment, ready only after a minute and a half.
fn slow() -> String {
    let probe = "periodSeconds: 1";
    let deployment = solution("deployment");
    assert!(deployment.contains(probe));
    deployment.replace(probe, "periodSeconds: 1\n          initialDelaySeconds: 90")
}
