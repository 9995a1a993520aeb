package netsecgame

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// An IP is the text of an IPv4 or IPv6 address. Addresses are compared as text, as the game does.
type IP string

// ParseIP accepts what Python's ipaddress accepts: an address without leading zeros and without a mask. The zone of an
// IPv6 address must be short.
func ParseIP(text string) (IP, error) {
	if _, err := netip.ParseAddr(text); err != nil || len(text) > maxIP {
		return "", fmt.Errorf("%q is no address", text)
	}
	return IP(text), nil
}

const maxIP = 100 // bytes

// v4 returns the number of an IPv4 address.
func (ip IP) v4() (number uint32, ok bool) {
	a, err := netip.ParseAddr(string(ip))
	if err != nil || !a.Is4() {
		return 0, false
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:]), true
}

// ipOf is the inverse of v4.
func ipOf(number uint32) IP {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], number)
	return IP(netip.AddrFrom4(b).String())
}

// A Network is an address, not necessarily aligned to the mask, and the length of its prefix.
type Network struct {
	IP   IP
	Mask int
}

// ParseNetwork reads the notation a.b.c.d/n.
func ParseNetwork(text string) (Network, error) {
	address, mask, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(mask)
	if _, ok := IP(address).v4(); !ok || err != nil || n < 0 || n > 32 {
		return Network{}, fmt.Errorf("%q is no network", text)
	}
	return Network{IP(address), n}, nil
}

// String returns the notation a.b.c.d/n.
func (n Network) String() string { return fmt.Sprintf("%s/%d", n.IP, n.Mask) }

// block returns the addresses in n, none of the game's if n is an IPv6 network. It is not ok if n is no network at all.
func (n Network) block() (b block, ok bool) {
	a, err := netip.ParseAddr(string(n.IP))
	if err != nil || n.Mask < 0 || n.Mask > a.BitLen() {
		return nowhere, false
	}
	ip, v4 := n.IP.v4()
	if !v4 {
		return nowhere, true
	}
	mask := ^uint32(0) << (32 - n.Mask)
	return block{ip & mask, mask}, true
}

// compare orders networks by the number of their address, then by mask.
func (n Network) compare(o Network) int {
	x, _ := n.IP.v4()
	y, _ := o.IP.v4()
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(n.Mask, o.Mask))
}

// A Service is what runs on a host.
type Service struct {
	Name, Type, Version string
	Local               bool // offered to the host itself only
}

// Data is a file. Two of them are the same if owner, id and type are.
type Data struct {
	Owner, ID string
	Size      int
	Type      string
	Content   string
}

// A DataKey is what identifies Data.
type DataKey struct{ Owner, ID, Type string }

// Key returns what identifies d.
func (d Data) Key() DataKey { return DataKey{d.Owner, d.ID, d.Type} }

func (k DataKey) compare(o DataKey) int {
	return cmp.Or(cmp.Compare(k.Owner, o.Owner), cmp.Compare(k.ID, o.ID), cmp.Compare(k.Type, o.Type))
}

// LogFile is the key of every host's log.
var LogFile = DataKey{"system", "logfile", "log"}

// ActionType is the kind of an action of the game. Joining, resetting and leaving are no actions.
type ActionType uint8

// The actions, in the order in which the game lists them.
const (
	ScanNetwork ActionType = iota
	FindServices
	FindData
	ExploitService
	ExfiltrateData
	BlockIP
	ActionTypes = 6
)

var actionNames = [ActionTypes]string{
	"ScanNetwork", "FindServices", "FindData", "ExploitService", "ExfiltrateData", "BlockIP",
}

// String returns the name as on the wire, without prefix.
func (t ActionType) String() string { return actionNames[t] }

// ParseActionType is the inverse of [ActionType.String].
func ParseActionType(name string) (ActionType, bool) {
	for t, n := range actionNames {
		if n == name {
			return ActionType(t), true
		}
	}
	return 0, false
}

// Params is a set of parameters of an action.
type Params uint8

// The parameters.
const (
	SourceHost Params = 1 << iota
	TargetHost
	BlockedHost
	BlockedIP // a synonym of BlockedHost, used by the list of all actions
	TargetNetwork
	TargetService
	TargetData
)

// An Action is an action by the names of things, as agents see it. Actions are comparable: equal values, equal
// actions. Parameters that are not in Has are zero.
type Action struct {
	Type          ActionType
	Has           Params
	SourceHost    IP
	TargetHost    IP
	BlockedHost   IP
	BlockedIP     IP
	TargetNetwork Network
	TargetService Service
	Data          Data
}

// A GameState is what an agent knows, by the names of things. Lists are sets, here without repetition and in a fixed
// order that means nothing.
type GameState struct {
	KnownNetworks   []Network
	KnownHosts      []IP
	ControlledHosts []IP
	KnownServices   map[IP][]Service
	KnownData       map[IP][]Data
	KnownBlocks     map[IP][]IP
}
