package kernelext

import (
	"image/color"
	"math"
	"sync"

	"gonum.org/v1/plot/palette/moreland"
)

// Colours of all figures.
var (
	inkColor    = color.NRGBA{R: 0x22, G: 0x22, B: 0x22, A: 0xff}
	axisColor   = color.NRGBA{R: 0x66, G: 0x66, B: 0x66, A: 0xff}
	gridColor   = color.NRGBA{R: 0xe4, G: 0xe4, B: 0xe4, A: 0xff}
	paper       = color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}
	absentColor = color.NRGBA{R: 0xbb, G: 0xbb, B: 0xbb, A: 0xff} // not a number
)

// paletteHex holds the eight colours of Okabe and Ito, "Color Universal Design" (2008), which people with any common
// colour blindness can distinguish. The weak yellow comes late. Classes nine and ten have colours of Tol's muted scheme.
var paletteHex = [...]uint32{
	0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x000000, 0xf0e442, 0x999999, 0x882255,
}

// Palette returns the colour of series or class i, the same in every figure. Colours repeat after ten.
func Palette(i int) color.NRGBA {
	n := len(paletteHex)
	return rgbHex(paletteHex[(i%n+n)%n])
}

func rgbHex(rgb uint32) color.NRGBA {
	return color.NRGBA{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb), A: 0xff}
}

// ColorMap returns the colour of a number in [0, 1]. Numbers outside get the colour of the nearest end, NaN is grey.
type ColorMap func(t float64) color.NRGBA

// Grey is a [ColorMap] from black at 0 to white at 1.
func Grey(t float64) color.NRGBA {
	if math.IsNaN(t) {
		return absentColor
	}
	v := level(t)
	return color.NRGBA{R: v, G: v, B: v, A: 0xff}
}

// Viridis is a [ColorMap] from dark blue over green to yellow in equal steps of lightness, for quantities from low to high.
func Viridis(t float64) color.NRGBA { return between(viridisHex[:], t) }

// Cividis is a [ColorMap] from dark blue over grey to yellow that looks almost the same to people with colour blindness.
func Cividis(t float64) color.NRGBA { return between(cividisHex[:], t) }

// BlueRed is a [ColorMap] from blue over light grey at ½ to red, for quantities with a middle, such as weights around 0.
// Moreland 2009, "Diverging Color Maps for Scientific Visualization".
func BlueRed(t float64) color.NRGBA { return between(blueRedHex(), t) }

// blueRedHex samples gonum's map once: a call of it takes microseconds, and a heat map needs thousands.
var blueRedHex = sync.OnceValue(func() []uint32 {
	colors := moreland.SmoothBlueRed()
	colors.SetMin(0)
	colors.SetMax(1)
	const n = 65
	table := make([]uint32, n)
	for i := range table {
		c, err := colors.At(float64(i) / (n - 1))
		if err != nil {
			continue // the range was set above, so there is no such i
		}
		r, g, b, _ := c.RGBA()
		table[i] = r>>8<<16 | g>>8<<8 | b>>8
	}
	return table
})

// between interpolates linearly in a table of equally spaced colours.
func between(table []uint32, t float64) color.NRGBA {
	if math.IsNaN(t) {
		return absentColor
	}
	at := min(max(t, 0), 1) * float64(len(table)-1)
	i := min(int(at), len(table)-2)
	a, b, f := rgbHex(table[i]), rgbHex(table[i+1]), at-float64(i)
	mix := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + f*(float64(y)-float64(x)))) }
	return color.NRGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 0xff}
}

// unit maps [lo, hi] to [0, 1].
func unit(v, lo, hi float64) float64 {
	if hi == lo {
		return (v-lo)*0 + 0.5 // keeps NaN
	}
	return (v - lo) / (hi - lo)
}

// viridisHex and cividisHex are every eighth colour of the tables of matplotlib 3.11 (viridis by Smith and
// van der Walt, CC0; cividis by Nuñez, Anderton and Renslow 2018). Straight lines between them are off by at most
// 2 and 6 of 255.
var (
	viridisHex = [...]uint32{
		0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453681, 0x424086, 0x3f4989, 0x3b528b, 0x375a8d, 0x33638d,
		0x2f6a8e, 0x2c728e, 0x297a8e, 0x26818e, 0x23898e, 0x21908c, 0x1f988b, 0x1f9f88, 0x21a685, 0x28ae80, 0x31b57b,
		0x3ebc74, 0x4cc26c, 0x5dc963, 0x6ece58, 0x82d34c, 0x96d83f, 0xabdc32, 0xc0df24, 0xd5e21a, 0xeae51a, 0xfde725,
	}
	cividisHex = [...]uint32{
		0x00224e, 0x00285b, 0x002e6a, 0x043371, 0x1a386f, 0x273e6e, 0x32436d, 0x3b496c, 0x434e6c, 0x4b546c, 0x52596d,
		0x5a5f6e, 0x61656f, 0x686a71, 0x6f7073, 0x757676, 0x7c7b78, 0x848179, 0x8b8778, 0x938d78, 0x9b9376, 0xa39a75,
		0xaba072, 0xb3a670, 0xbbad6c, 0xc3b469, 0xccba64, 0xd4c15f, 0xddc958, 0xe6d051, 0xefd748, 0xf8df3c, 0xfee838,
	}
)
