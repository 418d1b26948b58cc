package jupyter

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// groupAttr gives a process a group of its own, and a SIGTERM when this process dies without ending it.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// stat is what is needed of /proc/<pid>/stat.
type stat struct {
	pid, parent, group int
	zombie             bool
}

// family lists the living processes that belong to the kernel root: members of its group, descendants, and all whose
// environment carries mark.
func family(root int, mark string) []int {
	all := processes()
	parents := map[int]int{}
	for _, s := range all {
		parents[s.pid] = s.parent
	}
	var pids []int
	for _, s := range all {
		if s.zombie || s.pid == os.Getpid() {
			continue
		}
		if s.group == root || descends(s.pid, root, parents) || hasMark(s.pid, mark) {
			pids = append(pids, s.pid)
		}
	}
	return pids
}

func descends(pid, root int, parents map[int]int) bool {
	for range len(parents) { // the table is no snapshot: reused ids could make a ring
		if pid == root {
			return true
		}
		parent, ok := parents[pid]
		if !ok {
			return false
		}
		pid = parent
	}
	return false
}

func hasMark(pid int, mark string) bool {
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false // another user's, or gone
	}
	return slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(entry []byte) bool {
		return string(entry) == mark
	})
}

func processes() []stat {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []stat
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, ok := readStat(pid); ok {
			all = append(all, s)
		}
	}
	return all
}

func readStat(pid int) (stat, bool) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, false
	}
	// The second field is the name in brackets and may itself hold brackets and spaces.
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 3 {
		return stat{}, false
	}
	parent, err1 := strconv.Atoi(fields[1])
	group, err2 := strconv.Atoi(fields[2])
	dead := fields[0] == "Z" || fields[0] == "X"
	return stat{pid: pid, parent: parent, group: group, zombie: dead}, err1 == nil && err2 == nil
}

// treeMemory sums the resident memory of a process and its descendants. It walks down from the root and does not read
// all of /proc, since it runs many times a second.
func treeMemory(root int) int64 {
	total := int64(0)
	queue := []int{root}
	for len(queue) > 0 {
		pid := queue[0]
		queue = append(queue[1:], children(pid)...)
		total += residentMemory(pid)
	}
	return total
}

func children(pid int) []int {
	lists, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "children"))
	if err != nil {
		return nil
	}
	var pids []int
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func residentMemory(pid int) int64 {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
