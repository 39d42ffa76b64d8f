package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// hostRoot is where the DaemonSet mounts the node's root directory.
const hostRoot = "/host"

// onHost runs a program of the node (ip, nft), since the agent's image holds nothing but the agent.
func onHost(stdin, name string, args ...string) (string, error) {
	cmd := &exec.Cmd{
		Path:        "/usr/sbin/" + name,
		Args:        append([]string{name}, args...),
		Env:         []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		Dir:         "/",
		Stdin:       strings.NewReader(stdin),
		SysProcAttr: &syscall.SysProcAttr{Chroot: hostRoot},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// writeFile replaces a file by rename: its readers (kubelet, containerd) never see half of it.
func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", content, mode); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
