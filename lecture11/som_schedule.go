package lecture11

import (
	"fmt"
	"math"
)

// Schedule is a number that changes during a training: the step η or the radius σ. It is a function of t = step/steps ∈
// [0, 1), the completed share of the training:
//
//	constant     start
//	linear       start + (end − start)·t
//	exponential  start·(end/start)^t
//	inverse      start / (1 + (start/end − 1)·t)
//
// or Func, a custom function. It has no JSON; its values are part of the key of the training instead.
//
// MiniSom's decays are among these: asymptotic_decay is inverse with end = start/3, inverse_decay_to_one inverse with
// end = 1, inverse_decay_to_zero inverse with end = start/101, linear_decay_to_zero linear with end = 0.
type Schedule struct {
	Name  string                  `json:"name"`
	Start float64                 `json:"start"`
	End   float64                 `json:"end"` // "constant" needs none
	Func  func(t float64) float64 `json:"-"`
}

// scheduleFunc is the name of a schedule that has a Func and no Name.
const scheduleFunc = "function"

// schedules holds the functions that a configuration can name.
var schedules = map[string]func(start, end, t float64) float64{
	"constant":    func(start, _, _ float64) float64 { return start },
	"linear":      func(start, end, t float64) float64 { return start + (end-start)*t },
	"exponential": func(start, end, t float64) float64 { return start * math.Pow(end/start, t) },
	"inverse":     func(start, end, t float64) float64 { return start / (1 + (start/end-1)*t) },
}

// withDefault returns the schedule itself, or fallback if no field is set.
func (s Schedule) withDefault(fallback Schedule) Schedule {
	switch {
	case s.Func != nil:
		s.Name = scheduleFunc
	case s.Name == "" && s.Start == 0 && s.End == 0:
		return fallback
	case s.Name == "":
		s.Name = "constant"
	}
	return s
}

// check returns an error that names the invalid part of the schedule. limit is the largest value allowed.
func (s Schedule) check(field string, limit float64) error {
	if s.Func != nil {
		return nil
	}
	if err := checkName(field+".Name", s.Name, schedules); err != nil {
		return err
	}
	ends := []struct {
		field string
		value float64
	}{{"Start", s.Start}, {"End", s.End}}
	if s.Name == "constant" {
		ends = ends[:1]
	}
	for _, e := range ends {
		if !(e.value >= 0 && e.value <= limit) || math.IsInf(e.value, 0) {
			return fmt.Errorf("lecture11: %s.%s = %g, want a number from 0 to %g", field, e.field, e.value, limit)
		}
		if e.value == 0 && (s.Name == "exponential" || s.Name == "inverse") {
			return fmt.Errorf("lecture11: %s.%s = 0 of a schedule %q, want a positive number", field, e.field, s.Name)
		}
	}
	return nil
}

// at returns the value at the share t of the training.
func (s Schedule) at(t float64) float64 {
	if s.Func != nil {
		return s.Func(t)
	}
	return schedules[s.Name](s.Start, s.End, t)
}

// table returns the values of steps first to first+count−1 of a training with the given number of steps.
func (s Schedule) table(field string, limit float64, first, count, steps int) ([]float32, error) {
	values := make([]float32, count)
	for i := range values {
		v := s.at(float64(first+i) / float64(steps))
		if !(v >= 0 && v <= limit) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("lecture11: %s = %g at step %d, want a number from 0 to %g", field, v, first+i, limit)
		}
		values[i] = float32(v)
	}
	return values, nil
}
