package main

import (
	"fmt"
	"slices"
	"strings"
)

// snapshot is everything the rules of one node are made from.
type snapshot struct {
	node                              string
	nodes, namespaces, pods, policies []Object
	held                              map[string]string // addresses the CNI has just given out here, by "namespace/name"
}

// ruleset writes the whole nftables table; `nft -f` replaces it in one transaction.
//
// The forward hook runs after kube-proxy's DNAT (-100) and before its masquerade (+100), so both ends
// are real pod addresses. Traffic between two pods of one node crosses it once: egress and ingress
// are both judged in that pass, so an allowed packet *returns* from the first; `accept` would skip
// the second. The input hook is pod to own node. Output is never hooked: the kubelet's probes pass.
func (s snapshot) ruleset() string {
	var b strings.Builder
	endpoints := s.endpoints()
	var local []endpoint
	for _, e := range endpoints {
		if e.Spec.NodeName == s.node {
			local = append(local, e)
		}
	}
	b.WriteString("table ip netagent\ndelete table ip netagent\ntable ip netagent {\n")
	if inside := s.clusterAddresses(); len(inside) > 0 && len(local) > 0 {
		// Out of the cluster, pods stand behind the node's address: nobody there knows the way back.
		fmt.Fprintf(&b, "  chain outside { type nat hook postrouting priority srcnat + 10; ip saddr %s ip daddr != { %s } ip daddr != 127.0.0.0/8 masquerade; }\n",
			set(local), strings.Join(inside, ", "))
	}
	const established = "ct state established,related accept;"
	fmt.Fprintf(&b, "  chain forward { type filter hook forward priority filter - 10; %s %sjump %s; jump %s; }\n",
		established, toItself(local), egress.chain, ingress.chain)
	fmt.Fprintf(&b, "  chain input { type filter hook input priority filter - 10; %s jump %s; }\n", established, egress.chain)
	view := clusterView{namespaceLabels: map[string]map[string]string{}, pods: endpoints}
	for _, n := range s.namespaces {
		view.namespaceLabels[n.Metadata.Name] = n.Metadata.Labels
	}
	for _, d := range []direction{ingress, egress} {
		s.writeDirection(&b, d, view, local)
	}
	b.WriteString("}\n")
	return b.String()
}

// endpoints lists the pods that own an address, each address once. Host-network pods carry their
// node's address, and finished pods have given theirs back. What the CNI gave out on this node is
// newer than the status the API shows, so it wins.
func (s snapshot) endpoints() []endpoint {
	var out []endpoint
	owner := map[string]bool{}
	for _, fresh := range []bool{true, false} {
		for _, p := range s.pods {
			if p.Spec.HostNetwork || p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" {
				continue
			}
			ip, isHeld := p.Status.PodIP, false
			if p.Spec.NodeName == s.node {
				if held := s.held[p.key()]; held != "" {
					ip, isHeld = held, true
				}
			}
			if ip == "" || isHeld != fresh || owner[ip] {
				continue
			}
			owner[ip] = true
			out = append(out, endpoint{p, ip})
		}
	}
	slices.SortFunc(out, func(a, b endpoint) int { return strings.Compare(a.key(), b.key()) })
	return out
}

// clusterAddresses are the pod networks and the nodes' own addresses.
func (s snapshot) clusterAddresses() []string {
	var out []string
	for _, n := range s.nodes {
		if n.simulated() {
			continue
		}
		for _, address := range []string{n.Spec.PodCIDR, n.internalIP()} {
			if address != "" {
				out = append(out, address)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// toItself lets a pod reach itself, also through its own Service, under every policy. nft cannot
// compare two fields of a packet, so the pairs are spelled out.
func toItself(local []endpoint) string {
	if len(local) == 0 {
		return ""
	}
	pairs := make([]string, 0, len(local))
	for _, p := range local {
		pairs = append(pairs, p.ip+" . "+p.ip)
	}
	return "ip saddr . ip daddr { " + strings.Join(pairs, ", ") + " } accept; "
}

// writeDirection writes one chain for each group of local pods under the same policies, and the chain
// that sends packets there. A pod under no policy is in no group, so its packets pass.
func (s snapshot) writeDirection(b *strings.Builder, d direction, view clusterView, local []endpoint) {
	type group struct {
		policies []Object
		pods     []endpoint
	}
	groups := map[string]*group{}
	var order []string
	for _, pod := range local {
		var applied []Object
		var uids []string
		for _, policy := range s.policies {
			if policy.Metadata.Namespace == pod.Metadata.Namespace && policy.hasType(d.name) &&
				policy.Spec.PodSelector.Matches(pod.Metadata.Labels) {
				applied, uids = append(applied, policy), append(uids, policy.Metadata.UID)
			}
		}
		if len(applied) == 0 {
			continue
		}
		id := strings.Join(uids, ",")
		if groups[id] == nil {
			groups[id] = &group{policies: applied}
			order = append(order, id)
		}
		groups[id].pods = append(groups[id].pods, pod)
	}
	var dispatch []string
	for i, id := range order {
		chain := fmt.Sprintf("%s-%d", d.chain, i)
		fmt.Fprintf(b, "  chain %s {\n", chain)
		for _, policy := range groups[id].policies {
			for _, rule := range d.rules(policy) {
				for _, match := range view.matches(d, rule, policy.Metadata.Namespace, groups[id].pods) {
					// A comment holds at most 128 bytes.
					fmt.Fprintf(b, "    %s counter return comment \"%.100s\"\n", match, policy.key())
				}
			}
		}
		b.WriteString("    counter drop\n  }\n")
		for _, pod := range groups[id].pods {
			dispatch = append(dispatch, pod.ip+" : goto "+chain)
		}
	}
	fmt.Fprintf(b, "  chain %s {\n", d.chain)
	if len(dispatch) > 0 {
		fmt.Fprintf(b, "    %s vmap { %s }\n", d.pod, strings.Join(dispatch, ", "))
	}
	b.WriteString("  }\n")
}
