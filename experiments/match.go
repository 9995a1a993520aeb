package experiments

import (
	"path/filepath"

	"idsrl/envs"
)

// A SimulationConfig is a file that says what to simulate.
type SimulationConfig struct {
	Env      string `yaml:"env" usage:"environment, as listed by: idsrl envs list"`
	Attacker string `yaml:"attacker" usage:"player of this seat, as in idsrl simulate --help; empty for the environment's bot"`
	Defender string `yaml:"defender" usage:"the same for the defender"`
	Episodes int    `yaml:"episodes" range:"[1, 1e9]" usage:"games"`
	Seed     uint64 `yaml:"seed" usage:"root of all random numbers"`
}

// Players are those that the file names.
func (c *SimulationConfig) Players() map[envs.Role]string {
	players := map[envs.Role]string{}
	for role, player := range map[envs.Role]string{envs.Attacker: c.Attacker, envs.Defender: c.Defender} {
		if player != "" {
			players[role] = player
		}
	}
	return players
}

// Root lets the runs of players be found from dir, the folder of the file.
func (c *SimulationConfig) Root(dir string) {
	c.Attacker, c.Defender = rooted(c.Attacker, dir), rooted(c.Defender, dir)
}

// A PlayConfig is a file that says what a person plays.
type PlayConfig struct {
	Env      string `yaml:"env" usage:"environment, as listed by: idsrl envs list"`
	As       string `yaml:"as" usage:"role of the person: attacker, defender, or empty for the seat that is open"`
	Opponent string `yaml:"opponent" usage:"player of the other seats, or empty for the environment's"`
	Seed     uint64 `yaml:"seed" usage:"root of all random numbers"`
}

// person is who plays a person's seat where there is nobody.
const person = "random"

// players are who sits in both seats.
func (c *PlayConfig) players() map[envs.Role]string {
	if c.As == envs.Defender.String() {
		return map[envs.Role]string{envs.Attacker: c.Opponent, envs.Defender: person}
	}
	return map[envs.Role]string{envs.Attacker: person, envs.Defender: c.Opponent}
}

// Root lets the opponent's run be found from dir, the folder of the file.
func (c *PlayConfig) Root(dir string) { c.Opponent = rooted(c.Opponent, dir) }

// rooted is a player whose runs are found from a folder.
func rooted(player, dir string) string {
	return withRuns(player, func(run string) string {
		if filepath.IsAbs(run) {
			return run
		}
		return filepath.Join(dir, filepath.FromSlash(run))
	})
}
