# Makes ../adamw.json: a small network trained by another implementation of AdamW, for adam_test.go.
# Python 3.11, jax 0.10.2, optax 0.2.8:
#   pip install jax==0.10.2 optax==0.2.8 && python adamw.py > ../adamw.json
#
# The network is 2-3-1 with tanh, the loss the mean squared error on all 16 objects, the rate falls linearly to 0.
# Everything is computed in float64 from numbers that fit in float32.
import json

import jax
import numpy as np
import optax

jax.config.update("jax_enable_x64", True)
STEPS, RATE, DECAY = 40, 0.05, 0.8

rng = np.random.default_rng(3)
x = np.round(rng.normal(size=(16, 2)), 3)
y = np.round(2 * x[:, :1] * x[:, 1:] + 1, 3)
w = {name: np.round(rng.normal(size=shape), 3) for name, shape in
     {"weights0": (2, 3), "biases0": (3,), "weights1": (3, 1), "biases1": (1,)}.items()}
start = {name: value.reshape(-1).tolist() for name, value in w.items()}


def loss(w):
    hidden = jax.numpy.tanh(x @ w["weights0"] + w["biases0"])
    return ((hidden @ w["weights1"] + w["biases1"] - y) ** 2).mean()


adamw = optax.adamw(optax.linear_schedule(RATE, 0, STEPS), weight_decay=DECAY,
                    mask={name: name.startswith("weights") for name in w})
state = adamw.init(w)
for _ in range(STEPS):
    updates, state = adamw.update(jax.grad(loss)(w), state, w)
    w = optax.apply_updates(w, updates)

print(json.dumps({
    "versions": f"jax {jax.__version__}, optax {optax.__version__}", "steps": STEPS, "rate": RATE, "decay": DECAY,
    "x": x.reshape(-1).tolist(), "y": y.reshape(-1).tolist(), "start": start,
    "end": {name: np.asarray(value).reshape(-1).tolist() for name, value in w.items()}}))
