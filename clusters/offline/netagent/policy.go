package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A direction is one side of NetworkPolicy. Peer and pod are the packet fields that hold the other
// end and the pod under the policy.
type direction struct {
	name  string // as in spec.policyTypes
	chain string
	peer  string
	pod   string
}

var (
	ingress = direction{name: "Ingress", chain: "pod-ingress", peer: "ip saddr", pod: "ip daddr"}
	egress  = direction{name: "Egress", chain: "pod-egress", peer: "ip daddr", pod: "ip saddr"}
)

func (d direction) rules(policy Object) []Rule {
	if d.name == ingress.name {
		return policy.Spec.Ingress
	}
	return policy.Spec.Egress
}

func (d direction) peers(r Rule) []Peer {
	if d.name == ingress.name {
		return r.From
	}
	return r.To
}

// endpoint is a pod with an address of its own on the pod network.
type endpoint struct {
	Object
	ip string
}

// clusterView is what peers are resolved against.
type clusterView struct {
	namespaceLabels map[string]map[string]string
	pods            []endpoint
}

// set writes addresses as an nft set, each once.
func set(pods []endpoint) string {
	ips := make([]string, 0, len(pods))
	for _, p := range pods {
		ips = append(ips, p.ip)
	}
	slices.Sort(ips)
	return "{ " + strings.Join(slices.Compact(ips), ", ") + " }"
}

// peerMatch is one peer as an nft expression, with the pods that may stand behind it.
type peerMatch struct {
	expression string // "" for every address
	pods       []endpoint
}

// matches turns one rule into nft expressions; a packet that satisfies any of them is allowed.
// selected are the pods of this node under the policy.
func (v clusterView) matches(d direction, r Rule, namespace string, selected []endpoint) []string {
	var out []string
	for _, peer := range v.resolve(d, d.peers(r), namespace) {
		if len(r.Ports) == 0 {
			out = append(out, peer.expression)
		}
		for _, port := range r.Ports {
			receivers := selected
			if d.name == egress.name {
				receivers = peer.pods
			}
			for _, expression := range portMatches(port, receivers) {
				out = append(out, strings.TrimSpace(peer.expression+" "+expression))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// resolve gives each peer that can match an IPv4 packet. No peers at all means everyone.
func (v clusterView) resolve(d direction, peers []Peer, namespace string) []peerMatch {
	if len(peers) == 0 {
		return []peerMatch{{"", v.pods}}
	}
	var out []peerMatch
	for _, p := range peers {
		if p.IPBlock != nil {
			if expression, ok := p.IPBlock.expression(d.peer); ok {
				out = append(out, peerMatch{expression, v.pods})
			}
			continue
		}
		var hit []endpoint
		for _, pod := range v.pods {
			in := pod.Metadata.Namespace == namespace
			if p.NamespaceSelector != nil {
				in = p.NamespaceSelector.Matches(v.namespaceLabels[pod.Metadata.Namespace])
			}
			if in && (p.PodSelector == nil || p.PodSelector.Matches(pod.Metadata.Labels)) {
				hit = append(hit, pod)
			}
		}
		if len(hit) > 0 {
			out = append(out, peerMatch{d.peer + " " + set(hit), hit})
		}
	}
	return out
}

// expression is the block in terms of one address field; false for an IPv6 block, which no packet here matches.
// Exceptions are compared one by one, since they may overlap and an nft set may not.
func (b IPBlock) expression(field string) (string, bool) {
	block, ok := ipv4(b.CIDR)
	if !ok {
		return "", false
	}
	out := field + " " + block
	for _, except := range b.Except {
		if hole, ok := ipv4(except); ok {
			out += " " + field + " != " + hole
		}
	}
	return out, true
}

func ipv4(cidr string) (string, bool) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil || !prefix.Addr().Is4() {
		return "", false
	}
	return prefix.Masked().String(), true
}

// portMatches is one port of a policy. A name belongs to the pod that receives, and may be another
// number in each pod, so it becomes one expression for each number.
func portMatches(p PolicyPort, receivers []endpoint) []string {
	protocol := p.Protocol
	if protocol == "" {
		protocol = "TCP"
	}
	l4 := strings.ToLower(protocol)
	if len(p.Port) == 0 || string(p.Port) == "null" {
		return []string{"meta l4proto " + l4}
	}
	var number int
	if json.Unmarshal(p.Port, &number) == nil {
		if p.EndPort > number {
			return []string{fmt.Sprintf("%s dport %d-%d", l4, number, p.EndPort)}
		}
		return []string{fmt.Sprintf("%s dport %d", l4, number)}
	}
	var name string
	if json.Unmarshal(p.Port, &name) != nil {
		return nil
	}
	byNumber := map[int][]endpoint{}
	for _, pod := range receivers {
		for _, n := range pod.numbersOf(name, protocol) {
			byNumber[n] = append(byNumber[n], pod)
		}
	}
	var out []string
	for n, pods := range byNumber {
		out = append(out, fmt.Sprintf("ip daddr %s %s dport %d", set(pods), l4, n))
	}
	return out
}
