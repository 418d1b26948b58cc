# Makes ../kernel_distance.json: a kernel distance by scikit-learn's polynomial kernel, for gan_judge_kernel_test.go.
# Python 3.11, numpy 2.4.6, scikit-learn 1.9.1:
#   pip install numpy==2.4.6 scikit-learn==1.9.1 && python kernel_distance.py
import json
import numpy as np
import sklearn
from sklearn.metrics.pairwise import polynomial_kernel

rng = np.random.default_rng(30)
x, y = rng.normal(size=(12, 5)), rng.normal(0.4, 1.3, size=(9, 5))
k = {"degree": 3, "gamma": 1 / 5, "coef0": 1}
xx, yy, xy = polynomial_kernel(x, x, **k), polynomial_kernel(y, y, **k), polynomial_kernel(x, y, **k)
off = lambda m: (m.sum() - np.trace(m)) / (len(m) * (len(m) - 1))
with open("../kernel_distance.json", "w") as f:
    json.dump({"versions": f"numpy {np.__version__}, scikit-learn {sklearn.__version__}",
               "x": x.tolist(), "y": y.tolist(), "kid": off(xx) + off(yy) - 2 * xy.mean()}, f)
