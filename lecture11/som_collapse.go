package lecture11

import "fmt"

// collapsed is the Spread below which a map is one point: its nodes vary by less than a hundredth of the variation of
// the objects.
const collapsed = 1e-4

// CollapsedError reports that at the end of a training the nodes of a map are at one point, although the objects are
// not. The training is complete and the map can be read, but it shows nothing of the objects.
type CollapsedError struct {
	Name   string  // of the training
	Map    int     // index among the maps that were trained together, from 0
	Spread float64 // of its nodes, as in [MapQuality]
}

func (e *CollapsedError) Error() string {
	return fmt.Sprintf("lecture11: %s, map %d, has collapsed: the variance of its nodes is %.1e of that of the objects, want at least %.0e; "+
		"its state is kept: try SOMConfig.Init = \"pca\", a smaller SOMFit.Radius.End or more steps", e.Name, e.Map, e.Spread, collapsed)
}

// StateKept reports that the state should be saved despite the error.
func (e *CollapsedError) StateKept() bool { return true }

// checkSpread returns a CollapsedError if a map of a finished training has collapsed.
func (t *SOMTraining) checkSpread() error {
	for i, m := range t.maps {
		if m.cfg.Nodes() < 2 || t.data.variance == 0 {
			continue
		}
		_, spread, err := meanObject(m.weights)
		if err != nil {
			return err
		}
		if ratio := spread / t.data.variance; !(ratio >= collapsed) {
			return &CollapsedError{Name: t.name, Map: i, Spread: ratio}
		}
	}
	return nil
}
