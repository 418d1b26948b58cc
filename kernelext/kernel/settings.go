package kernel

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"deeplearning.example/kernelext/internal/machine"
)

// limits are the limits of one cell. Zero means no limit.
type limits struct {
	Memory int64         // bytes, of all processes of the cell
	Time   time.Duration // from the cell's start
	Output int64         // bytes of text that are shown completely
	File   uint64        // bytes of a file that a program of the cell writes
}

const (
	defaultTime   = 24 * time.Hour
	defaultOutput = 1 << 20
	defaultFile   = 16 << 30
	// defaultMemory is the share of the machine's, or the container's, memory.
	defaultMemory = 0.75
	// minMemory is the least memory for a Go program.
	minMemory = 16 << 20
)

// limitNames are the names that %limit accepts, each with its environment variable LECTURE_LIMIT_<NAME>.
var limitNames = []string{"memory", "time", "output", "file"}

// set changes one limit.
func (l *limits) set(name, value string) error {
	if name == "time" {
		d, err := parseTime(value)
		if err == nil {
			l.Time = d
		}
		return err
	}
	if !slices.Contains(limitNames, name) {
		return fmt.Errorf("limit %q, want one of %s", name, strings.Join(limitNames, ", "))
	}
	n, err := parseBytes(value)
	if err != nil {
		return err
	}
	switch name {
	case "memory":
		if n != 0 && n < minMemory {
			return fmt.Errorf("%s, want at least %s for a Go program, or off", value, formatBytes(minMemory))
		}
		l.Memory = n
	case "output":
		l.Output = n
	case "file":
		l.File = uint64(n)
	}
	return nil
}

// text returns a limit in a form for people.
func (l *limits) text(name string) string {
	value := map[string]int64{"memory": l.Memory, "time": int64(l.Time), "output": l.Output, "file": int64(l.File)}[name]
	switch {
	case value == 0:
		return "off"
	case name == "time":
		return strings.TrimSuffix(strings.TrimSuffix(l.Time.String(), "0s"), "0m")
	}
	return formatBytes(value)
}

func parseTime(value string) (time.Duration, error) {
	if value == "off" {
		return 0, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q, want a duration such as 90s, 10m or 2h, or off", value)
	}
	return d, nil
}

var byteUnits = map[string]float64{"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

// parseBytes parses a size such as 500MB or 1.5 g; units are powers of 1024.
func parseBytes(value string) (int64, error) {
	if value == "off" {
		return 0, nil
	}
	digits := strings.TrimRight(strings.ToUpper(strings.TrimSpace(value)), "BKMGTI ")
	unit := strings.TrimSpace(strings.ToUpper(strings.TrimSpace(value))[len(digits):])
	if len(unit) > 1 {
		unit = strings.TrimSuffix(strings.TrimSuffix(unit, "B"), "I")
	}
	factor, known := byteUnits[unit]
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !known || !(n > 0) || n*factor > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q, want a size such as 500MB or 8GB, or off", value)
	}
	return int64(n * factor), nil
}

// settings are changed by magics for all later cells.
type settings struct {
	mu     sync.Mutex
	limits limits
	env    map[string]string // added to the environment of cells
}

// Environment variables of cells that magics set.
const (
	envMode   = "LECTURE_MODE"
	envDevice = "LECTURE_DEVICE"
)

// newSettings returns the defaults, changed by the environment. For an invalid value it returns an error and keeps the
// default.
func newSettings(getenv func(string) string) (*settings, error) {
	s := &settings{env: map[string]string{}, limits: limits{
		Memory: int64(defaultMemory * float64(machine.Memory())), Time: defaultTime, Output: defaultOutput, File: defaultFile,
	}}
	var errs []error
	for _, name := range limitNames {
		variable := "LECTURE_LIMIT_" + strings.ToUpper(name)
		if value := getenv(variable); value != "" {
			if err := s.limits.set(name, value); err != nil {
				errs = append(errs, fmt.Errorf("kernel: %s: %w; the default %s stays", variable, err, s.limits.text(name)))
			}
		}
	}
	for _, name := range []string{envMode, envDevice} {
		if value := getenv(name); value != "" {
			s.env[name] = value
		}
	}
	return s, errors.Join(errs...)
}

func (s *settings) limitsNow() limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

func (s *settings) setLimit(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits.set(name, value)
}

func (s *settings) setenv(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.env[name] = value
}

func (s *settings) value(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.env[name]
}

// environ returns the variables as NAME=value, sorted.
func (s *settings) environ() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var env []string
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, name+"="+s.env[name])
	}
	return env
}
