package netsecgame

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// AppendKey appends the text by which tabular agents of the original name a state. The sizes of logs are in it, so that
// equal knowledge with different histories has different names.
func (v GameState) AppendKey(dst []byte) []byte {
	dst = append(dst, "nets:"...)
	dst = appendSorted(dst, v.KnownNetworks, Network.compare, Network.String)
	dst = append(dst, ",hosts:"...)
	dst = appendSorted(dst, v.KnownHosts, cmp.Compare, IP.text)
	dst = append(dst, ",controlled:"...)
	dst = appendSorted(dst, v.ControlledHosts, cmp.Compare, IP.text)
	dst = append(dst, ",services:"...)
	dst = appendByHost(dst, v.KnownServices, Service.compare, Service.text)
	dst = append(dst, ",data:"...)
	dst = appendByHost(dst, v.KnownData, func(a, b Data) int { return a.Key().compare(b.Key()) }, Data.text)
	dst = append(dst, ",blocks:"...)
	return appendByHost(dst, v.KnownBlocks, cmp.Compare, IP.text)
}

func (ip IP) text() string { return string(ip) }

func (s Service) text() string {
	local := "False"
	if s.Local {
		local = "True"
	}
	return fmt.Sprintf("Service(name='%s', type='%s', version='%s', is_local=%s)", s.Name, s.Type, s.Version, local)
}

func (s Service) compare(o Service) int {
	local := 0
	switch {
	case s.Local && !o.Local:
		local = 1
	case o.Local && !s.Local:
		local = -1
	}
	return cmp.Or(cmp.Compare(s.Name, o.Name), cmp.Compare(s.Type, o.Type), cmp.Compare(s.Version, o.Version), local)
}

func (d Data) text() string {
	return fmt.Sprintf("Data(owner='%s', id='%s', size=%d, type='%s')", d.Owner, d.ID, d.Size, d.Type)
}

// appendSorted appends a list in an order.
func appendSorted[T any](dst []byte, list []T, compare func(a, b T) int, text func(T) string) []byte {
	var texts []string
	for _, x := range slices.SortedFunc(slices.Values(list), compare) {
		texts = append(texts, text(x))
	}
	return append(append(append(dst, '['), strings.Join(texts, ", ")...), ']')
}

// appendByHost appends lists by address.
func appendByHost[T any](dst []byte, lists map[IP][]T, compare func(a, b T) int, text func(T) string) []byte {
	dst = append(dst, '{')
	for _, ip := range slices.Sorted(maps.Keys(lists)) {
		dst = append(append(dst, ip...), ':')
		dst = appendSorted(dst, lists[ip], compare, text)
	}
	return append(dst, '}')
}
