//go:build !unix || !cgo

package hook

import "errors"

// The version of the PJRT API is not known on this system.
const (
	APIMajor = 0
	APIMinor = 0
)

var errSystem = errors.New("hook: not available on this system")

// APIVersion returns an error: plugins are loaded in another way on this system.
func APIVersion(path string) (major, minor int, err error) { return 0, 0, errSystem }

// Wrap returns an error, as APIVersion does.
func Wrap(p Plugin) error { return errSystem }
