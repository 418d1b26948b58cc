package store

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
)

type layer struct {
	Width  int
	Rate   float64 `json:"rate,omitempty"`
	Hidden func()  `json:"-"`
}

func TestKeyJSON(t *testing.T) {
	five := 5
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"int", 20, "20"},
		{"int and whole float alike", 20.0, "20"},
		{"float", 1e-3, "0.001"},
		{"float32 like float64", float32(0.1), "0.1"},
		{"huge float", 1e300, "1e+300"},
		{"minus zero", math.Copysign(0, -1), "0"},
		{"int64 beyond float64", int64(math.MaxInt64), "9223372036854775807"},
		{"uint64", uint64(math.MaxUint64), "18446744073709551615"},
		{"string", `a"<б`, `"a\"\u003cб"`},
		{"nil", nil, "null"},
		{"pointer", &five, "5"},
		{"nil pointer", (*int)(nil), "null"},
		{"list", []any{1, "a", true, []int(nil)}, `[1,"a",true,[]]`},
		{"array", [2]float32{0.5, 1}, "[0.5,1]"},
		{"map sorted", map[string]int{"b": 1, "a": 2, "C": 3}, `{"C":3,"a":2,"b":1}`},
		{"struct sorted", layer{Width: 512}, `{"Width":512,"rate":0}`},
		{"duration", time.Second, "1000000000"},
		{"marshals itself", big.NewInt(7), "7"},
		{"text marshaler", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), `"2026-01-02T03:04:05Z"`},
		{"number", json.Number("0.25"), "0.25"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key := Key{Name: "vae", Fields: map[string]any{"x": test.value}}
			got, err := key.JSON()
			want := `{"fields":{"x":` + test.want + `},"name":"vae"}`
			if err != nil || string(got) != want {
				t.Fatalf("%s, %v; want %s", got, err, want)
			}
			// A key read from a header is the same key.
			back, err := keyFromJSON(got)
			if err != nil {
				t.Fatal(err)
			}
			again, err := back.JSON()
			if err != nil || string(again) != want {
				t.Errorf("read back: %s, %v; want %s", again, err, want)
			}
		})
	}
}

func TestKeyRefuses(t *testing.T) {
	type hidden struct{ a int }
	tests := []struct {
		name  string
		value any
		want  []string
	}{
		{"NaN", math.NaN(), []string{"x:", "NaN", "finite"}},
		{"infinity", map[string]any{"lr": []float64{1, math.Inf(1)}}, []string{"x.lr[1]", "+Inf"}},
		{"function", map[string]any{"encoder": func() {}}, []string{"x.encoder", "func()"}},
		{"channel", make(chan int), []string{"chan int"}},
		{"complex", 1i, []string{"complex128"}},
		{"unexported field", hidden{1}, []string{"store.hidden", "unexported field a"}},
		{"map with int keys", map[int]string{1: "a"}, []string{"map[int]string", "string keys"}},
		{"not UTF-8", "\xff", []string{"UTF-8"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Key{Name: "vae", Fields: map[string]any{"x": test.value}}.ID()
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(test.want, `key "vae"`) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
		})
	}
	if _, err := (Key{}).ID(); err == nil {
		t.Error("a key without a name has an id")
	}
}

func TestKeyID(t *testing.T) {
	base := func() Key { return Key{Name: "vae-20", Fields: map[string]any{"lr": 1e-3, "net": []int{784, 512}}} }
	id, err := base().ID()
	// SHA-256 of {"fields":{"lr":0.001,"net":[784,512]},"name":"vae-20"} by sha256sum: an id must never change.
	if want := "vae-20-aa471ff4a31d"; err != nil || id != want {
		t.Fatalf("id %s, %v; want %s", id, err, want)
	}
	seen := map[string]string{id: "base"}
	for what, change := range map[string]func(k *Key){
		"name":         func(k *Key) { k.Name = "vae-21" },
		"name's case":  func(k *Key) { k.Name = "VAE-20" },
		"a field":      func(k *Key) { k.Fields["lr"] = 2e-3 },
		"in a list":    func(k *Key) { k.Fields["net"] = []int{784, 511} },
		"one more":     func(k *Key) { k.Fields["seed"] = 0 },
		"one less":     func(k *Key) { delete(k.Fields, "lr") },
		"text for int": func(k *Key) { k.Fields["lr"] = "0.001" },
		"a value":      func(k *Key) { k.value = true },
	} {
		k := base()
		change(&k)
		id, err := k.ID()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("changing %s gives the id of %s", what, other)
		}
		seen[id] = what
	}
}

func TestIDIsAFileName(t *testing.T) {
	long := strings.Repeat("л", 300)
	seen := map[string]bool{}
	for _, name := range []string{"a/b", "../../etc", "a b", "кот", "кит", long, ".hidden", "-rf", "a\x00b"} {
		id, err := Key{Name: name}.ID()
		if err != nil {
			t.Fatal(err)
		}
		if seen[id] || !validID(id) || len(id) > 100 || strings.ContainsAny(id, "/ \x00") {
			t.Errorf("name %q: id %q", name, id)
		}
		seen[id] = true
	}
}
