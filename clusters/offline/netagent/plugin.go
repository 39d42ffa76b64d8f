package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A pod runs before the API server shows its address, so rules made from the API alone come about
// 0.1 s late and a new pod's first packets pass unfiltered. Therefore the same binary is also the
// last plugin of the CNI chain: it tells the agent of this node the new address and holds the pod
// back until the rules for it are in place. Where the agent is down, no pod starts.

const (
	pluginName = "netagent-hold"
	pluginFile = hostRoot + "/opt/cni/bin/" + pluginName
	// holdDir has one file for each sandbox, "namespace/name address", and beside it an empty
	// file ending in ackSuffix once the rules are in place.
	holdDir   = "/run/netagent"
	ackSuffix = ".ok"

	holdAtMost = 5 * time.Second // then the kubelet tries the sandbox again
	holdPoll   = 10 * time.Millisecond

	tryAgainLater = 11 // error code of the CNI specification
)

// runPlugin answers one call of the container runtime.
func runPlugin(dir, command string, stdin io.Reader, stdout io.Writer) error {
	var input struct {
		CNIVersion string          `json:"cniVersion"`
		PrevResult json.RawMessage `json:"prevResult"`
	}
	if command == "VERSION" {
		_, err := fmt.Fprint(stdout, `{"cniVersion":"0.3.1","supportedVersions":["0.3.1"]}`)
		return err
	}
	if err := json.NewDecoder(stdin).Decode(&input); err != nil {
		return fmt.Errorf("configuration on standard input: %w", err)
	}
	file := dir + "/" + os.Getenv("CNI_CONTAINERID")
	switch command {
	case "DEL": // before host-local gives the address to another pod
		for _, f := range []string{file, file + ackSuffix} {
			if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		return nil
	case "ADD":
		if err := hold(dir, file, input.PrevResult); err != nil {
			return err
		}
		_, err := stdout.Write(input.PrevResult)
		return err
	default: // CHECK has nothing to look at
		return nil
	}
}

func hold(dir, file string, previous json.RawMessage) error {
	var result struct{ IPs []struct{ Address string } }
	if err := json.Unmarshal(previous, &result); err != nil {
		return fmt.Errorf("prevResult: %w", err)
	}
	if len(result.IPs) == 0 {
		return fmt.Errorf("prevResult has no address")
	}
	ip, _, _ := strings.Cut(result.IPs[0].Address, "/")
	pod := podName(os.Getenv("CNI_ARGS"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := writeFile(file, []byte(pod+" "+ip), 0o644); err != nil {
		return err
	}
	for end := time.Now().Add(holdAtMost); time.Now().Before(end); time.Sleep(holdPoll) {
		if _, err := os.Stat(file + ackSuffix); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the agent has not programmed the rules of pod %s at %s within %v", pod, ip, holdAtMost)
}

// podName is "namespace/name" out of CNI_ARGS.
func podName(args string) string {
	arg := map[string]string{}
	for pair := range strings.SplitSeq(args, ";") {
		key, value, _ := strings.Cut(pair, "=")
		arg[key] = value
	}
	return arg["K8S_POD_NAMESPACE"] + "/" + arg["K8S_POD_NAME"]
}

// pluginMain is main for the CNI plugin: errors go to standard output, as the specification wants.
func pluginMain() {
	err := runPlugin(holdDir, os.Getenv("CNI_COMMAND"), os.Stdin, os.Stdout)
	if err == nil {
		return
	}
	message, _ := json.Marshal(map[string]any{"cniVersion": "0.3.1", "code": tryAgainLater, "msg": pluginName + ": " + err.Error()})
	fmt.Println(string(message))
	os.Exit(1)
}
