package glyphs

import (
	"codeberg.org/go-fonts/latin-modern/lmmono10italic"
	"codeberg.org/go-fonts/latin-modern/lmmono10regular"
	"codeberg.org/go-fonts/latin-modern/lmmonolt10bold"
	"codeberg.org/go-fonts/latin-modern/lmmonolt10boldoblique"
	"codeberg.org/go-fonts/latin-modern/lmmonolt10oblique"
	"codeberg.org/go-fonts/latin-modern/lmmonolt10regular"
	"codeberg.org/go-fonts/latin-modern/lmmonoltcond10oblique"
	"codeberg.org/go-fonts/latin-modern/lmmonoltcond10regular"
	"codeberg.org/go-fonts/latin-modern/lmmonoprop10oblique"
	"codeberg.org/go-fonts/latin-modern/lmmonoprop10regular"
	"codeberg.org/go-fonts/latin-modern/lmmonoproplt10bold"
	"codeberg.org/go-fonts/latin-modern/lmmonoproplt10boldoblique"
	"codeberg.org/go-fonts/latin-modern/lmmonoproplt10oblique"
	"codeberg.org/go-fonts/latin-modern/lmmonoproplt10regular"
	"codeberg.org/go-fonts/latin-modern/lmmonoslant10regular"
	"codeberg.org/go-fonts/latin-modern/lmroman10bold"
	"codeberg.org/go-fonts/latin-modern/lmroman10bolditalic"
	"codeberg.org/go-fonts/latin-modern/lmroman10italic"
	"codeberg.org/go-fonts/latin-modern/lmroman10regular"
	"codeberg.org/go-fonts/latin-modern/lmroman17regular"
	"codeberg.org/go-fonts/latin-modern/lmroman5regular"
	"codeberg.org/go-fonts/latin-modern/lmroman7italic"
	"codeberg.org/go-fonts/latin-modern/lmromandemi10oblique"
	"codeberg.org/go-fonts/latin-modern/lmromandemi10regular"
	"codeberg.org/go-fonts/latin-modern/lmromanslant10bold"
	"codeberg.org/go-fonts/latin-modern/lmromanslant10regular"
	"codeberg.org/go-fonts/latin-modern/lmromanslant17regular"
	"codeberg.org/go-fonts/latin-modern/lmromanslant8regular"
	"codeberg.org/go-fonts/latin-modern/lmromanunsl10regular"
	"codeberg.org/go-fonts/latin-modern/lmsans10bold"
	"codeberg.org/go-fonts/latin-modern/lmsans10boldoblique"
	"codeberg.org/go-fonts/latin-modern/lmsans10oblique"
	"codeberg.org/go-fonts/latin-modern/lmsans10regular"
	"codeberg.org/go-fonts/latin-modern/lmsans17oblique"
	"codeberg.org/go-fonts/latin-modern/lmsans17regular"
	"codeberg.org/go-fonts/latin-modern/lmsans8oblique"
	"codeberg.org/go-fonts/latin-modern/lmsans8regular"
	"codeberg.org/go-fonts/latin-modern/lmsansdemicond10oblique"
	"codeberg.org/go-fonts/latin-modern/lmsansdemicond10regular"
	"codeberg.org/go-fonts/latin-modern/lmsansquot8bold"
	"codeberg.org/go-fonts/latin-modern/lmsansquot8boldoblique"
	"codeberg.org/go-fonts/latin-modern/lmsansquot8oblique"
	"codeberg.org/go-fonts/latin-modern/lmsansquot8regular"
)

// latinModern returns Knuth's Computer Modern (1986) in the outlines of Jackowski & Nowacki.
func latinModern() []family {
	return []family{
		{"Latin Modern Roman", latinmodern, true, [][]byte{
			lmroman5regular.TTF, lmroman10regular.TTF, lmroman17regular.TTF, lmroman10bold.TTF,
			lmromanslant8regular.TTF, lmromanslant10regular.TTF, lmromanslant17regular.TTF,
			lmromanslant10bold.TTF, lmroman7italic.TTF, lmroman10italic.TTF, lmroman10bolditalic.TTF,
			lmromanunsl10regular.TTF, lmromandemi10regular.TTF, lmromandemi10oblique.TTF,
		}},
		{"Latin Modern Sans", latinmodern, false, [][]byte{
			lmsans8regular.TTF, lmsans10regular.TTF, lmsans17regular.TTF, lmsans8oblique.TTF,
			lmsans10oblique.TTF, lmsans17oblique.TTF, lmsans10bold.TTF, lmsans10boldoblique.TTF,
			lmsansdemicond10regular.TTF, lmsansdemicond10oblique.TTF, lmsansquot8regular.TTF,
			lmsansquot8oblique.TTF, lmsansquot8bold.TTF, lmsansquot8boldoblique.TTF,
		}},
		{"Latin Modern Mono", latinmodern, true, [][]byte{
			lmmono10regular.TTF, lmmono10italic.TTF, lmmonoslant10regular.TTF, lmmonolt10regular.TTF,
			lmmonolt10oblique.TTF, lmmonolt10bold.TTF, lmmonolt10boldoblique.TTF, lmmonoltcond10regular.TTF,
			lmmonoltcond10oblique.TTF, lmmonoprop10regular.TTF, lmmonoprop10oblique.TTF,
			lmmonoproplt10regular.TTF, lmmonoproplt10oblique.TTF, lmmonoproplt10bold.TTF,
			lmmonoproplt10boldoblique.TTF,
		}},
	}
}
