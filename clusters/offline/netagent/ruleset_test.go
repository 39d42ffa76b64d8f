package main

import (
	"strings"
	"testing"
)

func nodes(t *testing.T) []Object {
	t.Helper()
	return []Object{
		parse(t, `{"metadata":{"name":"n1"},"spec":{"podCIDR":"10.0.0.0/24"},"status":{"addresses":[{"type":"Hostname","address":"n1"},{"type":"InternalIP","address":"172.18.0.2"}]}}`),
		parse(t, `{"metadata":{"name":"n2"},"spec":{"podCIDR":"10.0.1.0/24"},"status":{"addresses":[{"type":"InternalIP","address":"172.18.0.3"}]}}`),
		parse(t, `{"metadata":{"name":"fake","annotations":{"kwok.x-k8s.io/node":"fake"}},"spec":{"podCIDR":"10.0.2.0/24"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.9"}]}}`),
	}
}

func TestRulesetOfAnEmptyNode(t *testing.T) {
	want := `table ip netagent
delete table ip netagent
table ip netagent {
  chain forward { type filter hook forward priority filter - 10; ct state established,related accept; jump pod-egress; jump pod-ingress; }
  chain input { type filter hook input priority filter - 10; ct state established,related accept; jump pod-egress; }
  chain pod-ingress {
  }
  chain pod-egress {
  }
}
`
	if got := (snapshot{node: "n1", nodes: nodes(t)}).ruleset(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRulesetGroupsPodsByTheirPolicies(t *testing.T) {
	s := snapshot{
		node:  "n1",
		nodes: nodes(t),
		pods: []Object{
			pod(t, "a", "web1", "10.0.0.1", `{"app":"web"}`).Object,
			pod(t, "a", "web2", "10.0.0.2", `{"app":"web"}`).Object,
			pod(t, "a", "free", "10.0.0.3", `{}`).Object,
			pod(t, "b", "web3", "10.0.0.4", `{"app":"web"}`).Object,
		},
		policies: []Object{parse(t, `{"metadata":{"namespace":"a","name":"only-80","uid":"u"},
			"spec":{"podSelector":{"matchLabels":{"app":"web"}},"policyTypes":["Ingress"],"ingress":[{"ports":[{"port":80}]}]}}`)},
	}
	got := s.ruleset()
	for _, want := range []string{
		"ip saddr { 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4 } ip daddr != { 10.0.0.0/24, 10.0.1.0/24, 172.18.0.2, 172.18.0.3 } ip daddr != 127.0.0.0/8 masquerade;",
		"ip saddr . ip daddr { 10.0.0.3 . 10.0.0.3, 10.0.0.1 . 10.0.0.1, 10.0.0.2 . 10.0.0.2, 10.0.0.4 . 10.0.0.4 } accept; jump pod-egress; jump pod-ingress;",
		"  chain pod-ingress-0 {\n    tcp dport 80 counter return comment \"a/only-80\"\n    counter drop\n  }\n",
		"  chain pod-ingress {\n    ip daddr vmap { 10.0.0.1 : goto pod-ingress-0, 10.0.0.2 : goto pod-ingress-0 }\n  }\n",
		"  chain pod-egress {\n  }\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing\n%s\nin\n%s", want, got)
		}
	}
	if again := s.ruleset(); again != got {
		t.Error("the same state gave other rules")
	}
}

func TestEndpoints(t *testing.T) {
	change := func(e endpoint, f func(*Object)) Object {
		f(&e.Object)
		return e.Object
	}
	s := snapshot{node: "n1", held: map[string]string{"a/new": "10.0.0.5", "a/again": "10.0.0.6", "a/elsewhere": "10.0.0.7"}, pods: []Object{
		pod(t, "a", "plain", "10.0.0.1", `{}`).Object,
		change(pod(t, "a", "host", "172.18.0.2", `{}`), func(o *Object) { o.Spec.HostNetwork = true }),
		change(pod(t, "a", "done", "10.0.0.2", `{}`), func(o *Object) { o.Status.Phase = "Succeeded" }),
		change(pod(t, "a", "failed", "10.0.0.3", `{}`), func(o *Object) { o.Status.Phase = "Failed" }),
		pod(t, "a", "new", "", `{}`).Object,
		pod(t, "a", "again", "10.0.0.4", `{}`).Object,
		change(pod(t, "a", "elsewhere", "10.0.1.7", `{}`), func(o *Object) { o.Spec.NodeName = "n2" }),
		pod(t, "a", "stale", "10.0.0.5", `{}`).Object, // its address already belongs to a/new
		pod(t, "a", "unplaced", "", `{}`).Object,
	}}
	got := map[string]string{}
	for _, e := range s.endpoints() {
		got[e.key()] = e.ip
	}
	want := map[string]string{"a/plain": "10.0.0.1", "a/new": "10.0.0.5", "a/again": "10.0.0.6", "a/elsewhere": "10.0.1.7"}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for k, ip := range want {
		if got[k] != ip {
			t.Errorf("%s: got %q, want %q", k, got[k], ip)
		}
	}
}
