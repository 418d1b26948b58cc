package data

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parseHeader parses the dict of a .npy file: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
func (a *npyArray) parseHeader(text string) error {
	p := &pythonText{rest: text}
	if !p.take("{") {
		return errors.New("want a dict")
	}
	seen := map[string]bool{}
	for !p.take("}") {
		key, err := p.quoted()
		if err != nil {
			return err
		}
		if seen[key] || !p.take(":") {
			return fmt.Errorf("key %q is repeated or has no value", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			if a.dtype, err = p.quoted(); err != nil {
				return errors.New("elements of several fields, want a plain type")
			}
		case "fortran_order":
			a.fortran, err = p.truth()
		case "shape":
			a.shape, err = p.tuple()
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return err
		}
		if !p.take(",") && !strings.HasPrefix(p.rest, "}") {
			return errors.New("want a comma or the end of the dict after a value")
		}
	}
	if len(seen) != 3 || strings.TrimSpace(p.rest) != "" {
		return errors.New("want a dict of descr, fortran_order and shape")
	}
	return nil
}

// pythonText holds the unread part of Python text.
type pythonText struct{ rest string }

// skip skips spaces.
func (p *pythonText) skip() { p.rest = strings.TrimLeft(p.rest, " \t\n") }

// take skips spaces. If token comes next, it also skips token and the spaces after it, and returns true.
func (p *pythonText) take(token string) (found bool) {
	p.skip()
	if p.rest, found = strings.CutPrefix(p.rest, token); found {
		p.skip()
	}
	return found
}

// quoted reads a quoted text without escapes.
func (p *pythonText) quoted() (string, error) {
	for _, quote := range []string{"'", `"`} {
		if !p.take(quote) {
			continue
		}
		text, rest, found := strings.Cut(p.rest, quote)
		if !found || strings.Contains(text, `\`) {
			break
		}
		p.rest = rest
		p.skip()
		return text, nil
	}
	return "", errors.New("want a text in quotes")
}

// truth reads True or False.
func (p *pythonText) truth() (bool, error) {
	if p.take("True") {
		return true, nil
	}
	if p.take("False") {
		return false, nil
	}
	return false, errors.New("fortran_order, want True or False")
}

// tuple reads whole numbers in parentheses: (), (3,) or (3, 4).
func (p *pythonText) tuple() ([]int, error) {
	if !p.take("(") {
		return nil, errors.New("shape, want a tuple")
	}
	numbers := []int{}
	for !p.take(")") {
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		n, err := strconv.Atoi(p.rest[:digits])
		if err != nil {
			return nil, errors.New("shape, want whole numbers of at least 0")
		}
		numbers = append(numbers, n)
		p.rest = strings.TrimPrefix(p.rest[digits:], "L") // Python 2 wrote 3L
		if !p.take(",") && !strings.HasPrefix(p.rest, ")") {
			return nil, errors.New("shape, want commas between numbers")
		}
	}
	return numbers, nil
}
