package idsgame

// Network is the layered network: a grid with the data node alone in row 0, the start node alone in the last row, and
// a server in every cell between. Node ids number the cells in use row by row: data is 0, start is Nodes-1.
type Network struct {
	Rows, Cols, Nodes int
	Row, Col          []int   // [Nodes]
	Neighbours        [][]int // by node, ascending
	Targets           [][]int // by node: neighbours that are not below it, which an attacker there can attack; ascending

	at []int // [Rows x Cols], the node in a cell or -1
}

// Data is the id of the data node, the attacker's goal.
const Data = 0

// NewNetwork lays out rows of servers; connected joins the servers of a row with their neighbours.
func NewNetwork(layers, servers int, connected bool) *Network {
	n := &Network{Rows: layers + 2, Cols: servers, at: make([]int, (layers+2)*servers)}
	for cell := range n.at {
		row, col := cell/n.Cols, cell%n.Cols
		if (row == 0 || row == n.Rows-1) && col != n.Cols/2 {
			n.at[cell] = -1
			continue
		}
		n.at[cell] = n.Nodes
		n.Row, n.Col = append(n.Row, row), append(n.Col, col)
		n.Nodes++
	}
	n.Neighbours, n.Targets = make([][]int, n.Nodes), make([][]int, n.Nodes)
	for v := range n.Nodes {
		for u := range n.Nodes {
			if !n.joined(v, u, connected) {
				continue
			}
			n.Neighbours[v] = append(n.Neighbours[v], u)
			if n.Row[u] <= n.Row[v] {
				n.Targets[v] = append(n.Targets[v], u)
			}
		}
	}
	return n
}

// joined is the edge rule: data and start meet every server of the row next to them (or each other), a server meets
// the one straight below, and in connected layers its neighbours in the row.
func (n *Network) joined(v, u int, connected bool) bool {
	switch n.Row[v] - n.Row[u] {
	case 1, -1:
		return n.Col[v] == n.Col[u] || v == Data || u == Data || v == n.Start() || u == n.Start()
	case 0:
		return connected && (n.Col[v]-n.Col[u] == 1 || n.Col[u]-n.Col[v] == 1)
	default:
		return false
	}
}

// Start is the id of the start node.
func (n *Network) Start() int { return n.Nodes - 1 }

// At is the node in a cell, or -1 where there is none, also outside the grid.
func (n *Network) At(row, col int) int {
	if row < 0 || row >= n.Rows || col < 0 || col >= n.Cols {
		return -1
	}
	return n.at[row*n.Cols+col]
}
