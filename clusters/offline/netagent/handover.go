package main

import (
	"cmp"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// installPlugin copies this binary to where containerd looks for CNI plugins.
func installPlugin() error {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(hostRoot+holdDir, 0o755); err != nil {
		return err
	}
	return writeFile(pluginFile, self, 0o755)
}

// A holder is a sandbox the CNI has given an address to.
type holder struct {
	file, pod, ip string
	acked         bool
}

// holders reads the hold directory, oldest first: of two sandboxes of one pod the later one lives.
func holders(dir string) ([]holder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	type dated struct {
		holder
		written time.Time
	}
	var found []dated
	acked := map[string]bool{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ackSuffix); ok {
			acked[name] = true
		}
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".") { // an acknowledgement, or a file still being written
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // deleted meanwhile
		}
		content, err := os.ReadFile(dir + "/" + e.Name())
		if err != nil {
			continue
		}
		if pod, ip, ok := strings.Cut(string(content), " "); ok {
			found = append(found, dated{holder{dir + "/" + e.Name(), pod, ip, acked[e.Name()]}, info.ModTime()})
		}
	}
	slices.SortStableFunc(found, func(a, b dated) int { return cmp.Compare(a.written.UnixNano(), b.written.UnixNano()) })
	out := make([]holder, 0, len(found))
	for _, f := range found {
		out = append(out, f.holder)
	}
	return out, nil
}

// heldAddresses is the present address of each pod in holders.
func heldAddresses(hs []holder) map[string]string {
	out := map[string]string{}
	for _, h := range hs {
		out[h.pod] = h.ip
	}
	return out
}

// release lets go the sandboxes whose pod and address are in the rules just applied.
func release(hs []holder, applied []endpoint) {
	for _, h := range hs {
		if h.acked || !slices.ContainsFunc(applied, func(e endpoint) bool { return e.key() == h.pod && e.ip == h.ip }) {
			continue
		}
		if err := os.WriteFile(h.file+ackSuffix, nil, 0o644); err != nil {
			log.Print(err)
		}
	}
}

// watchHolders calls changed when a sandbox comes to the hold directory or leaves it. Acknowledgements
// are written in place, not moved there, so the agent does not wake itself.
func watchHolders(dir string, changed func()) error {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("inotify (is fs.inotify.max_user_instances used up?): %w", err)
	}
	defer syscall.Close(fd)
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_MOVED_TO|syscall.IN_DELETE); err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	events := make([]byte, 4096) // which files they name does not matter
	for {
		if _, err := syscall.Read(fd, events); err != nil && err != syscall.EINTR {
			return fmt.Errorf("watch %s: %w", dir, err)
		}
		changed()
	}
}
