# Runs each name.onnx in a folder on the numbers in name.in, and writes its outputs to name.0, name.1, …; see
# export_test.go. All numbers are stored as float32.
import pathlib
import sys
import numpy as np
import onnxruntime

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (x,) = session.get_inputs()
    values = np.fromfile(path.with_suffix(".in"), dtype=np.float32).reshape(x.shape)
    values = values.astype({"tensor(float)": np.float32, "tensor(int32)": np.int32}[x.type])
    outputs = session.run(None, {x.name: values})
    print(path.stem, x.name, x.type, *[o.name for o in session.get_outputs()])
    for i, output in enumerate(outputs):
        output.astype(np.float32).tofile(path.with_suffix(f".{i}"))
