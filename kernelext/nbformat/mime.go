package nbformat

import "strings"

// IsJSON reports whether data of this MIME type is a JSON value and not a string: application/json, application/…+json.
func IsJSON(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// isLines reports whether Jupyter writes data of this MIME type as a list of lines.
func isLines(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

// joinBundle returns data in which each list of strings that represents one text is joined.
func joinBundle(data map[string]any) map[string]any {
	joined := make(map[string]any, len(data))
	for mime, value := range data {
		if text, ok := joinText(value); ok && !IsJSON(mime) {
			value = text
		}
		joined[mime] = value
	}
	return joined
}

// splitBundle is the opposite of joinBundle, in the layout of a file.
func splitBundle(data map[string]any) map[string]any {
	split := make(map[string]any, len(data))
	for mime, value := range data {
		if text, ok := value.(string); ok && isLines(mime) {
			value = Lines(text)
		}
		split[mime] = value
	}
	return split
}

// joinText joins a multi-line string of a file: a string or a list of strings.
func joinText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case []string:
		return strings.Join(value, ""), true
	}
	lines, ok := stringList(value)
	return strings.Join(lines, ""), ok
}

// stringList returns value as a list of strings, if it is one.
func stringList(value any) ([]string, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	texts := make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			return nil, false
		}
	}
	return texts, true
}
