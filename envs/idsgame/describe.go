package idsgame

import (
	"fmt"
	"strconv"
	"strings"
)

// columnWidth is how many characters a column of the drawing takes, too few for more of a server than its number.
const columnWidth = 10

// Describe explains the game to people: the network, who wins, and how both sides are paid.
func (c *Config) Describe() string {
	net := NewNetwork(c.NumLayers, c.NumServersPerLayer, c.ConnectedLayers)
	var b strings.Builder
	sc := net.plan(c.NumAttackTypes, c.MaxValue)
	sc.Nodes[Data].Name, sc.Nodes[net.Start()].Name = "0 data", strconv.Itoa(net.Start())+" start"
	for _, line := range sc.Text(net.Cols*columnWidth, "", nil) {
		b.WriteString(line.String() + "\n")
	}
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
