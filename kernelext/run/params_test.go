package run_test

import (
	"fmt"
	"strings"
	"testing"

	"deeplearning.example/kernelext/run"
)

func TestParams(t *testing.T) {
	nb := notebook(
		"import \"deeplearning.example/kernelext\"\n\n"+
			"// kernelext.Param(\"comment\", 1, 2)\nfunc epochs() int {\n"+
			"\treturn kernelext.Param(\"epochs\", 2, 30)\n}",
		"%goflags \"-race\"\n%%\nlr := kernelext.Param(\"lr\", 1, 0.5e-3)\n"+
			"fmt.Println(`kernelext.Param(\"raw\", 1, 2)`, lr)\n"+
			"for range kernelext.Param(\n\t\"steps\", // how many\n\t-1,\n\t+1_000,\n) {",
		"%main\n!echo kernelext.Param( \\\nkernelext.Param(\"shell\", 1, 2)\n"+
			"x, y := kernelext.Param[float64](\"t\", 1, 2), kernelext.Param(\"on\", false, true)",
		"%%bash\nkernelext.Param(\"bash\", 1, 2)",
		"%%\nname := kernelext.Param(\"name\", \"12:30\", `a\"b`)\nother.kernelext.Param(\"field\", 1, 2)",
		"%%\nagain := kernelext.Param(\"epochs\", 2, 30)",
	)
	nb.Cells[3].Type = "code"
	params, err := run.Params(nb)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range params {
		got = append(got, fmt.Sprintf("%s %s %v %v %d:%d", p.Name, p.Type(), p.Quick, p.Full, p.Cell, p.Line))
	}
	want := []string{
		"epochs int 2 30 1:5", "lr float64 1 0.0005 2:3", "steps int -1 1000 2:5",
		"t float64 1 2 3:4", "on bool false true 3:4", `name string 12:30 a"b 5:2`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestParamsRefuses(t *testing.T) {
	for _, test := range []struct{ code, want string }{
		{`kernelext.Param("x", n, 2)`, "cell 1, line 2: kernelext.Param(\"x\", n, 2): quick and full must be literals"},
		{`kernelext.Param(name, 1, 2)`, "the name must be a string literal"},
		{`kernelext.Param("x", 1)`, "want kernelext.Param(name, quick, full)"},
		{`kernelext.Param("x", 1, "a")`, "want two values of one type"},
		{`kernelext.Param("x", 'a', 'b')`, "must be literals"},
		{`kernelext.Param("x", -true, true)`, "must be literals"},
		{`kernelext.Param[int]("x", 1.5, 2)`, "want two values of one type"},
		{`kernelext.Param("x", 1, 99999999999999999999)`, "does not fit"},
		{`kernelext.Param("x", 1 2)`, "missing ','"},
	} {
		if _, err := run.Params(notebook("%%\n" + test.code)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.code, err, test.want)
		}
	}
	_, err := run.Params(notebook("%%", "%%\nkernelext.Param(\"x\", 1, 2)", "%%\nkernelext.Param(\"x\", 1.0, 2)"))
	want := `run: parameter "x" is int (1, 2) in cell 2 and float64 (1, 2) in cell 3: want the same in both`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestParseParam(t *testing.T) {
	params := []run.Param{
		{Name: "epochs", Quick: 2, Full: 30}, {Name: "lr", Quick: 0.5, Full: 1.0},
		{Name: "name", Quick: "a", Full: "b"}, {Name: "on", Quick: false, Full: true},
	}
	const known = "known are epochs (int), lr (float64), name (string), on (bool)"
	for _, test := range []struct {
		setting string
		want    any
		err     string
	}{
		{"epochs=3", 3, ""},
		{"epochs=-3", -3, ""},
		{"lr=3", 3.0, ""},
		{"lr=1e-3", 1e-3, ""},
		{"name=x=y z", "x=y z", ""},
		{"name=", "", ""},
		{"on=true", true, ""},
		{"epochs=2.5", nil, "run: parameter epochs=2.5: want int, like 2"},
		{"lr=NaN", nil, "run: parameter lr=NaN: want float64, like 0.5"},
		{"lr=fast", nil, "want float64"},
		{"on=maybe", nil, "want bool, like false"},
		{"epoch=3", nil, `unknown parameter "epoch": ` + known},
		{"=3", nil, `unknown parameter ""`},
		{"epochs", nil, "want name=value"},
	} {
		_, value, err := run.ParseParam(params, test.setting)
		if test.err == "" && (err != nil || value != test.want) {
			t.Errorf("%s: %#v %v, want %#v", test.setting, value, err, test.want)
		}
		if test.err == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", test.setting, err, test.err)
		}
	}
	if _, _, err := run.ParseParam(nil, "x=1"); err == nil || !strings.Contains(err.Error(), "no parameters") {
		t.Error(err)
	}
}
