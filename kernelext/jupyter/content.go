package jupyter

import "regexp"

// Contents of messages, as described at https://jupyter-client.readthedocs.io/en/stable/messaging.html.

// KernelInfo is the content of kernel_info_reply.
type KernelInfo struct {
	Status                string       `json:"status"`
	ProtocolVersion       string       `json:"protocol_version"`
	Implementation        string       `json:"implementation"`
	ImplementationVersion string       `json:"implementation_version"`
	LanguageInfo          LanguageInfo `json:"language_info"`
	Banner                string       `json:"banner"`
	HelpLinks             []HelpLink   `json:"help_links,omitempty"`
	SupportedFeatures     []string     `json:"supported_features,omitempty"`
}

// LanguageInfo describes the language of a kernel; notebooks carry it in their metadata.
type LanguageInfo struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	MimeType      string `json:"mimetype"`
	FileExtension string `json:"file_extension"`
	PygmentsLexer string `json:"pygments_lexer,omitempty"`
	// CodemirrorMode is a string or an object.
	CodemirrorMode    any    `json:"codemirror_mode,omitempty"`
	NbconvertExporter string `json:"nbconvert_exporter,omitempty"`
}

// HelpLink is one entry of a front end's help menu.
type HelpLink struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// ExecuteRequest is the content of execute_request. All fields are sent, because GoNB crashes if one is missing.
type ExecuteRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// ExecuteReply is the content of execute_reply. The error fields are set where Status is "error".
type ExecuteReply struct {
	Status          string         `json:"status"`
	ExecutionCount  int            `json:"execution_count"`
	UserExpressions map[string]any `json:"user_expressions,omitempty"`
	Ename           string         `json:"ename,omitempty"`
	Evalue          string         `json:"evalue,omitempty"`
	Traceback       []string       `json:"traceback,omitempty"`
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// StripANSI removes a terminal's escape sequences, such as those for colours, from a traceback or from a stream's text.
func StripANSI(text string) string { return ansi.ReplaceAllString(text, "") }

// Status is the content of status on iopub: "starting", "busy" or "idle".
type Status struct {
	ExecutionState string `json:"execution_state"`
}

// Welcome is the content of iopub_welcome, the first message on iopub after a subscription.
type Welcome struct {
	// Subscription is the prefix of the topics.
	Subscription string `json:"subscription"`
}

// Stream is the content of stream on iopub. Name is "stdout" or "stderr".
type Stream struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Display is the content of display_data, update_display_data and execute_result on iopub.
type Display struct {
	// Data maps a MIME type to its value, Metadata to additional information about it.
	Data      map[string]any `json:"data"`
	Metadata  map[string]any `json:"metadata"`
	Transient Transient      `json:"transient"`
	// ExecutionCount is that of an execute_result.
	ExecutionCount int `json:"execution_count,omitempty"`
}

// Transient is the part of a display that is not stored.
type Transient struct {
	DisplayID string `json:"display_id,omitempty"`
}

// ErrorOutput is the content of error on iopub.
type ErrorOutput struct {
	Ename     string   `json:"ename"`
	Evalue    string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// ClearOutput is the content of clear_output on iopub. Wait means: clear when the next output comes.
type ClearOutput struct {
	Wait bool `json:"wait"`
}

// InputRequest is the content of input_request on stdin.
type InputRequest struct {
	Prompt   string `json:"prompt"`
	Password bool   `json:"password"`
}

// InputReply is the content of input_reply on stdin.
type InputReply struct {
	Status string `json:"status"`
	Value  string `json:"value"`
}

// ShutdownContent is the content of shutdown_request and shutdown_reply.
type ShutdownContent struct {
	Status  string `json:"status,omitempty"`
	Restart bool   `json:"restart"`
}

// IsCompleteReply is the content of is_complete_reply. Status is "complete", "incomplete", "invalid" or "unknown".
type IsCompleteReply struct {
	Status string `json:"status"`
	Indent string `json:"indent,omitempty"`
}

// CompleteRequest is the content of complete_request. CursorPos counts Unicode characters from the start of Code.
type CompleteRequest struct {
	Code      string `json:"code"`
	CursorPos int    `json:"cursor_pos"`
}

// CompleteReply is the content of complete_reply: Matches would replace the text from CursorStart to CursorEnd.
type CompleteReply struct {
	Status      string         `json:"status"`
	Matches     []string       `json:"matches"`
	CursorStart int            `json:"cursor_start"`
	CursorEnd   int            `json:"cursor_end"`
	Metadata    map[string]any `json:"metadata"`
}

// InspectRequest is the content of inspect_request. DetailLevel is 0 or 1.
type InspectRequest struct {
	Code        string `json:"code"`
	CursorPos   int    `json:"cursor_pos"`
	DetailLevel int    `json:"detail_level"`
}

// InspectReply is the content of inspect_reply.
type InspectReply struct {
	Status   string         `json:"status"`
	Found    bool           `json:"found"`
	Data     map[string]any `json:"data"`
	Metadata map[string]any `json:"metadata"`
}
