package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/scene"
	"idsrl/experiments"
	"idsrl/results"
)

func recordCommand() *cli.Command {
	return &cli.Command{
		Name:      "record",
		Usage:     "make an animation of episodes",
		ArgsUsage: "[RUN]",
		Description: `Plays episodes of RUN, the folder of a run or a checkpoint file, greedily against the opponent of its training
or, with --env or --config, of players that do not learn, as idsrl simulate does, and draws each step into a GIF. The same
flags make the same bytes.

   idsrl record --gif attack.gif RUN
   idsrl record --episodes 3 --view defender --gif games.gif --mp4 games.mp4 RUN
   idsrl record --env idsgame-v2 --attacker bot:maximal --defender bot:minimal --gif bots.gif

An MP4 is made of the GIF by ffmpeg, which must be installed.`,
		Flags: append([]cli.Flag{
			countFlag("episodes", 1, "episodes to show"),
			&cli.StringFlag{Name: "config", Usage: "`FILE` of a simulation: env, attacker, defender and seed; flags win"},
			&cli.StringFlag{Name: "gif", Usage: "write the animation to `FILE`"},
			&cli.StringFlag{Name: "mp4", Usage: "write it to `FILE` as a video, too"},
			choiceFlag("view", "whose knowledge is shown", views),
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "root of the episodes' random numbers"},
			&cli.StringFlag{Name: "opponent", Usage: "`PLAYER` of the other seat of RUN, as in idsrl eval", DefaultText: "that of the training"},
			envFlag("environment, `ID` as in idsrl envs list; of RUN, if it is not its own"),
			envFileFlag(), envSetFlag(), instanceFlag("decides the layout: where the weak spots are", "the run's, or from the seed"),
		}, seatFlags()...),
		Action: record,
	}
}

// views are whose knowledge a film shows.
var views = []string{"all", envs.Attacker.String(), envs.Defender.String()}

func record(c *cli.Context) error {
	switch {
	case c.NArg() > 1:
		return usagef("idsrl record takes one RUN, after the flags")
	case c.NArg() == 0 && c.String("env") == "" && c.String("config") == "":
		return usagef("idsrl record needs a RUN, --env or --config")
	case c.NArg() == 1 && c.String("config") != "":
		return usagef("--config is for players that do not learn, without RUN")
	case c.String("gif") == "":
		return usagef("idsrl record needs --gif FILE")
	case c.String("mp4") != "" && !hasFFmpeg():
		return usagef("--mp4 needs ffmpeg, which is not installed")
	}
	film := &scene.Film{Seat: scene.Everything}
	title, err := shoot(c, &seatFilm{Film: film, view: c.String("view")})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := film.Write(&out, title); err != nil {
		return err
	}
	if err := results.WriteFile(c.String("gif"), out.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s: %d frames, %d kB\n", c.String("gif"), len(film.Frames), (out.Len()+999)/1000)
	if mp4 := c.String("mp4"); mp4 != "" {
		return toMP4(c, mp4)
	}
	return nil
}

// seatFilm is a film of what the seat of a role sees.
type seatFilm struct {
	*scene.Film
	view string
}

// Start finds the seat.
func (f *seatFilm) Start(game envs.Env) error {
	for seat, s := range game.Spec().Seats {
		if s.Role.String() == f.view {
			f.Seat = seat
			break
		}
	}
	if f.view != views[0] && f.Seat == scene.Everything {
		return usagef("--view %s: %s has no such seat", f.view, game.Spec().ID)
	}
	return f.Film.Start(game)
}

// shoot plays the episodes and returns a title.
func shoot(c *cli.Context, film algos.Watcher) (title string, err error) {
	envFile, err := sourceOf(c, "env-config")
	if err != nil {
		return "", err
	}
	if c.NArg() == 0 {
		cfg, players, err := simulationOf(c)
		if err != nil {
			return "", err
		}
		simulated, err := catalog().Simulate(c.Context, experiments.Simulation{
			Env: cfg.Env, EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"), InstanceSeed: c.Uint64("instance-seed"),
			Players: players, Episodes: c.Int("episodes"), Seed: cfg.Seed, Workers: 1, Watch: film,
		})
		if err != nil {
			return "", err
		}
		return simulated.Env + " · " + withoutFolders(strings.Join(simulated.Players, " vs ")), nil
	}
	for _, role := range experiments.Roles {
		if c.IsSet(role.String()) {
			return "", usagef("--%s is for --env without RUN; the opponent of a RUN is --opponent", role)
		}
	}
	saved, err := catalog().Open(c.Args().First())
	if err != nil {
		return "", err
	}
	played, err := saved.Run(c.Context, experiments.Test{
		Env: c.String("env"), EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"), InstanceSeed: c.Uint64("instance-seed"),
		Opponent: c.String("opponent"), Episodes: c.Int("episodes"), Seed: c.Uint64("seed"), Workers: 1, Watch: film,
	}, algos.Greedy)
	return played.Env + " · " + saved.Checkpoint.Algo, err
}

func hasFFmpeg() bool {
	_, err := exec.LookPath("ffmpeg")
	return err == nil
}

// toMP4 makes a video of the GIF. Most players want even sizes and this pixel format.
func toMP4(c *cli.Context, mp4 string) error {
	out, err := exec.CommandContext(c.Context, "ffmpeg", "-y", "-loglevel", "error", "-i", filepath.Clean(c.String("gif")),
		"-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-movflags", "+faststart", filepath.Clean(mp4)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w\n%s", err, out)
	}
	return nil
}
