package hook

import "os"

// processor returns the identifying lines of /proc/cpuinfo.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return processorLines(string(text))
}
