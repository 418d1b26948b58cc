package main

import "regexp"

// habit is a turn of phrase to avoid.
type habit struct {
	pattern *regexp.Regexp // its first group, where it has one, is what is reported
	except  *regexp.Regexp // matches are dropped where this matches from their start on; nil for none
	in      kind
	advice  string
	bad     string // an example that it finds
	good    string // one that no habit finds
}

// find returns where the habit is in a text.
func (h habit) find(text string) [][2]int {
	var found [][2]int
	for _, at := range h.pattern.FindAllStringSubmatchIndex(text, -1) {
		if h.except != nil && h.except.MatchString(text[at[0]:]) {
			continue
		}
		if len(at) > 2 && at[2] >= 0 {
			at = at[2:4]
		}
		found = append(found, [2]int{at[0], at[1]})
	}
	return found
}

// sentenceStart comes before a clause that is the subject of a sentence.
const sentenceStart = `(?:^|[.!?:;…]["”')]* )`

// re compiles a pattern for words, whatever their case.
func re(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)` + pattern) }

// exactly compiles a pattern that distinguishes capitals.
func exactly(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// habits are all that are looked for. In the table a pattern for a doc comment starts with the name that it documents.
var habits = []habit{
	{pattern: re(`^(\S+ gives?)\b`), except: re(`^\S+ gives? (up|way)\b`), in: docFunc, advice: `"returns", or what the function does: "draws", "computes"`,
		bad: "Codes gives the codes of x.", good: "Codes returns the codes of x."},
	{pattern: re(`^(\S+ (?:tells?|says))\b`), in: docFunc, advice: `"reports", "reports whether" or "returns"`,
		bad: "finite tells whether v is a number.", good: "finite reports whether v is a number."},
	{pattern: re(`^(\S+ (?:is|are) (?:what|why|how|where|who))\b`), in: doc,
		advice: `say what it is: "is the number of", "holds", "describes", "returns"`,
		bad:    "batch is how many objects a call takes.", good: "batch is the number of objects of a call."},
	{pattern: re(`\b((?:tells?|told) whether)\b`), in: all, advice: `"reports whether" or "says whether"`,
		bad: "The reply tells whether it ran.", good: "The reply reports whether it ran."},
	{pattern: re(`\b(look(?:s|ed)? whether)\b`), in: all, advice: `"checks whether"`,
		bad: "It looks whether the port is open.", good: "It checks whether the port is open."},
	{pattern: exactly(sentenceStart + `(Who)\b`), except: exactly(`^[^\pL]*[^.]*\?`), in: all,
		advice: `say who acts: "To use another package, set …"`,
		bad:    "Who wants another package sets it.", good: "To use another package, set it. Who is it?"},
	{pattern: exactly(sentenceStart + `(What)\b`), except: exactly(`^[^\pL]*[^.]*\?|^[^\pL]*What (else|more)\b`), in: prose,
		advice: `start with a noun, not with a clause: "Text that cannot be saved …"`,
		bad:    "What cannot be saved is refused.", good: "A value that cannot be saved is refused."},
	{pattern: re(`\b(who(?:so)?ever)\b`), in: all, advice: `name the person or the program: "a caller that …"`,
		bad: "It belongs to whoever reads next.", good: "It belongs to the next reader."},
	{pattern: re(`\b(whatever (?:has|is|can|may|was|were|comes|came|it|they|else))\b`), in: all,
		advice: `"anything that", "everything that"`,
		bad:    "It takes whatever has MarshalBinary.", good: "It takes any type that has MarshalBinary."},
	{pattern: re(`\bthe begin\b`), in: all, advice: `"the start" or "the beginning"`,
		bad: "at the begin of a line", good: "at the start of a line"},
	{pattern: re(`\b((?:is|are|was|were|be|been) got)\b`), in: all, advice: `"is installed", "is fetched", "is available"`,
		bad: "Everything else is got for you.", good: "Everything else is installed automatically."},
	{pattern: re(`\bmend(?:s|ed|ing)?\b`), in: all, advice: `"fix" or "repair"`,
		bad: "the command that mends it", good: "the command that fixes it"},
	{pattern: re(`\b(so many|so much of)\b`), except: re(`^so (many|much)( \pL+)* (that|as)\b`), in: all,
		advice: `"the given number of", "this number of"`,
		bad:    "It takes so many steps.", good: "It takes the given number of steps, so many that it is slow."},
	{pattern: re(`\b(of (?:its|one's|their|his|her|your|my|our) own)\b`), in: all, advice: `"its own …", "a separate …"`,
		bad: "a folder of its own", good: "its own folder"},
	{pattern: re(`\banew\b`), in: all, advice: `"again" or "from scratch"`,
		bad: "The weights are made anew.", good: "The weights are computed again."},
	{pattern: re(`\b((?:is|are|be) done (?:without|away))\b`), in: all, advice: `"does not use", "is removed"`,
		bad: "Hidden layers are done without.", good: "It uses no hidden layers."},
	{pattern: re(`\b((?:is|are|do|does) (?:to it|to them))\b`), in: all, advice: `usual word order`,
		bad: "Noise is to it as good as data.", good: "It treats noise like data."},
	{pattern: re(`\b(may be had|can be had|is to be had)\b`), in: all, advice: `"is available", "can be read"`,
		bad: "An image may be had by its type.", good: "An image can be read by its type."},
	{pattern: re(`\b(without a word)\b`), in: all, advice: `"silently"`,
		bad: "gob loses it without a word", good: "gob loses it silently"},
	{pattern: re(`\b(lest|upon|thereof|therein|whereof|wherein|whence|hitherto|heretofore|albeit|nought|naught)\b`),
		in: all, advice: `a common word`,
		bad: "It locks the file lest another reads it.", good: "It locks the file so that no other program reads it."},
	{pattern: re(`\b(go(?:es)? round)\b`), in: all, advice: `"passes through", "is repeated"`,
		bad: "The state goes round the loop.", good: "The state passes through the loop."},
	{pattern: re(`\b(st(?:ands?|ood) (?:in|on|at|there|where|before|after|beside|behind|below|above|under|alone))\b`),
		except: re(`^st(ands?|ood) in for\b`), in: all, advice: `"is", "are" or "is stored"`,
		bad: "The number stands in the header.", good: "The number is in the header."},
	{pattern: re(`\b((?:it|that|which|they) wants?)\b`), in: prose, advice: `"requires", "needs" or "expects"`,
		bad: "It wants k < l/2.", good: "It requires k < l/2."},
	{pattern: re(`(, for (?:it|they|there|he|she|we|this|each|no \pL+|the \pL+) (?:is|are|was|were|has|have|had|would|can|could|may|must|will|does|do|did))\b`),
		in: all, advice: `"because"`,
		bad: "Wait, for it is busy.", good: "Wait, because it is busy."},
	{pattern: re(`\b(nor (?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|may|must))\b`), in: all,
		advice: `"and … not"`,
		bad:    "It is not read, nor is it written.", good: "It is neither read nor written."},
	{pattern: re(`\b(?:(?:there|here|is|are|was|were) )?((?:is|are|was|were) no \pL+)`),
		except: re(`^(there|here) |^\pL+ no (more|longer|less|better|worse|other|different|larger|smaller|fewer|greater|faster|slower|later|matter|one|doubt)\b`),
		in:     all, advice: `"is not a …"`,
		bad: "A missing folder is no error.", good: "A missing folder is not an error. There is no limit; it is no longer than that."},
	{pattern: re(`\b(the very (?:same )?\pL+)`), except: re(`^the very (first|last|end|beginning|start)\b`), in: all,
		advice: `"exactly the same", "the same"`,
		bad:    "PNG gives back the very pixels.", good: "PNG returns exactly the same pixels."},
	{pattern: re(`\b(nobody who|somebody who|one who|those who|he who)\b`), in: all, advice: `name the person or the program`,
		bad: "a folder with nobody who keeps it", good: "a folder without an owner"},
	{pattern: re(`\b(again and again|to and fro|by and by|as it were|forthwith|of late)\b`), in: all,
		advice: `"repeatedly", "back and forth", or nothing`,
		bad:    "They are read again and again.", good: "They are read repeatedly."},
	{pattern: re(`\b(nothing but|none but|naught but|no other than)\b`), in: all, advice: `"only"`,
		bad: "It holds nothing but numbers.", good: "It holds only numbers."},
	{pattern: re(`\b(all (?:that|which) (?:is|are|was|were|can|may|has|have|does|do) not)\b`), in: all,
		advice: `"everything except"`,
		bad:    "all that is not payload is checked", good: "everything except payloads is checked"},
	{pattern: re(`\b((?:more|less|fewer), and less|(?:at most|at least) \S+, and (?:less|more|fewer))\b`), in: all,
		advice: `two sentences, each with its number`,
		bad:    "at most 28, and less for small images", good: "at most 28; for small images 14"},
	{pattern: re(`\b((?:go|goes|going|went) on)\b`), except: re(`^\pL+ on (to|the|a|an|holiday)\b`), in: all,
		advice: `"continues"`,
		bad:    "A later run goes on from there.", good: "A later run continues there."},
	{pattern: re(`\b((?:takes?|took|taken) (?:\pL+ ){1,3}for (?:an?|one|those|commands?|unused)\b)`), in: all,
		advice: `"treats … as"`,
		bad:    "GoNB takes the line for a command.", good: "GoNB treats the line as a command."},
	{pattern: re(`\b(thrown away|given up on|put off|laid over)\b`), in: all, advice: `"dropped", "delayed", "added to"`,
		bad: "Longer messages are thrown away.", good: "Longer messages are dropped."},
}
