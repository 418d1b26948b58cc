package data

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pillowFiles is the content of testdata/pictures.json: files that Pillow and other programs wrote, and the pixels
// that Pillow reads.
type pillowFiles struct {
	Width, Height int
	Background    []uint8 // the background of Blended
	Pictures      []struct {
		Name         string
		File         []byte
		Grey         bool   // the file has no colours
		Colour       []byte // over black
		Blended      []byte // over the background
		Luma         []byte // Colour in grey
		Small, Large []byte // Luma scaled to 3×4 and 15×11 pixels
	}
}

// readPillowFiles reads testdata/pictures.json. Its background is an array of numbers, while []uint8 expects base64.
func readPillowFiles(t *testing.T) (files pillowFiles) {
	t.Helper()
	var raw struct{ Background []int }
	content, err := os.ReadFile("testdata/pictures.json")
	if err == nil {
		err = json.Unmarshal(content, &raw)
	}
	if err == nil {
		content = bytes.Replace(content, []byte(`"background"`), []byte(`"numbers"`), 1)
		err = json.Unmarshal(content, &files)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range raw.Background {
		files.Background = append(files.Background, uint8(v))
	}
	return files
}

// folderOf writes files into a new folder named pictures.
func folderOf(t *testing.T, files map[string][]byte) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "pictures")
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// mostApart returns the largest difference of two pixels.
func mostApart(a, b []uint8) int {
	if len(a) != len(b) {
		return 256
	}
	most := 0
	for i := range a {
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

// TestPicturesAsPillow: pictures of all kinds have the pixels that Pillow reads, blended with a background or not.
// JPEG and scaled pictures agree within 1, because libraries round cosine transforms and weights in different ways.
func TestPicturesAsPillow(t *testing.T) {
	files := readPillowFiles(t)
	b := files.Background
	for _, c := range files.Pictures {
		allowed := 0
		if !strings.HasSuffix(c.Name, "png") {
			allowed = 1
		}
		read := func(o ImageOptions) *Images {
			s, err := FromImages(folderOf(t, map[string][]byte{c.Name: c.File}), o)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			return s
		}
		plain := read(ImageOptions{})
		want, channels := c.Colour, 3
		if c.Grey {
			want, channels = c.Luma, 1
		}
		if plain.Channels != channels || plain.Width != files.Width || plain.Height != files.Height || plain.Labels != nil {
			t.Errorf("%s: %s", c.Name, plain)
		}
		if apart := mostApart(plain.Pixels, want); apart > allowed {
			t.Errorf("%s: pixels %d apart from Pillow's, want at most %d", c.Name, apart, allowed)
		}
		if apart := mostApart(read(ImageOptions{Grey: true}).Pixels, c.Luma); apart > allowed {
			t.Errorf("%s: grey pixels %d apart from Pillow's, want at most %d", c.Name, apart, allowed)
		}
		if !c.Grey {
			blended := read(ImageOptions{Background: color.RGBA{b[0], b[1], b[2], 255}})
			if apart := mostApart(blended.Pixels, c.Blended); apart > allowed {
				t.Errorf("%s: pixels over a background %d apart from Pillow's, want at most %d", c.Name, apart, allowed)
			}
		}
		if apart := mostApart(read(ImageOptions{Grey: true, Width: 3, Height: 4}).Pixels, c.Small); apart > 1 {
			t.Errorf("%s: scaled down %d apart from Pillow's", c.Name, apart)
		}
		if apart := mostApart(read(ImageOptions{Grey: true, Width: 15, Height: 11}).Pixels, c.Large); apart > 1 {
			t.Errorf("%s: scaled up %d apart from Pillow's", c.Name, apart)
		}
	}
}

// pillowFile returns a file by its name.
func pillowFile(t *testing.T, name string) []byte {
	t.Helper()
	for _, c := range readPillowFiles(t).Pictures {
		if c.Name == name {
			return c.File
		}
	}
	t.Fatalf("no picture %s", name)
	return nil
}

// TestFromImagesClasses: subfolders are classes, sorted by value if they are numbers. Hidden and other files are
// skipped, and depth does not matter.
func TestFromImagesClasses(t *testing.T) {
	grey, colour := pillowFile(t, "grey.png"), pillowFile(t, "colour.png")
	s, err := FromImages(folderOf(t, map[string][]byte{
		"10/a.png": grey, "9/z.PNG": colour, "9/deep/er/a.png": grey, "9/notes.txt": nil, "empty/readme": nil, ".git/a.png": nil, "9/.b.png": nil, "list.csv": nil,
	}), ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Classes, []string{"9", "10"}) || !slices.Equal(s.Labels, []int{1, 0, 0}) ||
		!slices.Equal(s.Files, []string{"10/a.png", "9/deep/er/a.png", "9/z.PNG"}) {
		t.Errorf("classes %v, labels %v, files %v", s.Classes, s.Labels, s.Files)
	}
	want := "PNG and JPEG files, subfolders as classes, sorted, 2 grey among colours, 3 other files left out"
	if s.Source != want || s.Channels != 3 {
		t.Errorf("read as %q, %d channels, want %q and colour", s.Source, s.Channels, want)
	}
	pixels := s.Pixels[:s.Dim()]
	for i := 0; i < len(pixels); i += 3 {
		if pixels[i] != pixels[i+1] || pixels[i] != pixels[i+2] {
			t.Fatalf("pixel %v of a grey picture in a set in colour", pixels[i:i+3])
		}
	}
	given, err := FromImages(folderOf(t, map[string][]byte{"cat/1.png": grey, "dog/1.png": grey}), ImageOptions{Classes: []string{"dog", "cow", "cat"}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(given.Labels, []int{2, 0}) || len(given.Classes) != 3 || !strings.Contains(given.Source, "in the order given") {
		t.Errorf("labels %v of %v, read as %q", given.Labels, given.Classes, given.Source)
	}
}

// TestFromImagesIdentity: the ID has the name of the folder, and changes with pixels, labels and size.
func TestFromImagesIdentity(t *testing.T) {
	grey, colour := pillowFile(t, "grey.png"), pillowFile(t, "colour.png")
	id := func(files map[string][]byte, o ImageOptions) string {
		s, err := FromImages(folderOf(t, files), o)
		if err != nil {
			t.Fatal(err)
		}
		return s.ID
	}
	first := id(map[string][]byte{"a/1.png": grey, "b/1.png": grey}, ImageOptions{})
	if name, hash, _ := strings.Cut(first, "|"); name != "pictures" || len(hash) != 16 {
		t.Errorf("ID %q, want pictures and 16 digits", first)
	}
	for what, other := range map[string]string{
		"picture": id(map[string][]byte{"a/1.png": grey, "b/1.png": colour}, ImageOptions{Grey: true}),
		"class":   id(map[string][]byte{"a/1.png": grey, "c/1.png": grey}, ImageOptions{}),
		"label":   id(map[string][]byte{"a/1.png": grey, "a/2.png": grey}, ImageOptions{Classes: []string{"a", "b"}}),
		"none":    id(map[string][]byte{"1.png": grey, "2.png": grey}, ImageOptions{}),
		"size":    id(map[string][]byte{"a/1.png": grey, "b/1.png": grey}, ImageOptions{Width: 5, Height: 7}),
	} {
		if other == first {
			t.Errorf("another %s has the same ID", what)
		}
	}
}

// lyingPNG returns a PNG file whose header claims a picture of 60 000 × 60 000 pixels of 64 bits.
func lyingPNG() []byte {
	raw := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0DIHDR")
	raw = binary.BigEndian.AppendUint32(raw, 60_000)
	raw = binary.BigEndian.AppendUint32(raw, 60_000)
	raw = append(raw, 16, 6, 0, 0, 0)
	return binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw[12:29]))
}

// TestFromImagesRefuses: errors name the files that are damaged or do not fit together.
func TestFromImagesRefuses(t *testing.T) {
	grey, colour := pillowFile(t, "grey.png"), pillowFile(t, "colour.png")
	shape, err := os.ReadFile("testdata/shapes/cross/1.png")
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		files map[string][]byte
		o     ImageOptions
	}{
		"pictures/a/1.png is 7×5 pixels and":                                    {map[string][]byte{"a/1.png": grey, "a/2.png": colour, "b/3.png": shape}, ImageOptions{}},
		"pictures/b/3.png 8×6, want one size, or ImageOptions.Width and Height": {map[string][]byte{"a/1.png": grey, "a/2.png": colour, "b/3.png": shape}, ImageOptions{}},
		"pictures has no files .png, .jpg or .jpeg":                             {map[string][]byte{"a.txt": nil, "a/b.gif": nil}, ImageOptions{}},
		"pictures both in subfolders and beside them, a/1.png and 1.png":        {map[string][]byte{"1.png": grey, "a/1.png": grey}, ImageOptions{}},
		"pictures/a/1.png: image: unknown format":                               {map[string][]byte{"a/1.png": []byte("text")}, ImageOptions{}},
		"pictures/1.png: image: unknown format":                                 {map[string][]byte{"1.png": nil}, ImageOptions{}},
		"pictures/a/2.png: png: invalid format: unexpected EOF":                 {map[string][]byte{"a/1.png": grey, "a/2.png": grey[:len(grey)-20]}, ImageOptions{}},
		"pictures/1.png: 60000×60000 pixels in a file of 33 bytes":              {map[string][]byte{"1.png": lyingPNG()}, ImageOptions{}},
		`pictures/b/1.png: class "b", want one of Classes, ["a"]`:               {map[string][]byte{"a/1.png": grey, "b/1.png": grey}, ImageOptions{Classes: []string{"a"}}},
		"ImageOptions.Classes for a folder without subfolders":                  {map[string][]byte{"1.png": grey}, ImageOptions{Classes: []string{"a"}}},
		"ImageOptions.Width = 3, Height = 0, want both":                         {map[string][]byte{"1.png": grey}, ImageOptions{Width: 3}},
		"ImageOptions.Width = -1, Height = 2":                                   {map[string][]byte{"1.png": grey}, ImageOptions{Width: -1, Height: 2}},
		"Height = 100000, want both from 1 to 16384":                            {map[string][]byte{"1.png": grey}, ImageOptions{Width: 1, Height: 100_000}},
	} {
		_, err := FromImages(folderOf(t, c.files), c.o)
		wantError(t, err, want)
	}
	_, err = FromImages(filepath.Join(t.TempDir(), "none"), ImageOptions{})
	wantError(t, err, "no such file")
}

// FuzzPicture: no file makes the reader panic, or allocate memory that its content does not fill.
func FuzzPicture(f *testing.F) {
	var files pillowFiles
	raw, err := os.ReadFile("testdata/pictures.json")
	if err == nil {
		err = json.Unmarshal(bytes.Replace(raw, []byte(`"background"`), []byte(`"numbers"`), 1), &files)
	}
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range files.Pictures {
		f.Add(c.File)
	}
	f.Add(lyingPNG())
	f.Fuzz(func(t *testing.T, content []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "1.png"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := FromImages(folder, ImageOptions{})
		if err == nil && (s.Len() != 1 || len(s.Pixels) != s.Dim() || s.Dim() > 3*mostPixelsPerByte*len(content)) {
			t.Errorf("%s from %d bytes", s, len(content))
		}
	})
}
