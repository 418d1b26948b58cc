package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// download fetches one file of known size and hash. The bytes received so far are kept beside it as .part. The next
// attempt, of this process or a later one, continues there. The file gets its name only when its hash is right.
type download struct {
	Address string // http, https or file
	Path    string
	Size    int64 // in bytes
	SHA256  string
	Stall   time.Duration // an attempt that receives no byte for this time is given up
	Meter   *meter
}

// attempts is the number of attempts without a byte, in a row, after which the download is given up.
const attempts = 3

// run fetches the file. On an error the part is kept, unless its hash is wrong.
func (d download) run(ctx context.Context) error {
	part := d.Path + ".part"
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	have, err := d.fill(ctx, file)
	d.Meter.done()
	if err != nil {
		return fmt.Errorf("download stopped at %s of %s: %w; the next attempt continues there",
			megabytes(have), megabytes(d.Size), err)
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := checkFile(part, d.Size, d.SHA256); err != nil {
		_ = os.Remove(part) // a wrong file is useless
		return fmt.Errorf("the download is deleted: %w", err)
	}
	return os.Rename(part, d.Path)
}

// fill fetches the missing bytes of the part and returns its size.
func (d download) fill(ctx context.Context, file *os.File) (have int64, err error) {
	for fruitless := 0; ; {
		before, err := file.Seek(0, io.SeekEnd)
		if err != nil || before >= d.Size { // the check refuses and deletes a part that is too long
			return before, err
		}
		err = d.attempt(ctx, file, before)
		have, seekErr := file.Seek(0, io.SeekEnd)
		if ctx.Err() != nil || seekErr != nil || isLocal(err) {
			return have, errors.Join(err, seekErr)
		}
		if fruitless++; have > before {
			fruitless = 0
		}
		if err != nil && fruitless >= attempts {
			return have, err
		}
		if err == nil && have < d.Size && fruitless >= attempts {
			return have, fmt.Errorf("the server ended the file too early")
		}
	}
}

// isLocal reports whether an error is one of this machine's disk, not of the network.
func isLocal(err error) bool {
	var path *os.PathError
	return errors.As(err, &path)
}

// attempt requests the rest of the file from the given byte on and appends it.
func (d download) attempt(ctx context.Context, file *os.File, from int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(d.Stall, func() { cancel(fmt.Errorf("nothing came for %v", d.Stall)) })
	defer stalled.Stop()
	body, from, err := d.open(ctx, from)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer body.Close()
	if err := file.Truncate(from); err != nil {
		return err
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return err
	}
	d.Meter.set(from)
	alive := func(n int) {
		stalled.Reset(d.Stall)
		d.Meter.add(int64(n))
	}
	// One byte more than expected shows that a file is too long.
	_, err = io.Copy(file, io.LimitReader(watched{body, alive}, d.Size-from+1))
	return causeOf(ctx, err)
}

// causeOf replaces "context canceled" by its cause.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// open returns the file's bytes and the offset of the first: a server may ignore the requested offset.
func (d download) open(ctx context.Context, from int64) (io.ReadCloser, int64, error) {
	address, err := url.Parse(d.Address)
	if err != nil {
		return nil, 0, err
	}
	if address.Scheme == "file" {
		file, err := os.Open(address.Path)
		return file, 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Address, nil)
	if err != nil {
		return nil, 0, err
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case response.StatusCode == http.StatusOK:
		return response.Body, 0, nil
	case response.StatusCode == http.StatusPartialContent && startsAt(response, from):
		return response.Body, from, nil
	}
	_ = response.Body.Close()
	return nil, 0, fmt.Errorf("the server answered %s", response.Status)
}

// startsAt reports whether a partial answer starts at the requested offset.
func startsAt(response *http.Response, from int64) bool {
	var first int64
	_, err := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes %d-", &first)
	return err == nil && first == from
}

// watched reports each read.
type watched struct {
	io.Reader
	read func(n int)
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.read(n)
	return n, err
}
