package nbformat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError reports that a file is not JSON, and where. Line and Column count from 1, columns in characters.
type SyntaxError struct {
	Line, Column int
	// Reason is the JSON reader's message about that place.
	Reason string
}

// Error returns place, reason and what to do.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: not JSON: %s; fix that place in a text editor, or restore the file",
		e.Line, e.Column, e.Reason)
}

// VersionError reports that a notebook has a format that this package does not read.
type VersionError struct{ Major, Minor int }

// Error returns the version and what to do.
func (e *VersionError) Error() string {
	advice := "open and save it in JupyterLab, or run `jupyter nbconvert --to notebook` on it"
	if e.Major > Major {
		advice = "save it as nbformat 4 with the program that made it"
	}
	return fmt.Sprintf("nbformat %d.%d, want %d.x: %s", e.Major, e.Minor, Major, advice)
}

// ContentError reports that the JSON is not a notebook of format 4: a field is missing, unknown, or of a wrong kind.
type ContentError struct {
	// Cell and Output count from 1; 0 means that the error is outside a cell, or outside an output.
	Cell, Output int
	// Reason names the field, its value and the expected one.
	Reason string
}

// Error returns place and reason, as in "cell 3 output 1: display_data without data".
func (e *ContentError) Error() string {
	switch {
	case e.Output > 0:
		return fmt.Sprintf("cell %d output %d: %s", e.Cell, e.Output, e.Reason)
	case e.Cell > 0:
		return fmt.Sprintf("cell %d: %s", e.Cell, e.Reason)
	}
	return "notebook: " + e.Reason
}

// at is the place in a notebook that an error refers to.
type at struct{ cell, output int }

func (a at) errorf(format string, args ...any) error {
	return &ContentError{Cell: a.cell, Output: a.output, Reason: fmt.Sprintf(format, args...)}
}

// syntaxError converts an error of encoding/json about data to a SyntaxError.
func syntaxError(data []byte, err error) error {
	offset := int64(len(data))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && !strings.HasPrefix(err.Error(), "unexpected end") {
		offset = max(syntax.Offset-1, 0) // Offset counts the bytes read, the wrong one included
	}
	line, column := position(data, int(offset))
	return &SyntaxError{Line: line, Column: column, Reason: err.Error()}
}

// position returns the line and column, from 1, of the byte at offset.
func position(data []byte, offset int) (line, column int) {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}
