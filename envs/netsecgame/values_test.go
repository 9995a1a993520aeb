package netsecgame_test

import (
	"strings"
	"testing"

	"idsrl/envs/netsecgame"
)

// TestParseIP: what Python's ipaddress takes.
func TestParseIP(t *testing.T) {
	for text, want := range map[string]bool{
		"192.168.1.2": true, "0.0.0.0": true, "255.255.255.255": true, "::1": true, "fe80::1%eth0": true,
		"2001:DB8:0:0:0:0:0:1": true, "::ffff:1.2.3.4": true,
		"": false, "192.168.1": false, "192.168.01.2": false, "256.1.1.1": false, "1.2.3.4/32": false, " 1.2.3.4": false,
		"1.2.3.4 ": false, "::1%": false, ":::": false, "server": false, "random": false, "١.2.3.4": false,
		"fe80::1%" + strings.Repeat("z", 100): false,
	} {
		ip, err := netsecgame.ParseIP(text)
		if (err == nil) != want || err == nil && string(ip) != text {
			t.Errorf("ParseIP(%q) = %q, %v", text, ip, err)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]bool{
		"192.168.1.0/24": true, "192.168.1.7/24": true, "0.0.0.0/0": true, "1.2.3.4/32": true,
		"": false, "192.168.1.0": false, "192.168.1.0/33": false, "192.168.1.0/-1": false, "192.168.1.0/x": false, "::/0": false,
	} {
		n, err := netsecgame.ParseNetwork(text)
		if (err == nil) != want || err == nil && n.String() != text {
			t.Errorf("ParseNetwork(%q) = %v, %v", text, n, err)
		}
	}
}

func TestParseActionType(t *testing.T) {
	for kind := range netsecgame.ActionType(netsecgame.ActionTypes) {
		if got, ok := netsecgame.ParseActionType(kind.String()); !ok || got != kind {
			t.Errorf("ParseActionType(%q) = %v, %t", kind, got, ok)
		}
	}
	if _, ok := netsecgame.ParseActionType("scanNetwork"); ok {
		t.Error("case does not matter")
	}
}
