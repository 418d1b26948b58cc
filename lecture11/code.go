package lecture11

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"hash"
	"runtime/debug"
)

// sources are the files of this package as they were compiled: what makes a trained model's code version.
//
//go:embed *.go
var sources embed.FS

// netSources are the files behind every training of networks.
var netSources = []string{"net.go", "net_conv.go", "convolution.go", "noise.go", "likelihood.go", "fit.go", "adam.go"}

// codeVersion identifies the code that trains a model: a hash of the named files of this package and of the version of
// GoMLX it was linked with. A stored model of another version is never taken for this one.
func codeVersion(files ...string) string {
	hash := sha256.New()
	for _, file := range files {
		text, err := sources.ReadFile(file)
		if err != nil {
			panic("lecture11: codeVersion: " + err.Error()) // a name in this package's own code
		}
		hash.Write(text)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/gomlx/gomlx" {
				hash.Write([]byte(dep.Version))
			}
		}
	}
	return digestOf(hash)
}

// digestOf is what a key keeps of a hash: its first sixteen hexadecimal digits.
func digestOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil))[:16] }
