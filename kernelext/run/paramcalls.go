package run

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/scanner"
	"go/token"
)

// piece is one token of a cell.
type piece struct {
	token token.Token
	text  string
	at    int // its offset in the source
}

// paramCalls finds the calls kernelext.Param(…) and kernelext.ParamE(…) in Go source. A cell is not a Go file: it can
// mix declarations and statements, and half of it may be wrong. So the calls are found in the stream of tokens, which
// needs no structure and leaves out comments and strings. Only the call itself is parsed.
func paramCalls(source string) ([]Param, error) {
	tokens := tokenize(source)
	var params []Param
	for i := range tokens {
		end := callEnd(tokens[i:])
		if end < 0 || i > 0 && tokens[i-1].token == token.PERIOD {
			continue
		}
		line := lineOf(source, tokens[i].at)
		last := tokens[i+end]
		param, err := paramOf(source[tokens[i].at : last.at+1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		param.Line = line
		params = append(params, param)
	}
	return params, nil
}

func tokenize(source string) []piece {
	files := token.NewFileSet()
	file := files.AddFile("cell", -1, len(source))
	var s scanner.Scanner
	s.Init(file, []byte(source), nil, 0)
	var tokens []piece
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return tokens
		}
		tokens = append(tokens, piece{token: tok, text: text, at: file.Offset(pos)})
	}
}

func lineOf(source string, offset int) int {
	line := 1
	for _, c := range source[:offset] {
		if c == '\n' {
			line++
		}
	}
	return line
}

// callEnd returns the index of the closing bracket if tokens start with kernelext.Param( or kernelext.Param[T]( , else
// -1.
func callEnd(tokens []piece) int {
	if len(tokens) < 4 || tokens[0].text != "kernelext" || tokens[1].token != token.PERIOD ||
		tokens[2].text != "Param" && tokens[2].text != "ParamE" {
		return -1
	}
	if tokens[3].token != token.LPAREN && tokens[3].token != token.LBRACK {
		return -1 // the function used as a value, or another name
	}
	depth, called := 0, false
	for i, t := range tokens[3:] {
		switch t.token {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			called = called || depth == 0 && t.token == token.LPAREN
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
		if depth == 0 && called {
			return i + 3
		}
	}
	return -1
}

// paramOf parses one call.
func paramOf(code string) (Param, error) {
	expr, err := parser.ParseExpr(code)
	if err != nil {
		return Param{}, fmt.Errorf("kernelext.Param: %w", err)
	}
	call, ok := expr.(*ast.CallExpr)
	if !ok || len(call.Args) != 3 {
		return Param{}, fmt.Errorf("%s: want kernelext.Param(name, quick, full)", code)
	}
	name, ok := literal(call.Args[0])
	if !ok || name.Kind() != constant.String {
		return Param{}, fmt.Errorf("%s: the name must be a string literal", code)
	}
	quick, okQuick := literal(call.Args[1])
	full, okFull := literal(call.Args[2])
	if !okQuick || !okFull {
		return Param{}, fmt.Errorf("%s: quick and full must be literals, so that the runner knows them", code)
	}
	p := Param{Name: constant.StringVal(name)}
	p.Quick, p.Full, err = typed(quick, full, typeArgument(call.Fun))
	if err != nil {
		return Param{}, fmt.Errorf("%s: %w", code, err)
	}
	return p, nil
}

// typeArgument returns T of Param[T], or "".
func typeArgument(fun ast.Expr) string {
	if index, ok := fun.(*ast.IndexExpr); ok {
		if name, ok := index.Index.(*ast.Ident); ok {
			return name.Name
		}
	}
	return ""
}

// literal returns the value of a literal, with a sign if it has one.
func literal(expr ast.Expr) (constant.Value, bool) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		value := constant.MakeFromLiteral(expr.Value, expr.Kind, 0)
		return value, expr.Kind != token.CHAR && value.Kind() != constant.Unknown
	case *ast.Ident:
		return constant.MakeBool(expr.Name == "true"), expr.Name == "true" || expr.Name == "false"
	case *ast.ParenExpr:
		return literal(expr.X)
	case *ast.UnaryExpr:
		value, ok := literal(expr.X)
		if !ok || expr.Op != token.ADD && expr.Op != token.SUB || !isNumber(value) {
			return nil, false
		}
		return constant.UnaryOp(expr.Op, value, 0), true
	}
	return nil, false
}

func isNumber(v constant.Value) bool { return v.Kind() == constant.Int || v.Kind() == constant.Float }

// typed converts both values to the type that Go infers for the call: T if it is given, else that of the literals,
// where an int beside a float64 becomes a float64.
func typed(quick, full constant.Value, want string) (q, f any, err error) {
	if want == "" {
		want = typeName(quick)
		if isNumber(quick) && isNumber(full) && typeName(full) == "float64" {
			want = "float64"
		}
	}
	if q, err = convert(quick, want); err == nil {
		f, err = convert(full, want)
	}
	return q, f, err
}

// typeName returns the type of an untyped constant.
func typeName(v constant.Value) string {
	switch v.Kind() {
	case constant.Int:
		return "int"
	case constant.Float:
		return "float64"
	case constant.String:
		return "string"
	}
	return "bool"
}

var errType = errors.New("want two values of one type: int, float64, string or bool")

func convert(v constant.Value, want string) (any, error) {
	switch {
	case want == "int" && v.Kind() == constant.Int:
		if n, exact := constant.Int64Val(v); exact {
			return int(n), nil
		}
		return nil, errors.New("the number does not fit in an int")
	case want == "float64" && isNumber(v):
		x, _ := constant.Float64Val(v)
		return x, nil
	case want == "string" && v.Kind() == constant.String:
		return constant.StringVal(v), nil
	case want == "bool" && v.Kind() == constant.Bool:
		return constant.BoolVal(v), nil
	}
	return nil, errType
}
