# The peer's part of the som command: MiniSom on one task.
#
#     som_minisom.py MODE DATA OBJECTS FEATURES WIDTH HEIGHT STEPS SEED SIGMA END ETA OUT
#
# DATA are raw float32 objects; MODE is online (STEPS objects in random order) or batch (STEPS epochs). σ falls linearly
# from SIGMA to END. The weights go to OUT as raw float32, node by node, y·WIDTH + x; the seconds of the training are
# printed. The first weights are objects drawn by MiniSom.
import sys
import time
import warnings

import minisom
import numpy as np

warnings.simplefilter("ignore")
mode, data, out = sys.argv[1], sys.argv[2], sys.argv[12]
objects, features, width, height, steps, seed = map(int, sys.argv[3:9])
sigma, end, eta = map(float, sys.argv[9:12])

x = np.fromfile(data, dtype=np.float32).reshape(-1, features)[:objects].astype(np.float64)
som = minisom.MiniSom(width, height, features, sigma=sigma, learning_rate=eta, random_seed=seed,
                      decay_function="asymptotic_decay" if mode == "online" else lambda value, t, steps: value)
som._sigma_decay_function = lambda value, t, steps: value + (end - value) * t / steps
som.random_weights_init(x)
start = time.perf_counter()
if mode == "online":
    som.train_random(x, steps)
else:
    som.train_batch_offline(x, steps)
print(time.perf_counter() - start)
np.transpose(som.get_weights(), (1, 0, 2)).astype(np.float32).tofile(out)
