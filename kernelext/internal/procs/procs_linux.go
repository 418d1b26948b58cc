package procs

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// stat is the part of /proc/<pid>/stat that is used here.
type stat struct {
	pid, parent, group int
	dead               bool // a zombie
}

// Descendants lists the living processes that descend from root, without root. It looks at every process, which takes
// some ms. A process that gets a new parent during the look may be missed: look again.
func Descendants(root int) []int {
	all := list()
	parents := parentsOf(all)
	var pids []int
	for _, s := range all {
		if !s.dead && s.pid != root && descends(s.pid, root, parents) {
			pids = append(pids, s.pid)
		}
	}
	return pids
}

// Family lists the living processes that belong to root, with root: those of its group, its descendants, and all of
// this user whose environment had mark, "NAME=value", when they started. This process is not among them.
func Family(root int, mark string) []int {
	all := list()
	parents := parentsOf(all)
	var pids []int
	for _, s := range all {
		if s.dead || s.pid == os.Getpid() {
			continue
		}
		if s.group == root || descends(s.pid, root, parents) || hasMark(s.pid, mark) {
			pids = append(pids, s.pid)
		}
	}
	return pids
}

func parentsOf(all []stat) map[int]int {
	parents := make(map[int]int, len(all))
	for _, s := range all {
		parents[s.pid] = s.parent
	}
	return parents
}

func descends(pid, root int, parents map[int]int) bool {
	for range len(parents) { // the table may be inconsistent: reused ids could make a ring
		parent, ok := parents[pid]
		if !ok || pid == root {
			return ok
		}
		pid = parent
	}
	return false
}

// Marked lists the living processes of this user whose environment had mark, "NAME=value", when they started. This
// process is not among them.
func Marked(mark string) []int {
	var pids []int
	for _, s := range list() {
		if !s.dead && s.pid != os.Getpid() && hasMark(s.pid, mark) {
			pids = append(pids, s.pid)
		}
	}
	return pids
}

func hasMark(pid int, mark string) bool {
	environ, err := os.ReadFile(path(pid, "environ"))
	if err != nil {
		return false // it belongs to another user, or has ended
	}
	return slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(entry []byte) bool {
		return string(entry) == mark
	})
}

// Tree lists the living processes that descend from root, without root. It walks down from root and so is cheap enough
// for many calls a second; a process that starts meanwhile may be missed.
func Tree(root int) []int {
	var pids []int
	for _, n := range tree(root)[1:] {
		if n.resident > 0 {
			pids = append(pids, n.pid)
		}
	}
	return pids
}

// Usage sums the memory of the living processes that descend from root, and counts them. It excludes root and the given
// processes. It takes well below a ms for a few processes.
func Usage(root int, without ...int) (m Memory, living int) {
	page := int64(os.Getpagesize())
	nodes := tree(root)
	for _, n := range nodes[1:] {
		if n.resident == 0 || slices.Contains(without, n.pid) {
			continue
		}
		living++
		if n.sharesMemory(nodes[n.parent]) {
			continue
		}
		m.Private += (n.resident - n.shared) * page
		m.Shared = max(m.Shared, n.shared*page)
	}
	return m, living
}

// Resident sums the resident memory, in bytes, of root and its descendants; shared memory counts each time. It is cheap
// enough for many calls a second.
func Resident(root int) int64 {
	pages := int64(0)
	for _, n := range tree(root) {
		pages += n.resident
	}
	return pages * int64(os.Getpagesize())
}

// node is a process below some root.
type node struct {
	pid, parent            int   // parent is an index in the tree
	size, resident, shared int64 // pages; a zombie has none
}

// sharesMemory reports whether n has only the memory of its parent: it was started by vfork, as Go starts programs, and
// has not yet become the program that it will be. Otherwise a large process would seem twice as large for a short time.
func (n node) sharesMemory(parent node) bool {
	return n.size == parent.size && max(n.resident-parent.resident, parent.resident-n.resident) <= n.resident/16
}

// tree returns root and its descendants, parents before their children.
func tree(root int) []node {
	var r reader
	nodes := []node{r.node(root, 0)}
	for i := 0; i < len(nodes); i++ {
		for _, pid := range r.children(nodes[i].pid) {
			nodes = append(nodes, r.node(pid, i))
		}
	}
	return nodes
}

func list() []stat {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var reader reader
	var all []stat
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, ok := parseStat(pid, reader.read(path(pid, "stat"))); ok {
			all = append(all, s)
		}
	}
	return all
}

// parseStat reads state, parent and group. The second field is the name in brackets, and may itself hold brackets and
// spaces.
func parseStat(pid int, data []byte) (stat, bool) {
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 3 {
		return stat{}, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	group, groupErr := strconv.Atoi(string(fields[2]))
	state := fields[0][0]
	return stat{pid: pid, parent: parent, group: group, dead: state == 'Z' || state == 'X'}, err == nil && groupErr == nil
}

func path(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// reader reads small files into one buffer, without the poller and the bookkeeping of os.File, because Usage is called
// often.
type reader struct{ buffer []byte }

// read returns the content of the file, or nothing. The bytes are valid until the next call.
func (r *reader) read(name string) []byte {
	if r.buffer == nil {
		r.buffer = make([]byte, 4096)
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	for size := 0; ; {
		n, err := syscall.Read(fd, r.buffer[size:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return r.buffer[:size]
		}
		if size += n; size == len(r.buffer) {
			r.buffer = append(r.buffer, make([]byte, size)...)
		}
	}
}

// children lists the children of pid: each thread has a list of those that it started.
func (r *reader) children(pid int) []int {
	folder := path(pid, "task")
	dir, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer dir.Close()
	threads, _ := dir.Readdirnames(-1)
	var pids []int
	for _, thread := range threads {
		for _, field := range bytes.Fields(r.read(folder + "/" + thread + "/children")) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// node reads the memory of a process.
func (r *reader) node(pid, parent int) node {
	n := node{pid: pid, parent: parent}
	fields := bytes.Fields(r.read(path(pid, "statm")))
	for i, into := range []*int64{&n.size, &n.resident, &n.shared} {
		if i < len(fields) {
			*into, _ = strconv.ParseInt(string(fields[i]), 10, 64) // digits, always
		}
	}
	return n
}

// Asleep reports whether no thread of a process runs or is ready to run; it returns true if that cannot be seen.
func Asleep(pid int) bool {
	var r reader
	threads, err := os.ReadDir(path(pid, "task"))
	if err != nil {
		return true
	}
	for _, thread := range threads {
		stat := r.read(path(pid, "task/"+thread.Name()+"/stat")) // nothing if the thread has ended
		// "4711 (name) R …": the name may contain any character, so the state is searched from the right.
		if i := bytes.LastIndexByte(stat, ')') + 2; i < len(stat) && stat[i] == 'R' {
			return false
		}
	}
	return true
}
