package glyphs

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/image/font/sfnt"
)

// facesOf describes the faces of all families from the tables of their fonts.
func facesOf(families []family) ([]Face, error) {
	var faces []Face
	for _, family := range families {
		for _, ttf := range family.fonts {
			face := Face{Family: family.name, Serif: family.serif, Licence: family.from.licence, Module: family.from.module}
			if err := face.read(ttf); err != nil {
				return nil, fmt.Errorf("glyphs: a font of %s: %w", family.name, err)
			}
			faces = append(faces, face)
		}
	}
	return faces, nil
}

// read sets name, weight, slant and pitch from the font's tables name, OS/2 and post.
func (f *Face) read(ttf []byte) error {
	font, err := sfnt.Parse(ttf)
	if err != nil {
		return err
	}
	if f.Name, err = font.Name(nil, sfnt.NameIDFull); err != nil {
		return err
	}
	f.Slanted = font.PostTable().ItalicAngle != 0
	f.Mono = font.PostTable().IsFixedPitch
	f.Weight, err = weightClassOf(ttf)
	return err
}

// weightClassOf reads usWeightClass, the third number of the table OS/2, which package sfnt does not read.
func weightClassOf(ttf []byte) (int, error) {
	const header, record = 12, 16 // bytes; a record is tag, checksum, offset, length
	for i := range int(binary.BigEndian.Uint16(ttf[4:])) {
		entry := ttf[header+i*record:]
		if string(entry[:4]) == "OS/2" {
			offset := binary.BigEndian.Uint32(entry[8:])
			return int(binary.BigEndian.Uint16(ttf[offset+4:])), nil
		}
	}
	return 0, errors.New("no table OS/2, want one with the weight")
}
