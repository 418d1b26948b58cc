package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"deeplearning.example/kernelext/store"
)

// open opens a store in a temporary folder.
func open() (s *store.Store, remove func()) {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	s, err = store.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	return s, func() { os.RemoveAll(dir) }
}

// An entry is found by everything that determines it. Another value of a field is another entry.
func ExampleStore_Save() {
	s, remove := open()
	defer remove()
	key := store.Key{Name: "line", Fields: map[string]any{"rate": 0.1, "seed": 1}}
	weights := store.Payload{Name: "weights", Write: func(w io.Writer) error { return json.NewEncoder(w).Encode([]float64{2, -1}) }}
	if err := s.Save(key, store.Meta{Note: "5 epochs", Step: 50, Steps: 50, Complete: true}, weights); err != nil {
		log.Fatal(err)
	}

	entry, err := s.Load(key)
	if err != nil {
		log.Fatal(err)
	}
	defer entry.Close()
	r, err := entry.Payload("weights")
	if err != nil {
		log.Fatal(err)
	}
	var got []float64
	if err := json.NewDecoder(r).Decode(&got); err != nil {
		log.Fatal(err)
	}
	fmt.Println(got, entry.Info().Note, entry.Info().Complete)

	key.Fields["seed"] = 2
	_, err = s.Load(key)
	fmt.Println(errors.Is(err, store.ErrNotFound))
	// Output:
	// [2 -1] 5 epochs true
	// true
}

// A value is kept under a name, and comes back with the same type or as an error.
func ExamplePut() {
	s, remove := open()
	defer remove()
	type split struct{ Train, Test []int }
	if err := store.Put(s, "split", split{[]int{0, 2, 3}, []int{1, 4}}); err != nil {
		log.Fatal(err)
	}
	got, err := store.Get[split](s, "split")
	fmt.Println(got.Test, err)
	_, err = store.Get[[]int](s, "split")
	fmt.Println(errors.Is(err, store.ErrType))
	// Output:
	// [1 4] <nil>
	// true
}

// List describes what the store holds; Prune removes the entries beyond the limits, the oldest first.
func ExampleStore_List() {
	s, remove := open()
	defer remove()
	for seed := range 3 {
		key := store.Key{Name: "line", Fields: map[string]any{"seed": seed}}
		if err := s.Save(key, store.Meta{Step: 10 * (seed + 1), Steps: 30}); err != nil {
			log.Fatal(err)
		}
	}
	infos, err := s.List()
	if err != nil {
		log.Fatal(err)
	}
	steps := 0
	for _, info := range infos {
		steps += info.Step
	}
	fmt.Println(len(infos), "entries,", steps, "steps")
	// Output:
	// 3 entries, 60 steps
}
