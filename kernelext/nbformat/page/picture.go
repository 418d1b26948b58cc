package page

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
)

// imageTypes are the pictures that a page can contain, the richest first, by MIME type and file name extension.
var imageTypes = []struct{ mime, ends string }{
	{"image/svg+xml", ".svg"}, {"image/png", ".png"}, {"image/jpeg", ".jpg .jpeg"}, {"image/gif", ".gif"},
	{"image/webp", ".webp"}, {"image/avif", ".avif"},
}

// maxFile is the size in bytes up to which a file beside a notebook goes into its page.
const maxFile = 8 << 20

func dataURL(mime string, data []byte) string {
	return "data:" + mime + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// fileData returns the picture in a file as a data URL; its address is relative to the notebook.
func fileData(files fs.FS, address string) (string, bool) {
	location, err := url.Parse(address)
	if err != nil || location.Scheme != "" || location.Host != "" {
		return "", false
	}
	name := path.Clean(location.Path)
	mime := imageType(name)
	if mime == "" {
		return "", false
	}
	info, err := fs.Stat(files, name)
	if err != nil || info.Size() > maxFile {
		return "", false
	}
	data, err := fs.ReadFile(files, name)
	return dataURL(mime, data), err == nil
}

func imageType(name string) string {
	end := strings.ToLower(path.Ext(name))
	for _, kind := range imageTypes {
		if end != "" && strings.Contains(kind.ends+" ", end+" ") {
			return kind.mime
		}
	}
	return ""
}

// attachment returns the picture of an attachment as a data URL.
func attachment(attachments map[string]any, name string) (string, bool) {
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	bundle, _ := attachments[name].(map[string]any)
	return bundlePicture(bundle)
}

// bundlePicture returns the richest picture of a MIME bundle as a data URL.
func bundlePicture(bundle map[string]any) (string, bool) {
	for _, kind := range imageTypes {
		if picture, ok := pictureURL(kind.mime, bundle[kind.mime]); ok {
			return picture, true
		}
	}
	return "", false
}

// pictureURL returns an output of a picture type as a data URL; ok is false for a damaged one.
func pictureURL(mime string, value any) (string, bool) {
	text, ok := value.(string)
	if !ok {
		return "", false
	}
	if mime == "image/svg+xml" {
		if !wellFormed(text) {
			return "", false
		}
		return dataURL(mime, []byte(withNamespace(text))), true
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	return dataURL(mime, data), err == nil && len(data) > 0
}

// withNamespace adds the namespace to an SVG, without which a standalone SVG is not shown.
func withNamespace(svg string) string {
	start := strings.Index(svg, "<svg")
	if start < 0 {
		return svg
	}
	tag, _, _ := strings.Cut(svg[start:], ">")
	if strings.Contains(tag, "xmlns=") {
		return svg
	}
	return svg[:start] + `<svg xmlns="http://www.w3.org/2000/svg"` + svg[start+len("<svg"):]
}

// wellFormed reports whether text is XML with an element.
func wellFormed(text string) bool {
	decoder := xml.NewDecoder(strings.NewReader(text))
	elements := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return elements > 0
		}
		if err != nil {
			return false
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
}
