package main

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestRoutesLeadToTheOtherRealNodes(t *testing.T) {
	got := wantedRoutes("n1", nodes(t))
	if want := []route{{"10.0.1.0/24", "172.18.0.3"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseRoutes(t *testing.T) {
	got := parseRoutes("10.0.1.0/24 via 172.18.0.3 dev eth0 \n10.0.9.0/24 dev eth0 scope link\n\n10.0.2.0/24 via 172.18.0.4 dev eth0\n")
	if want := []route{{"10.0.1.0/24", "172.18.0.3"}, {"10.0.2.0/24", "172.18.0.4"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConflistEndsWithTheHold(t *testing.T) {
	text, err := conflist("10.0.0.0/24", 1400)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		CNIVersion string
		Plugins    []struct {
			Type string
			MTU  int
			IPAM struct{ Ranges [][]struct{ Subnet string } }
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if n := len(got.Plugins); n != 3 || got.Plugins[0].Type != "ptp" || got.Plugins[n-1].Type != pluginName {
		t.Fatalf("plugins: %s", text)
	}
	if got.Plugins[0].MTU != 1400 || got.Plugins[0].IPAM.Ranges[0][0].Subnet != "10.0.0.0/24" {
		t.Errorf("ptp: %s", text)
	}
}
