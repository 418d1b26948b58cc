package jupyter_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"deeplearning.example/kernelext/jupyter"
)

// statusFrames returns a signed status that contains a number.
func statusFrames(t testing.TB, info *jupyter.ConnectionInfo, number int) [][]byte {
	t.Helper()
	m, err := jupyter.NewMessage("status", "session", jupyter.Status{ExecutionState: strconv.Itoa(number)})
	if err != nil {
		t.Fatal(err)
	}
	m.Identities = [][]byte{[]byte("status")}
	frames, err := m.Encode(mustSigner(t, info.Key))
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// TestStoppedReader: a front end that does not read costs a bounded amount of memory, is reported once, misses no
// status, and gets messages again when it reads again; others miss nothing.
func TestStoppedReader(t *testing.T) {
	const queue, block, rounds, blocks = 8 << 20, 32 << 10, 100, 64 // 200 MB in all
	info := newInfo(t)
	log := &lines{}
	s := listen(t, info, jupyter.ServerOptions{Log: log.add, Queue: queue})
	stopped := dialRaw(t, info, "stopped")
	reading := dialRaw(t, info, "reading")
	subscribed(t, s, 2)
	got, ahead := make(chan int), make(chan struct{}, queue/block/2) // the publisher is not far ahead of the reader
	go func() { got <- countBlocks(reading, rounds, func() { <-ahead }) }()
	before, most := heap(), int64(0)
	for round := range rounds {
		s.Publish(statusFrames(t, info, round))
		for range blocks {
			ahead <- struct{}{}
			s.Publish([][]byte{[]byte("topic"), bytes.Repeat([]byte("x"), block)})
		}
		most = max(most, heap()-before)
	}
	s.Publish(statusFrames(t, info, rounds))
	if n := <-got; n != rounds*blocks {
		t.Errorf("the front end that reads got %d messages, want %d", n, rounds*blocks)
	}
	if most > 4*queue {
		t.Errorf("the heap has grown by %d bytes, the queue is %d", most, queue)
	}
	if told := log.matching("does not read"); len(told) != 1 || len(log.matching("")) != 1 {
		t.Errorf("log: %q", log.matching(""))
	}
	if n := countBlocks(stopped, rounds, func() {}); n < queue/block/2 || n > rounds*blocks/2 {
		t.Errorf("the front end that did not read got %d messages", n)
	}
	eventually(t, "the log to tell of the end", func() bool { return len(log.matching("reads again")) == 1 })
	s.Publish([][]byte{[]byte("topic"), []byte("on")})
	if m := <-stopped.Receive(); string(m.Frames[1]) != "on" {
		t.Errorf("%q", m.Frames)
	}
}

// countBlocks reads until status number last, and returns the number of other messages; -1 if a status is missing.
func countBlocks(raw *jupyter.Raw, last int, each func()) int {
	count, next := 0, 0
	for m := range raw.Receive() {
		if string(m.Frames[0]) != "status" {
			count++
			each()
			continue
		}
		if want := fmt.Sprintf(`{"execution_state":"%d"}`, next); string(m.Frames[6]) != want {
			return -1
		}
		if next == last {
			return count
		}
		next++
	}
	return -1
}

// TestLargeMessages: a message larger than the whole queue is still sent when nothing else waits.
func TestLargeMessages(t *testing.T) {
	info := newInfo(t)
	s := listen(t, info, jupyter.ServerOptions{Queue: 1 << 20})
	raw := dialRaw(t, info, "front")
	subscribed(t, s, 1)
	for _, size := range []int{5 << 20, jupyter.DefaultMaxMessage, 10} {
		s.Publish([][]byte{[]byte("t"), make([]byte, size)})
		s.Drain(time.Minute)
		m := <-raw.Receive()
		if tooLarge := size == jupyter.DefaultMaxMessage; tooLarge && (m.Lost != int64(size)+1 || m.Frames != nil) {
			t.Errorf("a message above the limit: %d frames, %d bytes lost", len(m.Frames), m.Lost)
		} else if !tooLarge && (len(m.Frames) != 2 || len(m.Frames[1]) != size) {
			t.Errorf("a message of %d bytes does not arrive", size)
		}
	}
}

// BenchmarkEcho measures a request through shell, and its reply.
func BenchmarkEcho(b *testing.B) {
	info := newInfo(b)
	s := listen(b, info, jupyter.ServerOptions{})
	raw := dialRaw(b, info, "front")
	go func() {
		for in := range s.Receive() {
			m, err := in.Reply("kernel_info_reply", struct{}{})
			if err != nil || s.Reply(in.Channel, m) != nil {
				return
			}
		}
	}()
	frames := request(b, info)
	for b.Loop() {
		if err := raw.Send(jupyter.Shell, frames); err != nil {
			b.Fatal(err)
		}
		<-raw.Receive()
	}
}

// BenchmarkPublish measures messages to a front end that reads; all must arrive.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{100, 32 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			info := newInfo(b)
			s := listen(b, info, jupyter.ServerOptions{Queue: 1 << 30})
			raw := dialRaw(b, info, "front")
			subscribed(b, s, 1)
			frames := statusFrames(b, info, 0)
			frames[6] = bytes.Repeat([]byte("x"), size)
			b.SetBytes(int64(size))
			done := make(chan struct{})
			b.ResetTimer()
			go func() {
				defer close(done)
				for range b.N {
					<-raw.Receive()
				}
			}()
			for i := range b.N {
				s.Publish(frames)
				if i%1000 == 999 { // at most as fast as it is read
					s.Drain(time.Minute)
				}
			}
			<-done
		})
	}
}

// BenchmarkPublishStopped measures messages to a front end that has stopped reading.
func BenchmarkPublishStopped(b *testing.B) {
	info := newInfo(b)
	s := listen(b, info, jupyter.ServerOptions{})
	dialRaw(b, info, "front")
	subscribed(b, s, 1)
	frames := statusFrames(b, info, 0)
	frames[3] = bytes.Replace(frames[3], []byte(`"status"`), []byte(`"stream"`), 1)
	b.SetBytes(32 << 10)
	before := heap()
	for b.Loop() {
		message := slices.Clone(frames)
		message[6] = make([]byte, 32<<10)
		s.Publish(message)
	}
	b.ReportMetric(float64(heap()-before)/(1<<20), "MB-held")
}
