package kernelext

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Table shows rows under a header. Columns of numbers are aligned to the right, text to the left. Every row must have as
// many cells as the header. Options: [Caption].
func Table(header []string, rows [][]any, opts ...Option) error {
	return here.present(func(o options) (Bundle, error) { return tableBundle(header, rows, o) }, opts)
}

func tableBundle(header []string, rows [][]any, o options) (Bundle, error) {
	if len(header) == 0 {
		return Bundle{}, fmt.Errorf("kernelext: Table without columns, want a header of at least one")
	}
	t := table{header: header, numeric: make([]bool, len(header)), caption: o.caption}
	for col := range header {
		t.numeric[col] = len(rows) > 0
	}
	for i, row := range rows {
		if len(row) != len(header) {
			return Bundle{}, fmt.Errorf("kernelext: Table row %d has %d cells, want %d as the header", i, len(row), len(header))
		}
		cells := make([]string, len(row))
		for col, v := range row {
			cells[col] = cellText(v)
			t.numeric[col] = t.numeric[col] && (v == nil || isNumber(v))
		}
		t.cells = append(t.cells, cells)
	}
	return Bundle{Data: map[string]any{mimeHTML: t.html(), mimeText: t.text()}}, nil
}

// table is a table whose cells are already formatted.
type table struct {
	header  []string
	cells   [][]string
	numeric []bool // by column
	caption string
}

func (t table) html() string {
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse">`)
	if t.caption != "" {
		fmt.Fprintf(&b, `<caption style="caption-side:bottom;text-align:left">%s</caption>`, html.EscapeString(t.caption))
	}
	b.WriteString("<thead>")
	t.htmlRow(&b, "th", t.header)
	b.WriteString("</thead><tbody>")
	for _, row := range t.cells {
		t.htmlRow(&b, "td", row)
	}
	b.WriteString("</tbody></table>")
	return b.String()
}

func (t table) htmlRow(b *strings.Builder, tag string, cells []string) {
	b.WriteString("<tr>")
	for col, cell := range cells {
		align := "left"
		if t.numeric[col] {
			align = "right"
		}
		cell = strings.ReplaceAll(html.EscapeString(cell), "\n", "<br>")
		fmt.Fprintf(b, `<%s style="text-align:%s;padding:2px 10px">%s</%s>`, tag, align, cell, tag)
	}
	b.WriteString("</tr>\n")
}

func (t table) text() string {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.cells...) {
		for col, cell := range row {
			widths[col] = max(widths[col], utf8.RuneCountInString(oneLine(cell)))
		}
	}
	rule := make([]string, len(widths))
	for col, w := range widths {
		rule[col] = strings.Repeat("─", w)
	}
	lines := []string{t.textRow(t.header, widths), strings.Join(rule, "  ")}
	for _, row := range t.cells {
		lines = append(lines, t.textRow(row, widths))
	}
	return withCaption(strings.Join(lines, "\n"), t.caption)
}

func (t table) textRow(row []string, widths []int) string {
	cells := make([]string, len(row))
	for col, cell := range row {
		cell = oneLine(cell)
		space := strings.Repeat(" ", widths[col]-utf8.RuneCountInString(cell))
		if t.numeric[col] {
			cells[col] = space + cell
		} else {
			cells[col] = cell + space
		}
	}
	return strings.TrimRight(strings.Join(cells, "  "), " ")
}

// cellText formats a value for a cell: a float with four digits, a fmt.Stringer by its String.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case float32:
		return number(float64(v))
	case float64:
		return number(v)
	default:
		return fmt.Sprint(v)
	}
}
