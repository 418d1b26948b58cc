package kernelext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

const exitParams = 2

// Mode returns "quick" or "full", the size of every training, from the environment variable LECTURE_MODE (default
// "quick"). Another value ends the program with exit code 2 and a line that says so.
func Mode() string {
	mode, err := ModeE()
	if err != nil {
		here.fail(exitParams, err.Error())
	}
	return mode
}

// ModeE is [Mode] with an error in place of the end of the program.
func ModeE() (string, error) { return here.mode() }

// Quick tells whether the mode is "quick". It ends the program as [Mode] does.
func Quick() bool { return Mode() == "quick" }

// Param returns the parameter name of the notebook: what LECTURE_PARAMS gives for it ("lecture run -p name=value"),
// else quick or full as the mode says. A LECTURE_PARAMS that is not a JSON object, or a value of another type, ends
// the program with exit code 2 and a line that says what is wanted.
func Param[T int | float64 | string | bool](name string, quick, full T) T {
	value, err := ParamE(name, quick, full)
	if err != nil {
		here.fail(exitParams, err.Error())
	}
	return value
}

// ParamE is [Param] with an error in place of the end of the program.
func ParamE[T int | float64 | string | bool](name string, quick, full T) (T, error) {
	return param(here, name, quick, full)
}

func (f *frontend) mode() (string, error) {
	switch mode := f.getenv("LECTURE_MODE"); mode {
	case "":
		return "quick", nil
	case "quick", "full":
		return mode, nil
	default:
		return "", fmt.Errorf("kernelext: LECTURE_MODE is %q, want quick or full", mode)
	}
}

func param[T int | float64 | string | bool](f *frontend, name string, quick, full T) (T, error) {
	mode, err := f.mode()
	if err != nil {
		return quick, err
	}
	value := quick
	if mode == "full" {
		value = full
	}
	given, err := f.params()
	if err != nil {
		return quick, err
	}
	raw, ok := given[name]
	if !ok {
		return value, nil
	}
	var read *T // stays nil for JSON's null
	if err := json.Unmarshal(raw, &read); err != nil || read == nil {
		return quick, fmt.Errorf("kernelext: parameter %q is %s in LECTURE_PARAMS, want %s", name, raw, typeName(quick))
	}
	return *read, nil
}

// params reads LECTURE_PARAMS; the values stay JSON until their type is known.
func (f *frontend) params() (map[string]json.RawMessage, error) {
	text := strings.TrimSpace(f.getenv("LECTURE_PARAMS"))
	if text == "" {
		return nil, nil
	}
	var given map[string]json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := decoder.Decode(&given); err != nil || given == nil || decoder.More() {
		return nil, fmt.Errorf(`kernelext: LECTURE_PARAMS is %q, want a JSON object such as {"epochs": 3}`, text)
	}
	return given, nil
}

func typeName(v any) string {
	switch v.(type) {
	case int:
		return "a whole number"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	default:
		return "a string in quotes"
	}
}
