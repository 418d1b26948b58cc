package lecture11

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// sameKey compares two keys as JSON and returns an error that names the first field that differs.
func sameKey(got, want map[string]any) error {
	g, w, err := asJSON(got, want)
	if err != nil {
		return err
	}
	return firstDifference("", g, w)
}

// asJSON returns both values after a round trip through JSON, so that 1 and 1.0 are equal.
func asJSON(a, b any) (x, y any, err error) {
	for _, p := range []struct {
		from any
		to   *any
	}{{a, &x}, {b, &y}} {
		text, err := json.Marshal(p.from)
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(text, p.to); err != nil {
			return nil, nil, err
		}
	}
	return x, y, nil
}

// firstDifference compares two JSON values recursively and returns an error with the path of the first difference.
func firstDifference(path string, got, want any) error {
	g, okG := got.(map[string]any)
	w, okW := want.(map[string]any)
	if !okG || !okW {
		if reflect.DeepEqual(got, want) {
			return nil
		}
		return fmt.Errorf("the file has %s = %v, want %v", path, got, want)
	}
	names := make([]string, 0, len(w))
	for name := range w {
		names = append(names, name)
	}
	for name := range g {
		if _, ok := w[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		sub := name
		if path != "" {
			sub = path + "." + name
		}
		if err := firstDifference(sub, g[name], w[name]); err != nil {
			return err
		}
	}
	return nil
}
