package run

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"deeplearning.example/kernelext/nbformat"
)

// Modes of a run. They set the size of every training.
const (
	Quick = "quick"
	Full  = "full"
)

// Param is a parameter that a notebook reads by kernelext.Param(name, quick, full).
type Param struct {
	Name string
	// Quick and Full are its values in the two modes, both of one type: int, float64, string or bool.
	Quick, Full any
	// Cell is the number of the cell that reads it first, counted from 1 over all cells; Line is the line in that cell.
	Cell, Line int
}

// Type returns the name of the parameter's Go type.
func (p Param) Type() string { return reflect.TypeOf(p.Quick).String() }

// Params returns the parameters that a notebook's code cells read, in the order of their first use. Errors name the
// cell. They report a call whose arguments are not literals, and two calls of one name that differ.
func Params(nb *nbformat.Notebook) ([]Param, error) {
	var all []Param
	for i, cell := range nb.Cells {
		if !runs(cell) {
			continue
		}
		found, err := paramCalls(goSource(cell.Source))
		if err != nil {
			return nil, fmt.Errorf("run: cell %d, %w", i+1, err)
		}
		for _, param := range found {
			param.Cell = i + 1
			if all, err = addParam(all, param); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func addParam(all []Param, p Param) ([]Param, error) {
	for _, other := range all {
		if other.Name != p.Name {
			continue
		}
		if other.Quick != p.Quick || other.Full != p.Full {
			return nil, fmt.Errorf("run: parameter %q is %s in cell %d and %s in cell %d: want the same in both",
				p.Name, other.values(), other.Cell, p.values(), p.Cell)
		}
		return all, nil
	}
	return append(all, p), nil
}

func (p Param) values() string {
	return fmt.Sprintf("%s (%#v, %#v)", p.Type(), p.Quick, p.Full)
}

// ParseParam parses "name=value" from the command line. The value gets the parameter's type. The error, one line, lists
// the known names or the type that is expected.
func ParseParam(params []Param, setting string) (name string, value any, err error) {
	name, text, ok := strings.Cut(setting, "=")
	if !ok {
		return "", nil, fmt.Errorf("run: parameter %q: want name=value", setting)
	}
	i := slices.IndexFunc(params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		return "", nil, fmt.Errorf("run: unknown parameter %q: %s", name, describe(params))
	}
	value, err = parseValue(params[i].Quick, text)
	if err != nil {
		return "", nil, fmt.Errorf("run: parameter %s=%s: want %s, like %#v", name, text, params[i].Type(), params[i].Quick)
	}
	return name, value, nil
}

func describe(params []Param) string {
	if len(params) == 0 {
		return "the notebook has no parameters"
	}
	var known []string
	for _, p := range params {
		known = append(known, p.Name+" ("+p.Type()+")")
	}
	return "known are " + strings.Join(known, ", ")
}

// parseValue converts text to the type of like.
func parseValue(like any, text string) (any, error) {
	switch like.(type) {
	case int:
		return strconv.Atoi(text)
	case float64:
		value, err := strconv.ParseFloat(text, 64)
		if math.IsInf(value, 0) || math.IsNaN(value) {
			return nil, fmt.Errorf("%s is not a finite number", text) // JSON cannot express it
		}
		return value, err
	case bool:
		return strconv.ParseBool(text)
	}
	return text, nil
}

// paramsJSON returns the value of LECTURE_PARAMS.
func paramsJSON(values map[string]any) (string, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("run: parameters: %w", err)
	}
	return string(data), nil
}
