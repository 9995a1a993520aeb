package main

import (
	"log/slog"

	"idsrl/envs"
	"idsrl/envs/settings"
)

// warn prints what is odd about a task of NetSecGame, but no error.
func warn(warnings settings.Errors) {
	for _, w := range warnings {
		slog.Warn("about the task", "problem", w)
	}
}

// warnOf is warn of a game's settings, if there may be something odd about them.
func warnOf(game envs.Game) {
	if g, ok := game.(interface{ Warnings() settings.Errors }); ok {
		warn(g.Warnings())
	}
}
