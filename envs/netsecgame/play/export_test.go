package play

import "idsrl/envs/netsecgame"

// Task returns what is played.
func (g *Game) Task() *netsecgame.Task { return g.task }
