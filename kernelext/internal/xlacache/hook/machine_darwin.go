package hook

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// processor returns the processor's name and family.
func processor() string {
	name, _ := unix.Sysctl("machdep.cpu.brand_string")
	family, _ := unix.SysctlUint32("hw.cpufamily")
	return fmt.Sprint(name, " ", family)
}
