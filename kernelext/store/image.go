package store

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"image"
	"image/png"
	"io"
	"reflect"
)

// imageCodec handles images. It writes PNG where PNG restores the same pixels, and gob for the other types of package
// image. Images of other packages' types become PNG and are read as a type of package image.
type imageCodec struct{}

var imageType = reflect.TypeFor[image.Image]()

func (imageCodec) Name() string { return "image" }

func (imageCodec) Handles(t reflect.Type) bool { return t.Implements(imageType) }

type imageHead struct {
	Type   string
	Bounds image.Rectangle // PNG knows only the size
	PNG    []byte          // when empty, the gob of the image follows
}

// wholeImages are the types that gob stores completely: all their fields are exported.
func wholeImages() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[*image.Gray](), reflect.TypeFor[*image.Gray16](),
		reflect.TypeFor[*image.RGBA](), reflect.TypeFor[*image.RGBA64](),
		reflect.TypeFor[*image.NRGBA](), reflect.TypeFor[*image.NRGBA64](),
		reflect.TypeFor[*image.Alpha](), reflect.TypeFor[*image.Alpha16](),
		reflect.TypeFor[*image.CMYK](), reflect.TypeFor[*image.YCbCr](), reflect.TypeFor[*image.NYCbCrA](),
	}
}

// wholeImage returns the one of wholeImages with the given name, or nil.
func wholeImage(name string) reflect.Type {
	for _, t := range wholeImages() {
		if t.String() == name {
			return t
		}
	}
	return nil
}

func (imageCodec) Encode(w io.Writer, v any) error {
	img := v.(image.Image)
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
		return fmt.Errorf("it is a nil %T", v)
	}
	head := imageHead{Type: fmt.Sprintf("%T", v), Bounds: img.Bounds()}
	enc := gob.NewEncoder(w)
	if wholeImage(head.Type) != nil && (!pngKeeps(img) || img.Bounds().Empty()) {
		if err := enc.Encode(head); err != nil {
			return err
		}
		return enc.Encode(v)
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return err
	}
	head.PNG = buf.Bytes()
	return enc.Encode(head)
}

// pngKeeps reports whether PNG restores exactly the same pixels. PNG stores colours that are not premultiplied by
// alpha.
func pngKeeps(img image.Image) bool {
	switch img := img.(type) {
	case *image.Gray, *image.Gray16, *image.NRGBA, *image.NRGBA64:
		return true
	case *image.RGBA:
		return img.Opaque()
	case *image.RGBA64:
		return img.Opaque()
	}
	return false
}

func (imageCodec) Decode(r *io.SectionReader, _ reflect.Type) (any, error) {
	dec := gob.NewDecoder(r)
	var head imageHead
	if err := dec.Decode(&head); err != nil {
		return nil, err
	}
	if len(head.PNG) == 0 {
		whole := wholeImage(head.Type)
		if whole == nil {
			return nil, fmt.Errorf("unknown image type %s", head.Type)
		}
		img := reflect.New(whole.Elem())
		return img.Interface(), dec.DecodeValue(img)
	}
	img, err := png.Decode(bytes.NewReader(head.PNG))
	if err != nil {
		return nil, err
	}
	return retype(img, head), nil
}

// retype restores the original type and bounds of an image read from a PNG. PNG decodes an opaque NRGBA as RGBA, and
// the bytes of the two are then the same.
func retype(img image.Image, head imageHead) image.Image {
	pix, stride := pixels(img)
	switch head.Type {
	case "*image.Gray":
		return &image.Gray{Pix: pix, Stride: stride, Rect: head.Bounds}
	case "*image.Gray16":
		return &image.Gray16{Pix: pix, Stride: stride, Rect: head.Bounds}
	case "*image.RGBA":
		return &image.RGBA{Pix: pix, Stride: stride, Rect: head.Bounds}
	case "*image.RGBA64":
		return &image.RGBA64{Pix: pix, Stride: stride, Rect: head.Bounds}
	case "*image.NRGBA":
		return &image.NRGBA{Pix: pix, Stride: stride, Rect: head.Bounds}
	case "*image.NRGBA64":
		return &image.NRGBA64{Pix: pix, Stride: stride, Rect: head.Bounds}
	}
	return img
}

func pixels(img image.Image) (pix []byte, stride int) {
	switch img := img.(type) {
	case *image.Gray:
		return img.Pix, img.Stride
	case *image.Gray16:
		return img.Pix, img.Stride
	case *image.RGBA:
		return img.Pix, img.Stride
	case *image.RGBA64:
		return img.Pix, img.Stride
	case *image.NRGBA:
		return img.Pix, img.Stride
	case *image.NRGBA64:
		return img.Pix, img.Stride
	}
	return nil, 0
}
