//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package experiments

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks an open file. ErrBusy says that another one of the same file is locked.
func tryLock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrBusy
		default:
			return err
		}
	}
}
