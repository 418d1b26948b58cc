package setup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// content returns 3 MB without repetitions, and their SHA-256.
func content() (raw []byte, sum string) {
	raw = make([]byte, 3<<20)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(raw)
	hash := sha256.Sum256(raw)
	return raw, hex.EncodeToString(hash[:])
}

func newDownload(t *testing.T, address string) download {
	t.Helper()
	raw, sum := content()
	return download{Address: address, Path: filepath.Join(t.TempDir(), "file.whl"), Size: int64(len(raw)),
		SHA256: sum, Stall: 20 * time.Second}
}

// cutServer serves the content and cuts each connection after limit bytes. It counts the bytes that it sent.
func cutServer(t *testing.T, limit int, ranges bool) (address string, sent *atomic.Int64) {
	t.Helper()
	raw, _ := content()
	sent = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := 0
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && ranges {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(raw)-1, len(raw)))
			w.Header().Set("Content-Length", fmt.Sprint(len(raw)-from))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			from = 0
		}
		part := raw[from:min(from+limit, len(raw))]
		n, _ := w.Write(part)
		sent.Add(int64(n))
		if from+limit < len(raw) {
			panic(http.ErrAbortHandler) // closes the connection in the middle
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/file.whl", sent
}

func checkDownloaded(t *testing.T, d download) {
	t.Helper()
	want, _ := content()
	got, err := os.ReadFile(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the downloaded file differs")
	}
	if _, err := os.Stat(d.Path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part is left: %v", err)
	}
}

// TestDownloadResumes cuts the connection repeatedly; no byte is sent twice.
func TestDownloadResumes(t *testing.T) {
	address, sent := cutServer(t, 700_000, true)
	d := newDownload(t, address)
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkDownloaded(t, d)
	if sent.Load() != d.Size {
		t.Errorf("the server sent %d bytes for a file of %d", sent.Load(), d.Size)
	}
}

// TestDownloadResumesLater stops at an error of the server; the next process continues the part.
func TestDownloadResumesLater(t *testing.T) {
	raw, _ := content()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(raw[:1<<20])
		panic(http.ErrAbortHandler)
	}))
	defer broken.Close()
	d := newDownload(t, broken.URL+"/file.whl")
	err := d.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "continues there") {
		t.Fatalf("err = %v, want one that says that the download can be continued", err)
	}
	if _, err := os.Stat(d.Path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("an unfinished download has the name of a finished one")
	}
	part, err := os.Stat(d.Path + ".part")
	if err != nil || part.Size() != 1<<20 {
		t.Fatalf("part = %v, %v, want 1 MiB", part, err)
	}
	address, sent := cutServer(t, len(raw), true)
	d.Address = address
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkDownloaded(t, d)
	if want := d.Size - 1<<20; sent.Load() != want {
		t.Errorf("the second server sent %d bytes, want the missing %d", sent.Load(), want)
	}
}

// TestDownloadWithoutRanges starts from the first byte if the server ignores the requested offset.
func TestDownloadWithoutRanges(t *testing.T) {
	raw, _ := content()
	address, _ := cutServer(t, len(raw), false)
	d := newDownload(t, address)
	if err := os.WriteFile(d.Path+".part", []byte("some other bytes"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkDownloaded(t, d)
}

// TestDownloadWrong refuses bytes of another hash, and files that are too long or too short.
func TestDownloadWrong(t *testing.T) {
	raw, _ := content()
	flipped := bytes.Clone(raw)
	flipped[2<<20] ^= 1
	for name, served := range map[string][]byte{
		"hash": flipped, "longer": append(bytes.Clone(raw), 0), "shorter": raw[:len(raw)-1],
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(served))
			}))
			defer server.Close()
			d := newDownload(t, server.URL+"/file.whl")
			err := d.run(t.Context())
			if err == nil {
				t.Fatal("a wrong file was taken")
			}
			if _, err := os.Stat(d.Path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a wrong file has the name of the right one")
			}
			_, partErr := os.Stat(d.Path + ".part")
			if name == "hash" && !(strings.Contains(err.Error(), "SHA-256") && errors.Is(partErr, os.ErrNotExist)) {
				t.Errorf("err = %v, part: %v; want the hash named and the part deleted", err, partErr)
			}
		})
	}
}

// TestDownloadStalls gives up an attempt that receives nothing.
func TestDownloadStalls(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	d := newDownload(t, server.URL+"/file.whl")
	d.Stall = 50 * time.Millisecond
	if err := d.run(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing came for 50ms") {
		t.Errorf("err = %v, want it to say that nothing came", err)
	}
}

// TestDownloadInterrupted keeps the received bytes.
func TestDownloadInterrupted(t *testing.T) {
	raw, _ := content()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(raw[:1<<20])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	d := newDownload(t, server.URL+"/file.whl")
	if err := d.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
	if _, err := os.Stat(d.Path + ".part"); err != nil {
		t.Error(err)
	}
}

// TestDownloadFile uses a local file, whose address pip may return.
func TestDownloadFile(t *testing.T) {
	raw, _ := content()
	source := filepath.Join(t.TempDir(), "local file.whl")
	if err := os.WriteFile(source, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	d := newDownload(t, "file://"+strings.ReplaceAll(source, " ", "%20"))
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkDownloaded(t, d)
}

// TestMeter shows lines if the output is not a terminal, and a bar on a terminal.
func TestMeter(t *testing.T) {
	var out bytes.Buffer
	m := newMeter(&out, false, 100e6)
	m.set(10e6)
	m.shown = time.Now().Add(-time.Minute)
	m.add(20e6)
	m.add(1)
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "30.0 MB of 100.0 MB") {
		t.Errorf("without a terminal: %q, want one line", got)
	}
	if got := m.line(2 * time.Second); got != "30.0 MB of 100.0 MB, 10.0 MB/s, 7s left" {
		t.Errorf("line = %q", got)
	}
	out.Reset()
	m = newMeter(&out, true, 100e6)
	m.set(50e6)
	m.done()
	if got := out.String(); !strings.HasPrefix(got, "\r  [███████████████···············] 50.0 MB of") {
		t.Errorf("on a terminal: %q", got)
	}
	var none *meter
	none.set(1)
	none.add(1)
	none.done()
}
