package device

import (
	"os"
	"path/filepath"
	"strings"

	"deeplearning.example/kernelext/internal/plugin"
)

// findCUDALibraries adds the folder of NVIDIA's libraries beside a plugin to XLA_FLAGS. go-xla does the same for the
// plugins that it loads itself.
func findCUDALibraries(path string) {
	const variable, flag = "XLA_FLAGS", "--xla_gpu_cuda_data_dir"
	folder := filepath.Join(filepath.Dir(filepath.Dir(path)), "nvidia")
	info, err := os.Stat(folder)
	flags := os.Getenv(variable)
	if plugin.PlatformOf(path) != plugin.CUDA || err != nil || !info.IsDir() || strings.Contains(flags, flag) {
		return
	}
	os.Setenv(variable, strings.TrimSpace(flags+" "+flag+"="+folder))
}
