# Reads the file of a model with PyPI's safetensors, and writes its weights, doubled, as a file of its own; see
# weights_python_test.go.
import sys
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

source, target = sys.argv[1:]
with safe_open(source, "numpy") as f:
    metadata = f.metadata()
assert metadata["kind"] == "VAE" and metadata["part"] == "weights" and metadata["checksum"].startswith("sha256:"), metadata
weights = load_file(source)
for name, value in sorted(weights.items()):
    print(name, value.dtype, *value.shape)
save_file({name: 2 * value for name, value in weights.items()}, target)
