package idsgame

import (
	"fmt"
	"strconv"
	"strings"
)

// cellWidth is how many characters a column of the drawing takes.
const cellWidth = 10

// Draw draws the network with characters, a row of nodes under the other, each under its label.
func (n *Network) Draw(label func(node int) string, connected bool) string {
	var b strings.Builder
	for row := range n.Rows {
		if row > 0 {
			b.WriteString(n.edges(row))
		}
		b.WriteString(n.nodes(row, label, connected))
	}
	return b.String()
}

// nodes draws the nodes of a row.
func (n *Network) nodes(row int, label func(int) string, connected bool) string {
	line := []rune(strings.Repeat(" ", n.Cols*cellWidth))
	server := row > 0 && row < n.Rows-1
	if server && connected {
		for i := cellWidth / 2; i < len(line)-cellWidth/2; i++ {
			line[i] = '─'
		}
	}
	for col := range n.Cols {
		if v := n.At(row, col); v >= 0 {
			text := []rune("[" + label(v) + "]")
			copy(line[max(0, col*cellWidth+(cellWidth-len(text))/2):], text)
		}
	}
	return strings.TrimRight(string(line), " ") + "\n"
}

// edges draws the edges from the row above to this one: straight ones between servers, a comb at the data node and at
// the start node.
func (n *Network) edges(row int) string {
	line := []rune(strings.Repeat(" ", n.Cols*cellWidth))
	comb := n.Cols > 1 && (row == 1 || row == n.Rows-1) && n.Rows > 2
	for i := range line {
		col, centre := i/cellWidth, i%cellWidth == cellWidth/2
		up, down := centre && n.At(row-1, col) >= 0, centre && n.At(row, col) >= 0
		left := comb && i > cellWidth/2 && i <= len(line)-cellWidth/2
		right := comb && i >= cellWidth/2 && i < len(line)-cellWidth/2
		line[i] = stroke(up, down, left, right)
	}
	return strings.TrimRight(string(line), " ") + "\n"
}

// stroke is the box-drawing character with these arms.
func stroke(up, down, left, right bool) rune {
	arms := 0
	for i, arm := range []bool{up, down, left, right} {
		if arm {
			arms |= 1 << i
		}
	}
	return []rune("  ││ ┘┐┤ └┌├─┴┬┼")[arms]
}

// Describe explains the game to people: the network, who wins, and how both sides are paid.
func (c *Config) Describe() string {
	net := NewNetwork(c.NumLayers, c.NumServersPerLayer, c.ConnectedLayers)
	var b strings.Builder
	label := func(v int) string {
		switch v {
		case Data:
			return "0 data"
		case net.Start():
			return strconv.Itoa(v) + " start"
		default:
			return strconv.Itoa(v)
		}
	}
	b.WriteString(net.Draw(label, c.ConnectedLayers))
	fmt.Fprintf(&b, `
The attacker starts at the bottom%s and wins by reaching the data node. Each step raises one attack value of
an adjacent node that is not below the attacker (%d types); the attack succeeds when its value exceeds the
node's defence value of that type. The defender raises a defence or detection value each step, before the
attack. A failed attack is detected with a tenth of the node's detection value as probability: the defender wins.
Values go up to %d. After %d steps the game ends without a winner, and each side loses %d.
`, map[bool]string{true: ", or on a random server,"}[c.RandomizeStart], c.NumAttackTypes, c.MaxValue, c.MaxGameSteps+1,
		-limitReward)
	if c.Reconnaissance {
		b.WriteString("Defence values are unknown to the attacker until reconnaissance of the node reveals them.\n")
	}
	b.WriteString("\nRewards (attacker, defender):\n")
	for _, line := range c.rewardLines() {
		b.WriteString("  " + line + "\n")
	}
	return b.String()
}

func (c *Config) rewardLines() []string {
	lines := map[scheme][]string{
		sparse: {"reaching the data node  +1, -1", "being detected          -1, +1"},
		dense: {
			"reaching the data node  bonus + 1, minus the number of moves",
			"gaining a row           bonus + 1, 0",
			"being detected          -1, +1",
			"with bonus = 1, or 1/n after n failed attacks in a row",
		},
		dense2: {
			"reaching the data node  bonus + 1, minus the number of moves; bonus = 1, or 1/n after n failures in a row",
			"gaining a row           +1, -1",
			"being detected          -100, +100",
		},
		v3: {
			"a success    failures of the same attack + 1, less the square of the number of attacks that failed elsewhere,",
			"             if the target was scouted and its defence is among the weakest; else -1",
			"a hack       for the defender: defence score - " + strconv.Itoa(c.MaxValue*(c.NumLayers+2)),
			"a detection  -1 (0 for a good attack), gain of the defence score since the start",
			"with the defence score = smallest defence value of the data node, and on from row to row while at the maximum",
		},
	}[c.scheme()]
	if c.ReconnaissanceReward {
		lines = append(lines, "reconnaissance          +0.5 if it reveals something, else -0.5; 0")
	}
	if c.ExtraReconnaissanceReward {
		lines = append(lines, "gaining a scouted row   +1 more for the attacker")
	}
	return append(lines, "an impossible attack    -1, 0", "anything else           0, 0")
}
