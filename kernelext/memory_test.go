package kernelext

import "testing"

func TestLimitMemory(t *testing.T) {
	for _, test := range []struct {
		limit, user string
		want        int64 // 0: none is set
	}{
		{"1000", "", 900},
		{"17179869184", "", 15461882265},
		{"1000", "1GiB", 0},
		{"1000", "off", 0},
		{"", "", 0},
		{"0", "", 0},
		{"-1", "", 0},
		{"1 GB", "", 0},
		{"99999999999999999999", "", 0},
	} {
		env := map[string]string{envMemory: test.limit, "GOMEMLIMIT": test.user}
		got := int64(0)
		limitMemory(func(name string) string { return env[name] }, func(limit int64) int64 {
			got = limit
			return 0
		})
		if got != test.want {
			t.Errorf("%s=%q GOMEMLIMIT=%q: %d, want %d", envMemory, test.limit, test.user, got, test.want)
		}
	}
}
