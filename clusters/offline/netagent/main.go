// netagent gives one kind node its pod network and enforces NetworkPolicy (networking.k8s.io/v1).
//
// It runs as a host-network DaemonSet with the node's root at /host, needs no library outside Go's
// own, and keeps three things of its node in step with the API: the CNI configuration made from the
// node's podCIDR, the routes to the other nodes' pods, and one nftables table. IPv4 only.
package main

import (
	"log"
	"os"
	"time"
)

const (
	settle     = 20 * time.Millisecond // lets a burst of events become one change
	retryRules = time.Second
)

type agent struct {
	node                              string
	nodes, namespaces, pods, policies *mirror
	wake                              chan struct{}
	applied                           string // the rules in force
	network                           network
}

func (a *agent) poke() {
	select {
	case a.wake <- struct{}{}:
	default: // one wake-up is enough for any number of changes
	}
}

// look takes a snapshot; false before every resource has been listed once.
func (a *agent) look() (snapshot, bool) {
	s := snapshot{node: a.node}
	ready := true
	for mirror, into := range map[*mirror]*[]Object{
		a.nodes: &s.nodes, a.namespaces: &s.namespaces, a.pods: &s.pods, a.policies: &s.policies,
	} {
		items, synced := mirror.all()
		*into, ready = items, ready && synced
	}
	return s, ready
}

// sync brings the node up to date; an error means that what was in force before still is.
func (a *agent) sync() error {
	// The hold directory first: a pod held after this look wakes the agent again.
	waiting, err := holders(hostRoot + holdDir)
	if err != nil {
		return err
	}
	s, ready := a.look()
	if !ready {
		return nil
	}
	s.held = heldAddresses(waiting)
	if rules := s.ruleset(); rules != a.applied {
		start := time.Now()
		if _, err := onHost(rules, "nft", "-f", "-"); err != nil {
			return err
		}
		a.applied = rules
		log.Printf("applied %d bytes of rules in %v", len(rules), time.Since(start).Round(time.Millisecond))
	}
	release(waiting, s.endpoints())
	return a.network.sync(a.node, s.nodes)
}

func main() {
	if os.Getenv("CNI_COMMAND") != "" {
		pluginMain()
		return
	}
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	a := &agent{node: os.Getenv("NODE_NAME"), wake: make(chan struct{}, 1)}
	if a.node == "" {
		log.Fatal("NODE_NAME is not set")
	}
	for path, into := range map[string]**mirror{
		"/api/v1/nodes": &a.nodes, "/api/v1/namespaces": &a.namespaces, "/api/v1/pods": &a.pods,
		"/apis/networking.k8s.io/v1/networkpolicies": &a.policies,
	} {
		*into = &mirror{path: path, changed: a.poke}
	}
	// The plugin must lie there before sync writes the configuration that names it.
	if err := installPlugin(); err != nil {
		log.Fatal(err)
	}
	for _, m := range []*mirror{a.nodes, a.namespaces, a.pods, a.policies} {
		go m.run(api)
	}
	go func() { log.Fatal(watchHolders(hostRoot+holdDir, a.poke)) }() // the DaemonSet starts the agent again
	for range a.wake {
		time.Sleep(settle)
		if err := a.sync(); err != nil {
			log.Print(err)
			time.Sleep(retryRules)
			a.poke()
		}
	}
}
