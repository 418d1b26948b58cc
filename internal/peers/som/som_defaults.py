# The peer's part of the som command's "defaults": maps by MiniSom's defaults.
#
#     som_defaults.py DATA FEATURES WIDTH HEIGHT EPOCHS SEEDS OUT
#
# DATA are raw float32 objects. For each seed come the weights of a map trained by train and of one trained by
# train_batch_offline, each over EPOCHS passes, from the constructor's own first weights. They go to OUT as raw float32,
# node by node, y·WIDTH + x.
import sys
import warnings

import minisom
import numpy as np

warnings.simplefilter("ignore")
data, out = sys.argv[1], sys.argv[7]
features, width, height, epochs, seeds = map(int, sys.argv[2:7])
x = np.fromfile(data, dtype=np.float32).reshape(-1, features).astype(np.float64)
with open(out, "wb") as file:
    for seed in range(seeds):
        online = minisom.MiniSom(width, height, features, random_seed=seed)
        online.train(x, epochs * len(x))
        batch = minisom.MiniSom(width, height, features, random_seed=seed)
        batch.train_batch_offline(x, epochs)
        for som in online, batch:
            file.write(np.transpose(som.get_weights(), (1, 0, 2)).astype(np.float32).tobytes())
