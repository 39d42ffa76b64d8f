package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"
	retryAfter     = 250 * time.Millisecond
)

// api is an authenticated way to the API server.
type api struct {
	server string
	client *http.Client
}

func newAPI() (*api, error) {
	ca, err := os.ReadFile(serviceAccount + "ca.crt")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("no certificate in " + serviceAccount + "ca.crt")
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
		// Without pings a watch whose server has vanished would look quiet for ever.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
	server := "https://" + os.Getenv("KUBERNETES_SERVICE_HOST") + ":" + os.Getenv("KUBERNETES_SERVICE_PORT")
	return &api{server: server, client: &http.Client{Transport: transport}}, nil
}

func (a *api) get(path string) (*http.Response, error) {
	request, err := http.NewRequest(http.MethodGet, a.server+path, nil)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(serviceAccount + "token") // the kubelet rotates it, so read it each time
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		response.Body.Close()
		return nil, fmt.Errorf("%s: %s", response.Status, body)
	}
	return response, nil
}

// mirror holds a copy of one resource, kept by LIST and WATCH.
type mirror struct {
	path    string
	changed func()

	mu     sync.Mutex
	items  map[string]Object // by UID
	synced bool              // a LIST has succeeded
}

// errExpired: the resource version to watch from is too old (410 Gone), so LIST again.
var errExpired = errors.New("watch expired")

func (m *mirror) run(a *api) {
	for {
		err := m.listAndWatch(a)
		if errors.Is(err, io.EOF) || errors.Is(err, errExpired) {
			continue // the server ends every watch now and then
		}
		log.Printf("watch %s: %v", m.path, err)
		time.Sleep(retryAfter)
	}
}

func (m *mirror) listAndWatch(a *api) error {
	response, err := a.get(m.path)
	if err != nil {
		return err
	}
	var list struct {
		Metadata Metadata
		Items    []Object
	}
	err = json.NewDecoder(response.Body).Decode(&list)
	response.Body.Close()
	if err != nil {
		return err
	}
	m.replace(list.Items)
	response, err = a.get(m.path + "?watch=1&timeoutSeconds=300&resourceVersion=" + list.Metadata.ResourceVersion)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for decoder := json.NewDecoder(response.Body); ; {
		var event struct {
			Type   string
			Object Object
		}
		if err := decoder.Decode(&event); err != nil {
			return err
		}
		if !m.apply(event.Type, event.Object) {
			return errExpired
		}
	}
}

func (m *mirror) replace(items []Object) {
	m.mu.Lock()
	m.items, m.synced = make(map[string]Object, len(items)), true
	for _, o := range items {
		m.items[o.Metadata.UID] = o
	}
	m.mu.Unlock()
	m.changed()
}

// apply takes one watch event; false if it is an error.
func (m *mirror) apply(kind string, o Object) bool {
	m.mu.Lock()
	switch kind {
	case "ADDED", "MODIFIED":
		m.items[o.Metadata.UID] = o
	case "DELETED":
		delete(m.items, o.Metadata.UID)
	default:
		m.mu.Unlock()
		return false
	}
	m.mu.Unlock()
	m.changed()
	return true
}

// all lists the objects by namespace and name, so that equal states give equal rules; false before the first LIST.
func (m *mirror) all() ([]Object, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Object, 0, len(m.items))
	for _, o := range m.items {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Object) int { return strings.Compare(a.key(), b.key()) })
	return out, m.synced
}
