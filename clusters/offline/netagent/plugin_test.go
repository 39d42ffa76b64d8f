package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const addInput = `{"cniVersion":"0.3.1","prevResult":{"ips":[{"version":"4","address":"10.0.0.7/24"}]}}`

func call(t *testing.T, dir, command, input string) (string, error) {
	t.Helper()
	t.Setenv("CNI_CONTAINERID", "c1")
	t.Setenv("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=a;K8S_POD_NAME=web")
	var out strings.Builder
	err := runPlugin(dir, command, strings.NewReader(input), &out)
	return out.String(), err
}

func TestAddWaitsForTheRulesAndPassesTheResultOn(t *testing.T) {
	dir := t.TempDir()
	e := endpoint{parse(t, `{"metadata":{"namespace":"a","name":"web"}}`), "10.0.0.7"}
	acked := make(chan time.Time, 1)
	go func() {
		for {
			hs, err := holders(dir)
			if err != nil {
				t.Error(err)
				return
			}
			if len(hs) == 1 {
				time.Sleep(50 * time.Millisecond)
				acked <- time.Now()
				release(hs, []endpoint{e})
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	out, err := call(t, dir, "ADD", addInput)
	if err != nil {
		t.Fatal(err)
	}
	if time.Now().Before(<-acked) {
		t.Error("the pod was let go before its rules were in place")
	}
	if want := `{"ips":[{"version":"4","address":"10.0.0.7/24"}]}`; out != want {
		t.Errorf("result: got %s, want %s", out, want)
	}
	if _, err := call(t, dir, "DEL", addInput); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) != 0 {
		t.Errorf("DEL left %v", left)
	}
	if _, err := call(t, dir, "DEL", addInput); err != nil {
		t.Errorf("a second DEL must succeed: %v", err)
	}
}

func TestAddRefusesWhatItCannotHold(t *testing.T) {
	for _, input := range []string{"", "{", `{"prevResult":{}}`, `{"prevResult":[]}`} {
		if _, err := call(t, t.TempDir(), "ADD", input); err == nil {
			t.Errorf("%q was accepted", input)
		}
	}
}

func TestOnlyThePresentAddressIsReleased(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(dir+"/"+name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(dir+"/"+name, when, when); err != nil {
			t.Fatal(err)
		}
	}
	write("aaa", "a/web 10.0.0.2", time.Second) // the pod's second sandbox
	write("zzz", "a/web 10.0.0.1", time.Minute) // its first
	write("mmm", "a/api 10.0.0.3", time.Minute)
	write("nnn.tmp", "a/half", time.Second)
	hs, err := holders(dir)
	if err != nil {
		t.Fatal(err)
	}
	if held := heldAddresses(hs); held["a/web"] != "10.0.0.2" || held["a/api"] != "10.0.0.3" || len(held) != 2 {
		t.Errorf("held: %v", held)
	}
	release(hs, []endpoint{{parse(t, `{"metadata":{"namespace":"a","name":"web"}}`), "10.0.0.2"}})
	for name, want := range map[string]bool{"aaa": true, "zzz": false, "mmm": false} {
		if _, err := os.Stat(dir + "/" + name + ackSuffix); (err == nil) != want {
			t.Errorf("%s: released %v, want %v", name, err == nil, want)
		}
	}
}

func TestOnlyHoldersWakeTheAgent(t *testing.T) {
	dir := t.TempDir()
	woken := make(chan struct{}, 10)
	go func() { t.Error(watchHolders(dir, func() { woken <- struct{}{} })) }()
	expect := func(what string, want bool) {
		t.Helper()
		select {
		case <-woken:
			if !want {
				t.Errorf("%s woke the agent", what)
			}
		case <-time.After(200 * time.Millisecond):
			if want {
				t.Errorf("%s went unnoticed", what)
			}
		}
	}
	time.Sleep(100 * time.Millisecond) // until the watch is set
	if err := writeFile(dir+"/c1", []byte("a/web 10.0.0.1"), 0o644); err != nil {
		t.Fatal(err)
	}
	expect("a new sandbox", true)
	hs, err := holders(dir)
	if err != nil {
		t.Fatal(err)
	}
	release(hs, []endpoint{{parse(t, `{"metadata":{"namespace":"a","name":"web"}}`), "10.0.0.1"}})
	expect("an acknowledgement", false)
	if err := os.Remove(dir + "/c1"); err != nil {
		t.Fatal(err)
	}
	expect("a sandbox that ends", true)
}
