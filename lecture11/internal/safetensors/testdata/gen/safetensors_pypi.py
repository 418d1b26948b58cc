# Makes ../pypi.safetensors: a file written by other people's code, for safetensors_test.go, which has the same numbers.
# Python 3.11, numpy 2.4.6, safetensors 0.8.0:
#   pip install numpy==2.4.6 safetensors==0.8.0 && python safetensors_pypi.py
import os
import numpy as np
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))
save_file({
    "encoder/weights": np.arange(6, dtype=np.float32).reshape(2, 3) / 4 - 0.5,
    "encoder/biases": np.array([1.5, -2.25, 1e-30], dtype=np.float32),
    "doubles": np.array([[1 / 3], [-1e300]], dtype=np.float64),
    "counts": np.array([[[1, -2], [3, 2**31 - 1]]], dtype=np.int32),
    "pixels": np.array([0, 127, 255], dtype=np.uint8),
    "scalar": np.array(7, dtype=np.int64),
    "empty": np.zeros((0, 4), dtype=np.float32),
}, os.path.join(here, "..", "pypi.safetensors"), metadata={"made by": "safetensors 0.8.0", "пример": "«ü»"})
