package netsecgame

import (
	"cmp"
	"slices"
)

// A Topology is which addresses are in which networks.
type Topology struct {
	Networks  []Network
	Addresses []IP
	In        []int // by address, index of its network
}

// byText returns the indices of the networks in the order of their texts.
func (t *Topology) byText() []int {
	order := make([]int, len(t.Networks))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(t.Networks[i].String(), t.Networks[j].String()) })
	return order
}

// renumber draws new addresses. A public network gets any public one. Private networks keep their distances: the first
// one gets a private address, the others follow; if one of them is not private then, all are drawn again. Hosts keep
// their offset in their network.
func (t *Topology) renumber(d dice) {
	old, offsets := slices.Clone(t.Networks), t.offsets()
	for range maxDraws {
		t.renumberNetworks(old, d)
		t.settle(offsets)
		if distinct(t.Addresses) {
			return
		}
	}
}

// offsets returns where in their networks addresses are.
func (t *Topology) offsets() []uint32 {
	offsets := make([]uint32, len(t.Addresses))
	for i, ip := range t.Addresses {
		number, _ := ip.v4()
		b, _ := t.Networks[t.In[i]].block()
		offsets[i] = number - b.base
	}
	return offsets
}

// settle puts addresses at offsets in their networks.
func (t *Topology) settle(offsets []uint32) {
	for i, offset := range offsets {
		b, _ := t.Networks[t.In[i]].block()
		t.Addresses[i] = ipOf(b.base + offset)
	}
}

// maxDraws bounds how often addresses are drawn that do not fit. One draw nearly always does.
const maxDraws = 1 << 16

// renumberNetworks draws new addresses for the networks, of which old are the present ones.
func (t *Topology) renumberNetworks(old []Network, d dice) {
	t.Networks = slices.Clone(old)
	var inner []int // the private ones
	for _, i := range t.byText() {
		if old[i].isPrivate() {
			inner = append(inner, i)
		} else {
			t.Networks[i].IP = ipOf(drawPublic(d))
		}
	}
	if len(inner) == 0 {
		return
	}
	first, _ := old[inner[0]].IP.v4()
	mask := old[inner[0]].Mask
	for range maxDraws {
		base, _ := Network{ipOf(drawPrivate(d)), mask}.block()
		fits := true
		for _, i := range inner {
			number, _ := old[i].IP.v4()
			t.Networks[i].IP = ipOf(base.base + number - first)
			fits = fits && t.Networks[i].isPrivate()
		}
		if fits {
			return
		}
	}
	for _, i := range inner { // too far apart to move together
		t.Networks[i] = old[i]
	}
}

func distinct(ips []IP) bool {
	seen := map[IP]bool{}
	for _, ip := range ips {
		seen[ip] = true
	}
	return len(seen) == len(ips)
}

// drawPrivate draws an address of the three blocks for local networks, each of them as likely. The second draw has no
// use; the original makes it.
func drawPrivate(d dice) uint32 {
	b := private[d.below(3)]
	d.real()
	return b.base + uint32(d.below(b.size()))
}

// drawPublic draws an address of class A, B or C, each of them as likely, that is neither private nor special.
func drawPublic(d dice) uint32 {
	blocks := public[d.below(len(public))]
	total := 0
	for _, b := range blocks {
		total += b.size()
	}
	at := d.real() * float64(total)
	for _, b := range blocks {
		if at -= float64(b.size()); at < 0 {
			return b.base + uint32(d.below(b.size()))
		}
	}
	panic("netsecgame: real() is not below 1")
}

// private are the networks for which netaddr says so. The first three are those for local networks.
var private = blocks(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "239.0.0.0/8",
	"169.254.0.0/16",
)

// special are the networks without public addresses, the widest first (IANA's registry of special-purpose addresses,
// https://www.iana.org/assignments/iana-ipv4-special-registry).
var special = blocks(
	"240.0.0.0/4", "0.0.0.0/8", "127.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "198.18.0.0/15",
	"169.254.0.0/16", "192.168.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
	"192.88.99.0/24", "192.175.48.0/24", "198.51.100.0/24", "203.0.113.0/24",
)

// public are the blocks of public addresses in classes A, B and C.
var public = func() (classes [3][]block) {
	for i, class := range blocks("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3") {
		classes[i] = []block{class}
		for _, s := range special {
			var rest []block
			for _, b := range classes[i] {
				rest = append(rest, b.without(s)...)
			}
			classes[i] = rest
		}
	}
	return classes
}()

func blocks(texts ...string) (bs []block) {
	for _, text := range texts {
		n, _ := ParseNetwork(text)
		b, _ := n.block()
		bs = append(bs, b)
	}
	return bs
}

// isPrivate reports whether the network's address is private.
func (n Network) isPrivate() bool { return n.IP.isPrivate() }

func (ip IP) isPrivate() bool {
	number, _ := ip.v4()
	return slices.ContainsFunc(private, func(b block) bool { return b.contains(number) })
}

// A block is the addresses of a network: those whose bits under mask are base.
type block struct{ base, mask uint32 }

// nowhere is the block without addresses.
var nowhere = block{base: 1, mask: 0}

func (b block) contains(ip uint32) bool { return ip&b.mask == b.base }

func (b block) size() int { return int(^b.mask) + 1 }

// without returns the largest blocks that cover what is in b and not in o, the larger ones first. o is smaller than b.
func (b block) without(o block) (rest []block) {
	if !b.contains(o.base) {
		return []block{b}
	}
	for b != o {
		mask := b.mask>>1 | 1<<31
		low, high := block{b.base, mask}, block{b.base | mask&^b.mask, mask}
		if low.contains(o.base) {
			b, rest = low, append(rest, high)
		} else {
			b, rest = high, append(rest, low)
		}
	}
	return rest
}
