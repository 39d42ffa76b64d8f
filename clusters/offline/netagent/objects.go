package main

import (
	"encoding/json"
	"slices"
)

// Metadata is the part of an object's metadata that the agent reads.
type Metadata struct {
	Name, Namespace, UID, ResourceVersion string
	Labels, Annotations                   map[string]string
}

// Object is the union of the fields that the agent reads of a Node, Namespace, Pod and NetworkPolicy.
type Object struct {
	Metadata Metadata
	Spec     struct {
		PodCIDR string // Node

		NodeName                   string // Pod
		HostNetwork                bool
		Containers, InitContainers []Container

		PodSelector     Selector // NetworkPolicy
		PolicyTypes     []string
		Ingress, Egress []Rule
	}
	Status struct {
		Addresses []struct{ Type, Address string } // Node

		Phase, PodIP string // Pod
	}
}

// Container is a container's named ports; RestartPolicy tells sidecars among the init containers.
type Container struct {
	RestartPolicy string
	Ports         []struct {
		Name          string
		Protocol      string
		ContainerPort int
	}
}

// Rule is one element of spec.ingress (From) or spec.egress (To) of a NetworkPolicy.
type Rule struct {
	From, To []Peer
	Ports    []PolicyPort
}

// Peer names pods by selectors, or addresses by a block.
type Peer struct {
	PodSelector, NamespaceSelector *Selector
	IPBlock                        *IPBlock
}

// IPBlock is a CIDR without the CIDRs in Except.
type IPBlock struct {
	CIDR   string
	Except []string
}

// PolicyPort is a protocol with a port number, a range from Port to EndPort, or a container port's name.
type PolicyPort struct {
	Protocol string
	Port     json.RawMessage // number, string or absent
	EndPort  int
}

// Selector is a label selector.
type Selector struct {
	MatchLabels      map[string]string
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	}
}

// Matches follows k8s.io/apimachinery: NotIn holds where the label is absent, an empty selector matches all.
func (s Selector) Matches(labels map[string]string) bool {
	for key, want := range s.MatchLabels {
		if got, ok := labels[key]; !ok || got != want {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		value, has := labels[e.Key]
		ok := false
		switch e.Operator {
		case "In":
			ok = has && slices.Contains(e.Values, value)
		case "NotIn":
			ok = !has || !slices.Contains(e.Values, value)
		case "Exists":
			ok = has
		case "DoesNotExist":
			ok = !has
		}
		if !ok {
			return false
		}
	}
	return true
}

// internalIP is a node's address inside the cluster, or "".
func (o Object) internalIP() string {
	for _, a := range o.Status.Addresses {
		if a.Type == "InternalIP" {
			return a.Address
		}
	}
	return ""
}

// simulated nodes exist in the API only (KWOK): no route leads to them.
func (o Object) simulated() bool { return o.Metadata.Annotations["kwok.x-k8s.io/node"] != "" }

// key is "namespace/name".
func (o Object) key() string { return o.Metadata.Namespace + "/" + o.Metadata.Name }

// numbersOf lists the container ports of a pod that carry this name, over this protocol.
func (o Object) numbersOf(name, protocol string) []int {
	var out []int
	add := func(c Container) {
		for _, p := range c.Ports {
			if p.Name == name && (p.Protocol == protocol || p.Protocol == "" && protocol == "TCP") {
				out = append(out, p.ContainerPort)
			}
		}
	}
	for _, c := range o.Spec.Containers {
		add(c)
	}
	for _, c := range o.Spec.InitContainers {
		if c.RestartPolicy == "Always" { // a sidecar, which serves as long as the pod does
			add(c)
		}
	}
	return out
}

// hasType says whether a policy restricts this direction, "Ingress" or "Egress".
func (o Object) hasType(direction string) bool {
	if len(o.Spec.PolicyTypes) == 0 { // the API server fills this in; the defaults are the API's
		return direction == "Ingress" || len(o.Spec.Egress) > 0
	}
	return slices.Contains(o.Spec.PolicyTypes, direction)
}
