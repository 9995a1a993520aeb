package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Attackers of the agent play on the server's shipped task: who looks for the goal wins, and the table says so.
func TestAgent(t *testing.T) {
	task, err := filepath.Abs("../../envs/netsecgame/tasks/two_networks_small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	address := launch(t, t.TempDir(), nil, "serve", "--task", task, "--port", "0").address(t)
	out := must(t, "agent", "--connect", address, "--policy", "bfs", "--episodes", "3", "--format", "csv")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || lines[0] != "role,policy,episodes,win_rate,win_low,win_high,return,steps" || !strings.HasPrefix(lines[1], "attacker,bfs,3,1,") {
		t.Error(out)
	}
}

// What any algorithm has learnt plays on a server, also under new addresses; what knows how to win does win there.
func TestAgentLearnt(t *testing.T) {
	dir := t.TempDir()
	task := readFile(t, "../../envs/netsecgame/tasks/two_networks_small.yaml")
	for old, now := range map[string]string{
		"scenario: two_networks_small": "scenario: two_networks_tiny", "DatabaseData]]": "DataFromServer1]]",
		"use_dynamic_addresses: false": "use_dynamic_addresses: true",
	} {
		task = strings.Replace(task, old, now, 1)
	}
	address := launch(t, dir, nil, "serve", "--task", writeFile(t, filepath.Join(dir, "task.yaml"), task), "--port", "0").address(t)
	for name, flags := range map[string][]string{
		"tabular-q": {"--episodes", "4000"}, "dqn": nil, "reinforce": nil, "actor-critic": nil,
		"ppo": {"--set", "network.lstm=8"},
	} {
		run := filepath.Join(dir, name)
		args := append([]string{"train", "--env", "netsecgame-two_networks_tiny-attacker-v0", "--algo", name, "--out", run}, small...)
		must(t, append(args, flags...)...)
		for _, kind := range []string{"checkpoint:", "greedy:"} {
			out := must(t, "agent", "--connect", address, "--policy", kind+run, "--episodes", "3", "--new-addresses", "--format", "csv")
			if !strings.Contains(out, "\nattacker,"+kind+run+",3,") {
				t.Errorf("%s%s: %s", kind, name, out)
			}
			if won := strings.Contains(out, ",3,1,"); name == "tabular-q" && kind == "greedy:" && !won {
				t.Errorf("%s%s: %s", kind, name, out)
			}
		}
	}
	run, both := filepath.Join(dir, "tabular-q"), filepath.Join(dir, "both")
	must(t, append([]string{"train", "--env", "netsecgame-two_networks_tiny-v0", "--algo", "tabular-q", "--out", both}, small...)...)
	out := must(t, "agent", "--connect", address, "--policy", "checkpoint:"+both, "--role", "attacker", "--format", "csv")
	if !strings.Contains(out, "\nattacker,") {
		t.Error(out)
	}
	for flags, want := range map[string]string{
		"--role defender --policy greedy:" + run:                      "defender",
		"--policy bot:bfs":                                            "checkpoint:RUN",
		"--policy greedy:" + both:                                     "attacker and the defender; name one",
		"--policy greedy:" + dir:                                      dir,
		"--policy greedy:" + trained(t, "idsgame-minimal_defense-v2"): "not NetSecGame",
	} {
		if o := idsrl(append([]string{"agent", "--connect", address}, strings.Fields(flags)...)...); o.code == exitOK || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v", flags, o)
		}
	}
}

// Server and agent show each other certificates; who shows none, or knows nothing of the server's, is not let in.
func TestAgentTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	task, err := filepath.Abs("../../envs/netsecgame/tasks/two_networks_small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tokens := writeFile(t, filepath.Join(dir, "tokens.yaml"), "attacker: secret\n")
	address := launch(t, dir, nil, "serve", "--task", task, "--port", "0", "--tokens", tokens,
		"--tls-cert", cert, "--tls-key", key, "--tls-client-ca", cert).address(t)
	for _, test := range []struct {
		flags string
		code  int
	}{
		{"--ca " + cert + " --cert " + cert + " --key " + key + " --token secret", exitOK},
		{"--ca " + cert + " --cert " + cert + " --key " + key, exitFailure},
		{"--ca " + cert + " --token secret", exitFailure},
		{"--tls --cert " + cert + " --key " + key + " --token secret", exitFailure},
	} {
		o := idsrl(append([]string{"agent", "--connect", address, "--policy", "bfs"}, strings.Fields(test.flags)...)...)
		if o.code != test.code {
			t.Errorf("%s: %+v", test.flags, o)
		}
	}
}

// certificate makes a certificate for 127.0.0.1 that is signed by itself, and is good for servers and clients.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{{127, 0, 0, 1}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:        true, BasicConstraintsValid: true,
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, kind string, data []byte) string {
		return writeFile(t, filepath.Join(dir, name), string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})))
	}
	return file("cert.pem", "CERTIFICATE", public), file("key.pem", "PRIVATE KEY", secret)
}

// Odd flags are refused before anything is connected.
func TestAgentRefuses(t *testing.T) {
	for _, test := range []struct {
		flags string
		code  int
		want  string
	}{
		{"x", exitUsage, `"x"`},
		{"--connect 9000", exitUsage, "HOST:PORT"},
		{"--episodes 0", exitUsage, "--episodes"},
		{"--role judge", exitUsage, "benign"},
		{"--policy bfz", exitUsage, "bfs"},
		{"--role benign --policy bfs", exitUsage, "random"},
		{"--delay -1s", exitUsage, "--delay"},
		{"--cert x", exitUsage, "--ca"},
		{"--ca missing.pem", exitUsage, "missing.pem"},
		{"--ca agent.go", exitUsage, "no certificate"},
		{"--tls --cert missing.pem", exitUsage, "--cert, --key"},
		{"--connect 127.0.0.1:1", exitFailure, "idsrl serve --task"},
	} {
		o := idsrl(append([]string{"agent"}, strings.Fields(test.flags)...)...)
		if o.code != test.code || !strings.Contains(o.stderr, test.want) || o.stdout != "" {
			t.Errorf("%s: %+v", test.flags, o)
		}
	}
}
