package run

import (
	"strings"
	"testing"

	"deeplearning.example/kernelext/nbformat"
)

func TestTerminalText(t *testing.T) {
	for _, test := range []struct {
		writes []string
		want   string
	}{
		{[]string{"a\nb\n"}, "a\nb\n"},
		{[]string{"10%\r20%\r30%"}, "30%"},
		{[]string{"long line\rab"}, "abng line"},
		{[]string{"one\r", "\ntwo"}, "one\ntwo"},
		{[]string{"windows\r\nline\r\n"}, "windows\nline\n"},
		{[]string{"first\n10%", "\r", "9%"}, "first\n9%%"},
		{[]string{"long line\r\x1b[Kab"}, "ab"},
		{[]string{"long line\x1b[2K\rab"}, "ab"},
		{[]string{"\x1b[31mred\x1b[0m\n"}, "\x1b[31mred\x1b[0m\n"},
		{[]string{"äöü\rx"}, "xöü"},
		{[]string{"abc\b\bX"}, "aXc"},
		{[]string{"a\n\bb"}, "a\nb"},
		{[]string{"12\r3456"}, "3456"},
	} {
		text := newTerminalText("")
		for _, write := range test.writes {
			text.write(write)
		}
		if got := text.String(); got != test.want {
			t.Errorf("%q: %q, want %q", test.writes, got, test.want)
		}
	}
}

func display(text string) nbformat.Output {
	return nbformat.Output{Type: nbformat.DisplayData, Data: map[string]any{"text/plain": text}}
}

func stored(list []nbformat.Output) (size int64, text string) {
	for _, output := range list {
		data, _ := output.Data["text/plain"].(string)
		size += int64(len(output.Text) + len(data))
		text += output.Text + data
	}
	return size, text
}

// TestLimit: of any outputs, a cell keeps the first and the last up to its limit, and a note.
func TestLimit(t *testing.T) {
	const limit = 1 << 20
	line := strings.Repeat("x", 99) + "\n"
	for name, put := range map[string]func(o *outputs, i int){
		"one stream": func(o *outputs, i int) { o.stream("stdout", line) },
		"no newline": func(o *outputs, i int) { o.stream("stdout", line[:99]) },
		"two streams": func(o *outputs, i int) {
			o.stream([]string{"stdout", "stderr"}[i%2], line)
		},
		"displays": func(o *outputs, i int) { o.show(display(line), "", 100) },
		"one display that grows": func(o *outputs, i int) {
			if size := 100 * i; i%100 == 0 {
				o.displays.update("id", display(strings.Repeat("x", size)), int64(size))
			}
		},
		"huge messages": func(o *outputs, i int) {
			if i%10_000 == 0 {
				o.stream("stdout", strings.Repeat(line, 30_000))
			}
		},
	} {
		o := newOutputs(limit, displays{})
		o.show(display("first"), "id", 5)
		for i := range 30_000 {
			put(o, i)
			if o.headSize+o.tailSize > limit+2*pieceSize {
				t.Fatalf("%s: %d bytes are held, the limit is %d", name, o.headSize+o.tailSize, limit)
			}
		}
		o.stream("stdout", "last")
		size, text := stored(o.result())
		if size > limit+1000 || !strings.HasSuffix(text, "last") || !strings.Contains(text, "left out") {
			t.Errorf("%s: %d bytes, the limit is %d; the end is %q", name, size, limit, text[max(0, len(text)-20):])
		}
	}
}

// TestNothingIsLost: below the limit all outputs are kept, byte for byte.
func TestNothingIsLost(t *testing.T) {
	o := newOutputs(1<<20, displays{})
	var want strings.Builder
	for i := range 4000 {
		line := strings.Repeat("ä", i%50) + "\n"
		want.WriteString(line)
		o.stream("stdout", line)
	}
	list := o.result()
	if len(list) != 1 || list[0].Text != want.String() {
		t.Errorf("%d outputs, %d bytes, want %d", len(list), len(list[0].Text), want.Len())
	}
}

func TestShortModel(t *testing.T) {
	for name, want := range map[string]string{
		"Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz": "Intel Xeon E5-2680 v4",
		"AMD EPYC 7B13 64-Core Processor":           "AMD EPYC 7B13",
		"Apple M3 Pro":                              "Apple M3 Pro",
	} {
		if got := shortModel(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
