package kernelext

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

func withCaption(text, caption string) string {
	if caption == "" {
		return text
	}
	return text + "\n" + caption
}

// clock formats a duration for reading: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min.
func clock(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// timeText returns the time of day, with the date unless it is today.
func timeText(at time.Time) string {
	at = at.Local()
	if at.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}

// threeDigits formats a rate.
func threeDigits(x float64) string {
	if x >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}
