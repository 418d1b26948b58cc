//go:build !linux && !darwin

package hook

import "os"

// processor returns Windows' name of the processor, which is empty on other systems.
func processor() string { return os.Getenv("PROCESSOR_IDENTIFIER") }
