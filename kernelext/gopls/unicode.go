package gopls

import (
	"unicode/utf16"
	"unicode/utf8"
)

// ByteOffset converts a position counted in Unicode code points, as in Jupyter, to a byte offset in code. Positions
// outside of code become its nearest end.
func ByteOffset(code string, codepoints int) int {
	at := 0
	for ; codepoints > 0 && at < len(code); codepoints-- {
		_, size := utf8.DecodeRuneInString(code[at:])
		at += size
	}
	return at
}

// CodePoints converts a byte offset in code to a position counted in Unicode code points. Offsets outside of code
// become its nearest end.
func CodePoints(code string, offset int) int {
	return utf8.RuneCountInString(code[:max(0, min(offset, len(code)))])
}

// utf16Length counts UTF-16 code units, as the language server protocol counts columns.
func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// utf16Offset returns the byte offset of a column in UTF-16 code units, at most the length of s.
func utf16Offset(s string, units int) int {
	for i, r := range s {
		if units <= 0 {
			return i
		}
		units -= utf16.RuneLen(r)
	}
	return len(s)
}
