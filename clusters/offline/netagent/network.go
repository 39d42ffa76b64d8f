package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	conflistFile = hostRoot + "/etc/cni/net.d/10-netagent.conflist"
	// routeProtocol marks our routes in `ip route`. Numbers with a name in rt_protos print as that name.
	routeProtocol = "77"
	defaultMTU    = 1500
	repairAfter   = 30 * time.Second
)

// conflist is the CNI configuration of one node: a veth pair for each pod with a route to its
// address, host ports, and last the plugin that waits for the pod's rules.
func conflist(podCIDR string, mtu int) ([]byte, error) {
	type object = map[string]any
	return json.Marshal(object{
		"cniVersion": "0.3.1",
		"name":       "netagent",
		"plugins": []object{
			{
				"type": "ptp", "ipMasq": false, "mtu": mtu,
				"ipam": object{
					"type": "host-local", "dataDir": "/run/cni-ipam-state",
					"routes": []object{{"dst": "0.0.0.0/0"}},
					"ranges": [][]object{{{"subnet": podCIDR}}},
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
			{"type": pluginName},
		},
	})
}

// mtuOf is the MTU of the interface that carries this address.
func mtuOf(address string) int {
	interfaces, err := net.Interfaces()
	if err != nil {
		return defaultMTU
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			if prefix, ok := a.(*net.IPNet); ok && prefix.IP.String() == address {
				return i.MTU
			}
		}
	}
	return defaultMTU
}

// writeConflist makes the node ready for pods, once the controller manager has given it a podCIDR.
func writeConflist(self Object) error {
	if self.Spec.PodCIDR == "" {
		return nil
	}
	want, err := conflist(self.Spec.PodCIDR, mtuOf(self.internalIP()))
	if err != nil {
		return err
	}
	if have, err := os.ReadFile(conflistFile); err == nil && string(have) == string(want) {
		return nil
	}
	if err := writeFile(conflistFile, want, 0o644); err != nil {
		return err
	}
	log.Printf("wrote %s for %s", conflistFile, self.Spec.PodCIDR)
	return nil
}

// route leads to the pods of another node.
type route struct{ to, via string }

// wantedRoutes is one route for each other node that has a network.
func wantedRoutes(self string, nodes []Object) []route {
	var out []route
	for _, n := range nodes {
		ip := n.internalIP()
		if n.Metadata.Name == self || n.Spec.PodCIDR == "" || ip == "" || n.simulated() {
			continue
		}
		out = append(out, route{n.Spec.PodCIDR, ip})
	}
	return out
}

// parseRoutes reads `ip -4 route show proto 77`.
func parseRoutes(text string) []route {
	var out []route
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 3 && f[1] == "via" {
			out = append(out, route{f[0], f[2]})
		}
	}
	return out
}

// syncRoutes deletes stale routes and adds missing ones, and leaves everybody else's alone.
func syncRoutes(self string, nodes []Object) error {
	text, err := onHost("", "ip", "-4", "route", "show", "proto", routeProtocol)
	if err != nil {
		return err
	}
	have, want := parseRoutes(text), wantedRoutes(self, nodes)
	var failures []error
	change := func(verb string, r route) {
		log.Printf("route %s %s via %s", verb, r.to, r.via)
		_, err := onHost("", "ip", "-4", "route", verb, r.to, "via", r.via, "proto", routeProtocol)
		failures = append(failures, err)
	}
	for _, r := range have {
		if !slices.Contains(want, r) {
			change("del", r)
		}
	}
	for _, r := range want {
		if !slices.Contains(have, r) {
			change("replace", r)
		}
	}
	return errors.Join(failures...)
}

// network remembers what was last set up, since looking costs a process each time.
type network struct {
	state   string // what the set-up was made from
	checked time.Time
}

// sync brings configuration and routes of this node up to date when the nodes have changed, and
// repairs them now and then in any case.
func (n *network) sync(self string, nodes []Object) error {
	i := slices.IndexFunc(nodes, func(o Object) bool { return o.Metadata.Name == self })
	if i < 0 {
		return fmt.Errorf("the API server knows no node `%s`", self)
	}
	state := fmt.Sprint(nodes[i].Spec.PodCIDR, nodes[i].internalIP(), wantedRoutes(self, nodes))
	if state == n.state && time.Since(n.checked) < repairAfter {
		return nil
	}
	if err := errors.Join(syncRoutes(self, nodes), writeConflist(nodes[i])); err != nil {
		return err
	}
	n.state, n.checked = state, time.Now()
	return nil
}
