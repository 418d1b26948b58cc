# Makes ../som_quality.json: measures of maps by other people's code, for som_quality_test.go.
# Python 3.11, numpy 2.4.6, minisom 2.3.6, scikit-learn 1.9.1:
#   pip install numpy==2.4.6 minisom==2.3.6 scikit-learn==1.9.1 && python som_quality.py
import json
import numpy as np
from minisom import MiniSom
from sklearn.manifold import trustworthiness

rng = np.random.default_rng(11)
out = {"versions": "numpy 2.4.6, minisom 2.3.6, scikit-learn 1.9.1"}

# Quantisation and topographic errors of briefly trained maps, so that the errors are not 0. All values are float32, as
# ours. A rectangular map is [x, y] there, our rows are its x; of a hexagonal map our rows are its y, whose last is not
# moved, so that y is odd.
x = rng.normal(size=(200, 4)).astype(np.float32)
out["x"] = x.tolist()
for name, topology, gx, gy in (("rectangular", "rectangular", 6, 5), ("hexagonal", "hexagonal", 6, 5)):
    som = MiniSom(gx, gy, 4, sigma=1.5, learning_rate=0.5, random_seed=3, topology=topology)
    som.train(x, 300)
    w = som.get_weights().astype(np.float32)
    som._weights = w
    order = w if name == "rectangular" else w.transpose(1, 0, 2)
    out[name] = {"width": gy if name == "rectangular" else gx, "height": gx if name == "rectangular" else gy,
                 "weights": order.reshape(-1, 4).tolist(),
                 "quantisation": float(som.quantization_error(x)), "topographic": float(som.topographic_error(x))}

# Trustworthiness and continuity of 40 objects at places of their own, no two distances equal.
high = rng.normal(size=(40, 5)).astype(np.float32)
low = (high[:, :2] + 0.7 * rng.normal(size=(40, 2))).astype(np.float32)
out["projection"] = {"x": high.tolist(), "places": low.tolist(), "k": [1, 5, 12],
                     "trustworthiness": [trustworthiness(high, low, n_neighbors=k) for k in (1, 5, 12)],
                     "continuity": [trustworthiness(low, high, n_neighbors=k) for k in (1, 5, 12)]}


# The same on a map, where objects of a node are equally near: the mean over many orders of equals, by scikit-learn. Each
# order comes from moving every object a little at random.
def places_of(name):
    o = out[name]
    w = np.array(o["weights"])
    win = np.argmin(((x[:, None] - w[None]) ** 2).sum(-1), 1)
    col, row = win % o["width"], win // o["width"]
    if name == "hexagonal":
        return np.stack([col + 0.5 * (row % 2), row * np.sqrt(3) / 2], 1)
    return np.stack([col, row], 1).astype(float)


for name in ("rectangular", "hexagonal"):
    places = places_of(name)
    moved = [places + 1e-7 * rng.normal(size=places.shape) for _ in range(400)]
    out[name]["k"] = 7
    out[name]["trustworthiness"] = float(np.mean([trustworthiness(x, p, n_neighbors=7) for p in moved]))
    out[name]["continuity"] = float(np.mean([trustworthiness(p, x, n_neighbors=7) for p in moved]))


# The topographic product as the paper has it, in plain loops. Ties: the node that is nearer by the other distance first.
def product(o, hexagonal):
    w = np.array(o["weights"])
    m = len(w)
    col, row = np.arange(m) % o["width"], np.arange(m) // o["width"]
    at = np.stack([col + 0.5 * (row % 2), row * np.sqrt(3) / 2], 1) if hexagonal else np.stack([col, row], 1).astype(float)
    total = 0.0
    for j in range(m):
        dv = np.sqrt(((w - w[j]) ** 2).sum(1))
        da = np.sqrt(((at - at[j]) ** 2).sum(1))
        others = [i for i in range(m) if i != j]
        by_map = sorted(others, key=lambda i: (round(da[i], 9), dv[i]))
        by_data = sorted(others, key=lambda i: (dv[i], da[i]))
        for k in range(1, m):
            p3 = 1.0
            for q in range(k):
                p3 *= dv[by_map[q]] / dv[by_data[q]] * da[by_map[q]] / da[by_data[q]]
            total += np.log(p3 ** (1 / (2 * k)))
    return total / (m * (m - 1))


for name in ("rectangular", "hexagonal"):
    out[name]["product"] = float(product(out[name], name == "hexagonal"))

with open("../som_quality.json", "w") as f:
    json.dump(out, f)
    f.write("\n")
