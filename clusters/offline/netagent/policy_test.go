package main

import (
	"encoding/json"
	"slices"
	"testing"
)

// parse reads an object as the API server writes it.
func parse(t *testing.T, text string) Object {
	t.Helper()
	var o Object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func pod(t *testing.T, namespace, name, ip, labels string) endpoint {
	t.Helper()
	o := parse(t, `{"metadata":{"namespace":"`+namespace+`","name":"`+name+`","uid":"`+name+`","labels":`+labels+`},
		"spec":{"nodeName":"n1","containers":[{"ports":[{"name":"http","containerPort":8080}]}]},
		"status":{"phase":"Running","podIP":"`+ip+`"}}`)
	return endpoint{o, ip}
}

func TestSelectorFollowsTheAPIsRules(t *testing.T) {
	labels := map[string]string{"app": "web", "tier": ""}
	for _, c := range []struct {
		selector string
		want     bool
	}{
		{`{}`, true},
		{`{"matchLabels":{"app":"web"}}`, true},
		{`{"matchLabels":{"app":"api"}}`, false},
		{`{"matchLabels":{"tier":""}}`, true},
		{`{"matchLabels":{"gone":""}}`, false},
		{`{"matchExpressions":[{"key":"app","operator":"In","values":["api","web"]}]}`, true},
		{`{"matchExpressions":[{"key":"gone","operator":"In","values":[""]}]}`, false},
		{`{"matchExpressions":[{"key":"app","operator":"NotIn","values":["web"]}]}`, false},
		{`{"matchExpressions":[{"key":"gone","operator":"NotIn","values":["web"]}]}`, true},
		{`{"matchExpressions":[{"key":"tier","operator":"Exists"}]}`, true},
		{`{"matchExpressions":[{"key":"tier","operator":"DoesNotExist"}]}`, false},
		{`{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"gone","operator":"Exists"}]}`, false},
		{`{"matchExpressions":[{"key":"app","operator":"Near","values":["web"]}]}`, false},
	} {
		var s Selector
		if err := json.Unmarshal([]byte(c.selector), &s); err != nil {
			t.Fatal(err)
		}
		if got := s.Matches(labels); got != c.want {
			t.Errorf("%s: got %v, want %v", c.selector, got, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	web := pod(t, "a", "web", "10.0.0.1", `{"app":"web"}`)
	api := pod(t, "a", "api", "10.0.0.2", `{"app":"api"}`)
	api.Spec.Containers[0].Ports[0].ContainerPort = 9000
	other := pod(t, "b", "web", "10.0.1.1", `{"app":"web"}`)
	view := clusterView{
		namespaceLabels: map[string]map[string]string{"a": {"team": "a"}, "b": {"team": "b"}},
		pods:            []endpoint{web, api, other},
	}
	for name, c := range map[string]struct {
		d    direction
		rule string
		want []string
	}{
		"an empty rule allows everyone": {ingress, `{}`, []string{""}},
		"a bare pod selector stays in its namespace": {ingress, `{"from":[{"podSelector":{"matchLabels":{"app":"web"}}}]}`,
			[]string{"ip saddr { 10.0.0.1 }"}},
		"namespace and pod selector must both match": {ingress, `{"from":[{"namespaceSelector":{"matchLabels":{"team":"b"}},"podSelector":{"matchLabels":{"app":"web"}}}]}`,
			[]string{"ip saddr { 10.0.1.1 }"}},
		"two peers are alternatives": {ingress, `{"from":[{"namespaceSelector":{"matchLabels":{"team":"b"}}},{"podSelector":{}}]}`,
			[]string{"ip saddr { 10.0.0.1, 10.0.0.2 }", "ip saddr { 10.0.1.1 }"}},
		"a selector that matches nobody allows nobody": {ingress, `{"from":[{"podSelector":{"matchLabels":{"app":"gone"}}}]}`, nil},
		"a port without peers":                         {ingress, `{"ports":[{"port":80}]}`, []string{"tcp dport 80"}},
		"a protocol without a port":                    {ingress, `{"ports":[{"protocol":"UDP"}]}`, []string{"meta l4proto udp"}},
		"a range":                                      {ingress, `{"ports":[{"port":8000,"endPort":8090}]}`, []string{"tcp dport 8000-8090"}},
		"peers times ports": {egress, `{"to":[{"podSelector":{"matchLabels":{"app":"api"}}}],"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]}`,
			[]string{"ip daddr { 10.0.0.2 } tcp dport 53", "ip daddr { 10.0.0.2 } udp dport 53"}},
		"a named ingress port is the selected pod's": {ingress, `{"from":[{"podSelector":{"matchLabels":{"app":"api"}}}],"ports":[{"port":"http"}]}`,
			[]string{"ip saddr { 10.0.0.2 } ip daddr { 10.0.0.1 } tcp dport 8080"}},
		"a named egress port is the receiver's, a number for each": {egress, `{"to":[{"podSelector":{}}],"ports":[{"port":"http"}]}`,
			[]string{"ip daddr { 10.0.0.1, 10.0.0.2 } ip daddr { 10.0.0.1 } tcp dport 8080", "ip daddr { 10.0.0.1, 10.0.0.2 } ip daddr { 10.0.0.2 } tcp dport 9000"}},
		"a name nobody has allows nothing": {ingress, `{"ports":[{"port":"metrics"}]}`, nil},
		"a name over another protocol":     {ingress, `{"ports":[{"port":"http","protocol":"UDP"}]}`, nil},
		"a block with overlapping exceptions": {ingress, `{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16","10.1.2.0/24"]}}]}`,
			[]string{"ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 ip saddr != 10.1.2.0/24"}},
		"a block keeps its exceptions beside a named port": {egress, `{"to":[{"ipBlock":{"cidr":"10.0.0.0/24","except":["10.0.0.2/32"]}}],"ports":[{"port":"http"}]}`,
			[]string{"ip daddr 10.0.0.0/24 ip daddr != 10.0.0.2/32 ip daddr { 10.0.0.1, 10.0.1.1 } tcp dport 8080", "ip daddr 10.0.0.0/24 ip daddr != 10.0.0.2/32 ip daddr { 10.0.0.2 } tcp dport 9000"}},
		"an IPv6 block matches no IPv4 packet": {ingress, `{"from":[{"ipBlock":{"cidr":"fd00::/8"}}]}`, nil},
		"host bits in a block are cleared":     {ingress, `{"from":[{"ipBlock":{"cidr":"10.0.0.9/24"}}]}`, []string{"ip saddr 10.0.0.0/24"}},
	} {
		t.Run(name, func(t *testing.T) {
			var r Rule
			if err := json.Unmarshal([]byte(c.rule), &r); err != nil {
				t.Fatal(err)
			}
			if got := view.matches(c.d, r, "a", []endpoint{web}); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestNamedPortsOfSidecarsCount(t *testing.T) {
	o := parse(t, `{"spec":{"containers":[{"ports":[{"name":"http","containerPort":80,"protocol":"TCP"}]}],
		"initContainers":[{"restartPolicy":"Always","ports":[{"name":"http","containerPort":81}]},{"ports":[{"name":"http","containerPort":82}]}]}}`)
	if got := o.numbersOf("http", "TCP"); !slices.Equal(got, []int{80, 81}) {
		t.Errorf("got %v", got)
	}
}

func TestPolicyTypesDefault(t *testing.T) {
	for text, want := range map[string][2]bool{
		`{"spec":{}}`:                                                    {true, false},
		`{"spec":{"egress":[{}]}}`:                                       {true, true},
		`{"spec":{"policyTypes":["Egress"]}}`:                            {false, true},
		`{"spec":{"policyTypes":["Ingress","Egress"]}}`:                  {true, true},
		`{"spec":{"policyTypes":["Ingress"],"egress":[{"ports":null}]}}`: {true, false},
	} {
		o := parse(t, text)
		if got := [2]bool{o.hasType("Ingress"), o.hasType("Egress")}; got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
