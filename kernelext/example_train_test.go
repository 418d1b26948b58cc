package kernelext_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"deeplearning.example/kernelext"
	"deeplearning.example/kernelext/store"
)

// descent minimizes (x−3)² by gradient descent.
type descent struct {
	Rate  float64
	Total int
	State struct {
		Taken int
		X     float64
	}
}

func (d *descent) Name() string              { return "descent" }
func (d *descent) Key() map[string]any       { return map[string]any{"rate": d.Rate, "steps": d.Total} }
func (d *descent) Step() int                 { return d.State.Taken }
func (d *descent) Steps() int                { return d.Total }
func (d *descent) Describe(steps int) string { return fmt.Sprint(steps, " steps") }
func (d *descent) Parts() []string           { return []string{"state"} }

func (d *descent) Save(_ string, w io.Writer) error    { return json.NewEncoder(w).Encode(d.State) }
func (d *descent) Restore(_ string, r io.Reader) error { return json.NewDecoder(r).Decode(&d.State) }

func (d *descent) Run(ctx context.Context, onStep func(step int, losses map[string]float64) error) error {
	for s := &d.State; s.Taken < d.Total; {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.X -= d.Rate * 2 * (s.X - 3)
		s.Taken++
		if err := onStep(s.Taken, map[string]float64{"loss": (s.X - 3) * (s.X - 3)}); err != nil {
			return err
		}
	}
	return nil
}

// A model is trained once. The second call, in a later cell or after a restart, restores the result. Any model with the
// methods of Trainable can be trained so; the trainings of lecture11 have them.
func ExampleTrain() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		model := &descent{Rate: 0.1, Total: 50}
		result, err := kernelext.Train(kernelext.Context(), model, kernelext.WithStore(s), kernelext.WithOutput(io.Discard))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("restored: %v, step %d, x = %.4f, %d losses\n",
			result.Restored, result.Step, model.State.X, len(result.History.Loss("loss")))
	}
	// Output:
	// restored: false, step 50, x = 3.0000, 50 losses
	// restored: true, step 50, x = 3.0000, 50 losses
}
