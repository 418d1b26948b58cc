# Python 3.11, MiniSom 2.3.6, NumPy 2.3.4.
#
# Trains small maps with MiniSom and writes inputs and results to ../som_minisom.json:
#
#     python -m venv venv && venv/bin/pip install minisom==2.3.6 numpy==2.3.4
#     venv/bin/python som_minisom.py > ../som_minisom.json
#
# Weights are listed node by node, y·width + x. MiniSom moves every second row of a hexagonal grid to the left, counted
# from the last one; with an odd number of rows that is lecture11's arrangement.
import json
import sys
import warnings

import minisom
import numpy as np

warnings.simplefilter("ignore")
WIDTH, HEIGHT, FEATURES, OBJECTS = 6, 5, 4, 150

rng = np.random.RandomState(7)
objects = np.round(rng.randn(OBJECTS, FEATURES) * [1, 2, 0.5, 1] + rng.randint(0, 3, (OBJECTS, 1)), 3)


def flat(weights):
    return [round(float(v), 7) for v in np.transpose(weights, (1, 0, 2)).reshape(-1)]


def case(topology, neighbourhood, mode, eta_decay, sigma_decay, sigma=3.0, eta=0.1):
    som = minisom.MiniSom(
        WIDTH, HEIGHT, FEATURES, sigma=sigma, learning_rate=eta, topology=topology, random_seed=3,
        neighborhood_function=neighbourhood, decay_function=eta_decay, sigma_decay_function=sigma_decay)
    som._weights = np.round(som._weights, 4)
    start = flat(som._weights)
    if mode == "online":
        steps = 1000
        som.train(objects, steps)
    else:
        steps = 10
        som.train_batch_offline(objects, steps)
    return dict(topology=topology, neighbourhood=neighbourhood, mode=mode, eta_decay=eta_decay, sigma_decay=sigma_decay,
                sigma=sigma, eta=eta, steps=steps, start=start, weights=flat(som._weights))


cases = []
for topology in "rectangular", "hexagonal":
    for neighbourhood in "gaussian", "bubble", "triangle":
        cases.append(case(topology, neighbourhood, "online", "asymptotic_decay", "asymptotic_decay"))
        cases.append(case(topology, neighbourhood, "batch", "asymptotic_decay", "asymptotic_decay", eta=0.9))
for eta_decay in "inverse_decay_to_zero", "linear_decay_to_zero", "asymptotic_decay":
    for sigma_decay in "inverse_decay_to_one", "linear_decay_to_one":
        cases.append(case("rectangular", "gaussian", "online", eta_decay, sigma_decay))
        cases.append(case("hexagonal", "gaussian", "batch", eta_decay, sigma_decay, eta=1.0))
json.dump(dict(minisom="2.3.6", numpy=np.__version__, width=WIDTH, height=HEIGHT, features=FEATURES,
               objects=objects.reshape(-1).tolist(), cases=cases), sys.stdout)
print()
