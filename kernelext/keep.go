package kernelext

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"deeplearning.example/kernelext/store"
)

// OpenStore opens the store that [Train], [Keep] and [Fetch] use: the folder $LECTURE_STORE, else .lecture11 beside
// the notebook. In addition to the types that package store handles, it stores tensors.
func OpenStore() (*store.Store, error) {
	return store.Open(store.DefaultDir(), store.WithCodec(tensorCodec{}))
}

// Keep stores a value for later cells under name and replaces an earlier one: numbers, strings, structs with exported
// fields, slices, maps, images, tensors, and types with MarshalBinary. A value that could not be restored completely is an
// error.
func Keep[T any](name string, v T) error {
	s, err := OpenStore()
	if err != nil {
		return err
	}
	return store.Put(s, name, v)
}

// Fetch returns the value that an earlier cell kept under name, as a T:
//
//	codes, err := kernelext.Fetch[*tensors.Tensor]("codes")
//
// An unknown name is an error that lists the names; another type is an error that names both types.
func Fetch[T any](name string) (T, error) {
	s, err := OpenStore()
	if err != nil {
		var zero T
		return zero, err
	}
	return store.Get[T](s, name)
}

// tensorCodec writes the shape of a tensor and then its bytes as they are in memory. It is part of this package because
// package store does not depend on GoMLX.
type tensorCodec struct{}

type tensorHead struct {
	DType string `json:"dtype"`
	Dims  []int  `json:"dims"`
}

func (tensorCodec) Name() string { return "tensor" }

func (tensorCodec) Handles(t reflect.Type) bool { return t == reflect.TypeFor[*tensors.Tensor]() }

func (tensorCodec) Encode(w io.Writer, v any) error {
	t := v.(*tensors.Tensor)
	if err := t.CheckValid(); err != nil {
		return err
	}
	if t.DType().IsPacked() {
		return fmt.Errorf("a tensor of %s cannot be kept, want a type of whole bytes", t.DType())
	}
	head, err := json.Marshal(tensorHead{DType: t.DType().String(), Dims: t.Shape().Dimensions})
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, uint32(len(head))); err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	var failed error
	err = t.ConstBytes(func(data []byte) { _, failed = w.Write(data) })
	if err != nil {
		return err
	}
	return failed
}

func (tensorCodec) Decode(r *io.SectionReader, _ reflect.Type) (any, error) {
	var length uint32
	if err := binary.Read(r, binary.LittleEndian, &length); err != nil {
		return nil, err
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, err
	}
	var head tensorHead
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	dtype, ok := dtypes.MapOfNames[head.DType]
	if !ok {
		return nil, fmt.Errorf("tensor type %q is not known", head.DType)
	}
	t := tensors.FromShape(shapes.Make(dtype, head.Dims...))
	var failed error
	err := t.MutableBytes(func(data []byte) { _, failed = io.ReadFull(r, data) })
	if err != nil {
		return nil, err
	}
	return t, failed
}
