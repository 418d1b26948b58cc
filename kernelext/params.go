package kernelext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

const exitParams = 2

// Mode returns "quick" or "full", the size of every training, from the environment variable LECTURE_MODE (default
// "quick"). Any other value ends the program with exit code 2 and a line that says so.
func Mode() string {
	mode, err := ModeE()
	if err != nil {
		here.fail(exitParams, err.Error())
	}
	return mode
}

// ModeE is [Mode], but returns an error instead of ending the program.
func ModeE() (string, error) { return here.mode() }

// Quick reports whether the mode is "quick". It ends the program as [Mode] does.
func Quick() bool { return Mode() == "quick" }

// Param returns the parameter name of the notebook: its value in LECTURE_PARAMS ("lecture run -p name=value"), else quick
// or full, by the mode. If LECTURE_PARAMS is not a JSON object, or the value has another type, the program ends with exit
// code 2 and a line that says what is wanted.
func Param[T int | float64 | string | bool](name string, quick, full T) T {
	value, err := ParamE(name, quick, full)
	if err != nil {
		here.fail(exitParams, err.Error())
	}
	return value
}

// ParamE is [Param], but returns an error instead of ending the program.
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

// params reads LECTURE_PARAMS. The values remain JSON until their type is known.
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
