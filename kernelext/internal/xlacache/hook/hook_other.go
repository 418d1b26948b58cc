//go:build !unix || !cgo

package hook

import (
	"errors"

	"deeplearning.example/kernelext/internal/xlacache"
)

// Wrap returns an error: plugins are loaded in another way on this system.
func Wrap(c *xlacache.Cache, path, identity string, notify func(Event)) error {
	return errors.New("hook: not available on this system")
}
