package kernel

import (
	"fmt"
	"runtime"

	"deeplearning.example/kernelext/cell"
	"deeplearning.example/kernelext/jupyter"
)

// info is the content of kernel_info_reply.
func (k *Kernel) info() jupyter.KernelInfo {
	return jupyter.KernelInfo{
		Status:                "ok",
		ProtocolVersion:       jupyter.ProtocolVersion,
		Implementation:        "lecture11",
		ImplementationVersion: k.cfg.Version,
		LanguageInfo: jupyter.LanguageInfo{
			Name:           "go",
			Version:        runtime.Version()[len("go"):],
			MimeType:       "text/x-go",
			FileExtension:  ".go",
			PygmentsLexer:  "go",
			CodemirrorMode: "go",
		},
		Banner: fmt.Sprintf("Lecture 11: deep learning in Go (%s, GoNB %s)\n"+
			"Each cell is a program: `%%%%` starts its main function, functions and types stay defined, values do not.\n"+
			"%%lecture lists what this kernel adds.", runtime.Version(), gonbVersion),
		HelpLinks: []jupyter.HelpLink{
			{Text: "Go: a tour", URL: "https://go.dev/tour/"},
			{Text: "Go: standard library", URL: "https://pkg.go.dev/std"},
			{Text: "GoMLX", URL: "https://pkg.go.dev/github.com/gomlx/gomlx"},
			{Text: "GoNB: the cell language", URL: "https://github.com/janpfeifer/gonb/blob/main/examples/tutorial.ipynb"},
		},
		SupportedFeatures: []string{}, // no debugger, no subshells
	}
}

// answerComplete reports to a console whether the code could run as it is.
func (k *Kernel) answerComplete(in jupyter.Incoming) {
	var request struct {
		Code string `json:"code"`
	}
	if !k.decodeRequest(in, "is_complete_reply", &request) {
		return
	}
	status, indent := cell.Complete(request.Code)
	k.answer(in, "is_complete_reply", jupyter.IsCompleteReply{Status: status, Indent: indent})
}
