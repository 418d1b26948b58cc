# Python 3.11, MiniSom 2.3.6, NumPy 2.3.4.
#
# Trains small maps with MiniSom's other distances and writes inputs, weights and measures to ../som_distance.json:
#
#     python -m venv venv && venv/bin/pip install minisom==2.3.6 numpy==2.3.4
#     venv/bin/python som_distance.py > ../som_distance.json
#
# Weights are listed node by node, y·width + x. Two functions of MiniSom 2.3.6 do not do what their names and documents
# say; here they are corrected: its Chebyshev distance is max(x − w) without the size, and its distortion_measure adds up
# norms in place of their squares. Objects have norm 1, for which lecture11's rule for the cosine is MiniSom's.
import json
import sys
import warnings

import minisom
import numpy as np

warnings.simplefilter("ignore")
WIDTH, HEIGHT, FEATURES, OBJECTS = 5, 4, 4, 80

rng = np.random.RandomState(5)
objects = rng.randn(OBJECTS, FEATURES) + [2, 0, 1, -1]
objects = (objects / np.linalg.norm(objects, axis=1, keepdims=True)).astype(np.float32).astype(float)


def flat(weights):
    return [round(float(v), 7) for v in np.transpose(weights, (1, 0, 2)).reshape(-1)]


def minkowski(x, w):
    return (np.abs(x - w) ** 3).sum(axis=-1) ** (1 / 3)


distances = dict(euclidean="euclidean", cosine="cosine", manhattan="manhattan", minkowski=minkowski,
                 chebyshev=lambda x, w: np.abs(x - w).max(axis=-1))
squared = lambda x, axis: (x**2).sum(axis=axis)


def case(name, mode):
    som = minisom.MiniSom(WIDTH, HEIGHT, FEATURES, sigma=2.0, learning_rate=0.3, random_seed=3,
                          activation_distance=distances[name])
    som._weights = np.round(som._weights, 4)
    start = flat(som._weights)
    if mode == "online":
        steps = 400
        som.train(objects, steps)
    else:
        steps = 8
        som.train_batch_offline(objects, steps)
    norm, minisom.norm = minisom.norm, squared
    distortion = som.distortion_measure(objects)
    minisom.norm = norm
    winners = [int(y * WIDTH + x) for x, y in (som.winner(o) for o in objects)]
    quantized = np.array([som.get_weights()[w % WIDTH, w // WIDTH] for w in winners])
    return dict(distance=name, mode=mode, sigma=2.0, eta=0.3, steps=steps, start=start, weights=flat(som._weights),
                winners=winners, quantized=[round(float(v), 7) for v in quantized.reshape(-1)], distortion=float(distortion))


cases = [case(name, mode) for name in distances for mode in ("online", "batch")]
json.dump(dict(minisom="2.3.6", numpy=np.__version__, width=WIDTH, height=HEIGHT, features=FEATURES,
               objects=[float(v) for v in objects.reshape(-1)], cases=cases), sys.stdout)
print()
