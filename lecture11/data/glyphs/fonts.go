package glyphs

import (
	"slices"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/dejavu/dejavusansbold"
	"codeberg.org/go-fonts/dejavu/dejavusansboldoblique"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensed"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensedbold"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensedboldoblique"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensedoblique"
	"codeberg.org/go-fonts/dejavu/dejavusansextralight"
	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"codeberg.org/go-fonts/dejavu/dejavusansmonobold"
	"codeberg.org/go-fonts/dejavu/dejavusansmonoboldoblique"
	"codeberg.org/go-fonts/dejavu/dejavusansmonooblique"
	"codeberg.org/go-fonts/dejavu/dejavusansoblique"
	"codeberg.org/go-fonts/dejavu/dejavuserif"
	"codeberg.org/go-fonts/dejavu/dejavuserifbold"
	"codeberg.org/go-fonts/dejavu/dejavuserifbolditalic"
	"codeberg.org/go-fonts/dejavu/dejavuserifcondensed"
	"codeberg.org/go-fonts/dejavu/dejavuserifcondensedbold"
	"codeberg.org/go-fonts/dejavu/dejavuserifcondensedbolditalic"
	"codeberg.org/go-fonts/dejavu/dejavuserifcondenseditalic"
	"codeberg.org/go-fonts/dejavu/dejavuserifitalic"
	"codeberg.org/go-fonts/liberation/liberationmonobold"
	"codeberg.org/go-fonts/liberation/liberationmonobolditalic"
	"codeberg.org/go-fonts/liberation/liberationmonoitalic"
	"codeberg.org/go-fonts/liberation/liberationmonoregular"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansbolditalic"
	"codeberg.org/go-fonts/liberation/liberationsansitalic"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-fonts/liberation/liberationserifbold"
	"codeberg.org/go-fonts/liberation/liberationserifbolditalic"
	"codeberg.org/go-fonts/liberation/liberationserifitalic"
	"codeberg.org/go-fonts/liberation/liberationserifregular"
	"codeberg.org/go-fonts/stix/stix2textbold"
	"codeberg.org/go-fonts/stix/stix2textbolditalic"
	"codeberg.org/go-fonts/stix/stix2textitalic"
	"codeberg.org/go-fonts/stix/stix2textmedium"
	"codeberg.org/go-fonts/stix/stix2textmediumitalic"
	"codeberg.org/go-fonts/stix/stix2textregular"
	"codeberg.org/go-fonts/stix/stix2textsemibold"
	"codeberg.org/go-fonts/stix/stix2textsemibolditalic"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
)

// source is a Go module that contains fonts.
type source struct {
	module  string
	licence string // SPDX identifier of the fonts' licence; LICENCES.md names its text and the copyright
}

var (
	liberation  = source{"codeberg.org/go-fonts/liberation", "OFL-1.1"}
	dejavu      = source{"codeberg.org/go-fonts/dejavu", "Bitstream-Vera"}
	stix        = source{"codeberg.org/go-fonts/stix", "OFL-1.1"}
	latinmodern = source{"codeberg.org/go-fonts/latin-modern", "LPPL-1.3c"}
	gofont      = source{"golang.org/x/image", "BSD-3-Clause"}
	roboto      = source{"eliasnaur.com/font", "Apache-2.0"}
)

// family holds the faces of one design. Faces that a network could hardly distinguish belong to one family, even if
// the fonts have different family names: widths (DejaVu Sans Condensed), optical sizes (Latin Modern Roman 5, 10 and
// 17), and stretched or proportional forms of the same letters. Otherwise a split by family would have the test
// letters in the training set.
type family struct {
	name  string
	from  source
	serif bool
	fonts [][]byte // TrueType or OpenType
}

// families returns all faces, family by family. These faces are not used:
//
//   - Go Smallcaps and the caps of Latin Modern, because their a is a small A.
//   - DejaVu Math TeX Gyre, Latin Modern Math and STIX Two Math, because their letters are those of a text face.
//   - Noto Sans Arabic, because it lacks letters, and Noto Sans JP, because it takes many megabytes for one face (both
//     of eliasnaur.com/font).
//   - Latin Modern Roman Dunhill and Latin Modern Roman 5 Bold. They are so tall or wide that all others would have to
//     be a seventh smaller.
//   - The other optical sizes of Latin Modern, because one design should not outweigh the rest.
//   - The few faces that programs (d2, freeze, Ebitengine) contain for their own use, because a dozen faces would
//     require fifty megabytes of other modules.
func families() []family {
	return slices.Concat(textFamilies(), latinModern(), robotoFamily())
}

// textFamilies returns the families that have all their styles.
func textFamilies() []family {
	return []family{
		{"Liberation Sans", liberation, false, [][]byte{
			liberationsansregular.TTF, liberationsansitalic.TTF, liberationsansbold.TTF,
			liberationsansbolditalic.TTF,
		}},
		{"Liberation Serif", liberation, true, [][]byte{
			liberationserifregular.TTF, liberationserifitalic.TTF, liberationserifbold.TTF,
			liberationserifbolditalic.TTF,
		}},
		{"Liberation Mono", liberation, false, [][]byte{
			liberationmonoregular.TTF, liberationmonoitalic.TTF, liberationmonobold.TTF,
			liberationmonobolditalic.TTF,
		}},
		{"DejaVu Sans", dejavu, false, [][]byte{
			dejavusans.TTF, dejavusansoblique.TTF, dejavusansbold.TTF, dejavusansboldoblique.TTF,
			dejavusansextralight.TTF, dejavusanscondensed.TTF, dejavusanscondensedoblique.TTF,
			dejavusanscondensedbold.TTF, dejavusanscondensedboldoblique.TTF,
		}},
		{"DejaVu Serif", dejavu, true, [][]byte{
			dejavuserif.TTF, dejavuserifitalic.TTF, dejavuserifbold.TTF, dejavuserifbolditalic.TTF,
			dejavuserifcondensed.TTF, dejavuserifcondenseditalic.TTF, dejavuserifcondensedbold.TTF,
			dejavuserifcondensedbolditalic.TTF,
		}},
		{"DejaVu Sans Mono", dejavu, false, [][]byte{
			dejavusansmono.TTF, dejavusansmonooblique.TTF, dejavusansmonobold.TTF,
			dejavusansmonoboldoblique.TTF,
		}},
		{"STIX Two Text", stix, true, [][]byte{
			stix2textregular.TTF, stix2textitalic.TTF, stix2textmedium.TTF, stix2textmediumitalic.TTF,
			stix2textsemibold.TTF, stix2textsemibolditalic.TTF, stix2textbold.TTF, stix2textbolditalic.TTF,
		}},
		{"Go", gofont, false, [][]byte{
			goregular.TTF, goitalic.TTF, gomedium.TTF, gomediumitalic.TTF, gobold.TTF, gobolditalic.TTF,
		}},
		{"Go Mono", gofont, true, [][]byte{
			gomono.TTF, gomonoitalic.TTF, gomonobold.TTF, gomonobolditalic.TTF,
		}},
	}
}
