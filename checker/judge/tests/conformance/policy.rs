//! The policies that make an API server tell what expressions come to.

use serde_json::{Value as Json, json};

use crate::answers::printing;

pub const NAMESPACE: &str = "cel-conf";

/// What a request says to get the value or the error of an expression.
pub fn label(batch: usize, number: usize, what: &str) -> String {
    format!("{batch}:{number}-{what}")
}

/// What a request says to learn whether the policy of a batch is enforced.
pub fn canary(batch: usize) -> String {
    format!("{batch}:canary")
}

fn selected(label: &str) -> String {
    format!("object.spec.template.metadata.annotations['cel'] == '{label}'")
}

/// A policy that denies the request for an expression with its value, or lets
/// its error become the message.
pub fn policy(batch: usize, expressions: &[(usize, &str)]) -> Json {
    let canary = canary(batch);
    let mut validations = vec![json!({
        "expression": format!("!({})", selected(&canary)),
        "message": canary,
        "reason": "Forbidden",
    })];
    for (number, expression) in expressions {
        validations.push(json!({
            "expression": format!("!({})", selected(&label(batch, *number, "value"))),
            "message": format!("<{number}>no value"),
            "messageExpression": format!("'<{number}>' + {}", printing(expression)),
            "reason": "Forbidden",
        }));
        validations.push(json!({
            "expression": format!(
                "!({}) || [{expression}].size() > 9",
                selected(&label(batch, *number, "error")),
            ),
            "message": format!("<{number}>no error"),
            "reason": "Forbidden",
        }));
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": format!("cel-conf-{batch}"), "labels": {"app": "cel-conf"}},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["v1"],
                "operations": ["CREATE"], "resources": ["deployments"],
            }]},
            // A request is looked at by the policy of its batch only.
            "matchConditions": [{
                "name": "batch",
                "expression": format!(
                    "object.spec.template.metadata.annotations['cel'].startsWith('{batch}:')"
                ),
            }],
            "validations": validations,
        },
    })
}

/// What makes the policy of a batch deny requests in the test's namespace.
pub fn binding(batch: usize) -> Json {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": format!("cel-conf-{batch}"), "labels": {"app": "cel-conf"}},
        "spec": {
            "policyName": format!("cel-conf-{batch}"),
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {
                "kubernetes.io/metadata.name": NAMESPACE,
            }}},
        },
    })
}
