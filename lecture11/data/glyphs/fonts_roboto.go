package glyphs

import (
	"eliasnaur.com/font/roboto/robotoblack"
	"eliasnaur.com/font/roboto/robotoblackitalic"
	"eliasnaur.com/font/roboto/robotobold"
	"eliasnaur.com/font/roboto/robotobolditalic"
	"eliasnaur.com/font/roboto/robotocondensedbold"
	"eliasnaur.com/font/roboto/robotocondensedbolditalic"
	"eliasnaur.com/font/roboto/robotocondenseditalic"
	"eliasnaur.com/font/roboto/robotocondensedlight"
	"eliasnaur.com/font/roboto/robotocondensedlightitalic"
	"eliasnaur.com/font/roboto/robotocondensedmedium"
	"eliasnaur.com/font/roboto/robotocondensedmediumitalic"
	"eliasnaur.com/font/roboto/robotocondensedregular"
	"eliasnaur.com/font/roboto/robotoitalic"
	"eliasnaur.com/font/roboto/robotolight"
	"eliasnaur.com/font/roboto/robotolightitalic"
	"eliasnaur.com/font/roboto/robotomedium"
	"eliasnaur.com/font/roboto/robotomediumitalic"
	"eliasnaur.com/font/roboto/robotoregular"
	"eliasnaur.com/font/roboto/robotothin"
	"eliasnaur.com/font/roboto/robotothinitalic"
)

// robotoFamily returns Google's Roboto, with Roboto Condensed.
func robotoFamily() []family {
	return []family{
		{"Roboto", roboto, false, [][]byte{
			robotothin.TTF, robotothinitalic.TTF, robotolight.TTF, robotolightitalic.TTF, robotoregular.TTF,
			robotoitalic.TTF, robotomedium.TTF, robotomediumitalic.TTF, robotobold.TTF, robotobolditalic.TTF,
			robotoblack.TTF, robotoblackitalic.TTF, robotocondensedlight.TTF, robotocondensedlightitalic.TTF,
			robotocondensedregular.TTF, robotocondenseditalic.TTF, robotocondensedmedium.TTF,
			robotocondensedmediumitalic.TTF, robotocondensedbold.TTF, robotocondensedbolditalic.TTF,
		}},
	}
}
