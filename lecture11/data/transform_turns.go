package data

import "fmt"

// QuarterTurns returns each image four times in a row, rotated counter-clockwise by 0°, 90°, 180° and 270°. The label
// is the number of quarter turns, 0 … 3, so that it needs no annotation. Image i shows image i/4 of the receiver.
//
// Slide "Self-supervised (pretext) tasks"; Gidaris, Singh & Komodakis 2018.
func (s *Images) QuarterTurns() (*Images, error) {
	if s.Width != s.Height {
		return nil, fmt.Errorf("data: QuarterTurns of %s with images of %d×%d pixels, want square ones", s.ID, s.Width, s.Height)
	}
	turns := s.Repeat(4)
	turns.ID, turns.Classes = s.ID+"|quarter turns", nil
	turns.Labels = make([]int, turns.Len())
	n := s.Dim()
	for turn := range 4 {
		turned, err := s.Rotated(float64(90 * turn))
		if err != nil {
			return nil, err
		}
		for i := range s.Len() {
			copy(turns.Pixels[(4*i+turn)*n:], turned.Pixels[i*n:(i+1)*n])
			turns.Labels[4*i+turn] = turn
		}
	}
	return turns, nil
}

// Part returns the images from, from + step, …, below to.
func (s *Images) Part(from, to, step int) (*Images, error) {
	if from < 0 || to > s.Len() || from >= to || step < 1 {
		return nil, fmt.Errorf("data: Part(%d, %d, %d) of %s, want 0 ≤ from < to ≤ %d and step ≥ 1", from, to, step, s.ID, s.Len())
	}
	var order []int
	for i := from; i < to; i += step {
		order = append(order, i)
	}
	return s.pick(order, fmt.Sprintf("%d to %d by %d", from, to, step)), nil
}
