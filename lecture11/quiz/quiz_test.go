package quiz

import (
	"slices"
	"strings"
	"testing"
)

// TestCheck grades typical answers of students.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, id, answer string
		present          []string // names of the points
		wrong            int
		passed           bool
	}{
		{"good", "seq2seq", "The encoder packs everything into a fixed-size vector, the start of a long input is forgotten, and " +
			"it cannot be parallelised over time.", []string{"bottleneck", "forgetting", "no parallelism"}, 0, true},
		{"good, other words", "seq2seq", "1) Information bottleneck; 2) exploding and vanishing gradients;\n3) purely sequential",
			[]string{"bottleneck", "gradients", "no parallelism"}, 0, true},
		{"partial", "seq2seq", "Gradients vanish.", []string{"gradients"}, 0, false},
		{"wrong", "seq2seq", "It has too many parameters", nil, 1, false},
		{"good but for one thing", "seq2seq", "bottleneck, vanishing gradients, no parallel training, and many parameters",
			[]string{"bottleneck", "gradients", "no parallelism"}, 1, false},
		{"Russian", "seq2seq", "Весь вход сжимается в один вектор, начало забывается, градиенты затухают, нельзя распараллелить",
			[]string{"bottleneck", "forgetting", "gradients", "no parallelism"}, 0, true},
		{"empty", "seq2seq", " \n", nil, 0, false},
		{"another script", "seq2seq", "定長ベクトル", nil, 0, false},
		{"off the topic", "seq2seq", "I did not watch the lecture", nil, 0, false},

		{"good", "attention", "A convex combination of the values; the weights are a softmax of the scaled dot product of query and key",
			[]string{"mixture of values", "similarity", "softmax over keys", "scale"}, 0, true},
		{"formula", "attention", "softmax(QK^T / sqrt(d)) V, a weighted sum",
			[]string{"mixture of values", "similarity", "softmax over keys", "scale"}, 0, true},
		{"partial", "attention", "a weighted average of the encoder states", []string{"mixture of values"}, 0, false},
		{"wrong axis", "attention", "Weighted sum of values by softmax over the queries of the dot product",
			[]string{"mixture of values", "similarity", "softmax over keys"}, 1, false},
		{"picks", "attention", "it picks the most relevant word", nil, 1, false},
		{"Russian", "attention", "Взвешенная сумма значений, веса — softmax от скалярного произведения запроса и ключа",
			[]string{"mixture of values", "similarity", "softmax over keys"}, 0, true},

		{"good", "bert", "MLM and NSP", []string{"masked language model", "next sentence"}, 0, true},
		{"good, in words", "bert", "Predict the masked words; decide whether one sentence follows the other",
			[]string{"masked language model", "next sentence"}, 0, true},
		{"partial", "bert", "It fills in missing words", []string{"masked language model"}, 0, false},
		{"wrong", "bert", "It predicts the next word, on labelled data", nil, 2, false},
		{"Russian", "bert", "Предсказать маскированные слова и угадать, следует ли второе предложение за первым",
			[]string{"masked language model", "next sentence"}, 0, true},
	} {
		t.Run(c.id+", "+c.name, func(t *testing.T) {
			g, err := Check(c.id, c.answer)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(g.Present, c.present) || len(g.Wrong) != c.wrong || g.Passed() != c.passed {
				t.Errorf("points %v, wrong %v, passed %v\nwant %v, %d wrong, %v", g.Present, g.Wrong, g.Passed(), c.present, c.wrong, c.passed)
			}
		})
	}
}

// TestRevealed: the revealed answers make every point and no mistake; the hints make none.
func TestRevealed(t *testing.T) {
	questions, err := Questions()
	if err != nil {
		t.Fatal(err)
	}
	if len(questions) != 3 {
		t.Fatalf("%d questions, want 3", len(questions))
	}
	for _, q := range questions {
		answers, err := Reveal(q.ID)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Check(q.ID, strings.Join(answers, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Present) != q.Points || len(g.Wrong) != 0 {
			t.Errorf("%s: the revealed answer makes %v of %d points, wrong %v", q.ID, g.Present, q.Points, g.Wrong)
		}
		empty, err := Check(q.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(empty.Hints) != q.Points || empty.Note == "" || q.Need > q.Points || q.Need < 1 {
			t.Errorf("%s: an empty answer gets %d hints, note %q, need %d", q.ID, len(empty.Hints), empty.Note, q.Need)
		}
		for _, answer := range answers {
			if strings.Contains(empty.String(), answer) {
				t.Errorf("%s: the hints give %q away", q.ID, answer)
			}
		}
	}
}

func TestUnknownQuestion(t *testing.T) {
	if _, err := Check("gpt", "x"); err == nil || !strings.Contains(err.Error(), `want one of "seq2seq", "attention", "bert"`) {
		t.Errorf("error %v, want the known questions listed", err)
	}
	if _, err := Reveal(""); err == nil {
		t.Error("an empty question returned no error")
	}
}

func TestGradeString(t *testing.T) {
	g, err := Check("bert", "It fills in missing words and is supervised by labels")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"bert: not yet, 1 of 2 points", "\n  + masked language model", "\n  ! Both criteria", "\n  ? The second"} {
		if !strings.Contains(g.String(), want) {
			t.Errorf("grade %q lacks %q", g.String(), want)
		}
	}
}
