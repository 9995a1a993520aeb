package main

import (
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strconv"

	"github.com/urfave/cli/v2"

	"idsrl/results/viewer"
)

// webFlags say where pages are shown.
func webFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "host", Value: "127.0.0.1", Usage: "address to listen at; where other machines reach it, the link has a token"},
		&cli.IntFlag{Name: "port", Usage: "port to listen at; 0: any that is free"},
		&cli.BoolFlag{Name: "open", Usage: "open the page in a browser"},
	}
}

// listenWeb opens the address of webFlags.
func listenWeb(c *cli.Context) (*viewer.Server, error) {
	port := c.Int("port")
	if port < 0 || port > 65535 {
		return nil, usagef("--port %d: must be in [0, 65535]", port)
	}
	return viewer.Listen(net.JoinHostPort(c.String("host"), strconv.Itoa(port)))
}

// openBrowser opens a link in the browser of the desktop. Where there is none, the link has been printed.
func openBrowser(c *cli.Context, link string) {
	command := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open"}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	cmd := exec.Command(command[0], append(command[1:], link)...)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(c.App.ErrWriter, "idsrl: no browser was found; open the link yourself")
		return
	}
	go cmd.Wait() //nolint:errcheck // a browser that fails says so itself
}
