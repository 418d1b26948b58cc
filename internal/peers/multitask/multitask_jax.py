"""Multi-task models of lecture11 in JAX: 784-256-128, heads of 10, 2 and 2 classes, Adam, data on the device.

  tasks   one model, batch 128
  runs    20 models side by side by vmap, batch 50 each, of other objects

Written as a JAX user would: many steps in one call by lax.scan ("scan"), or a jitted call a step with donated buffers ("step").
Prints milliseconds a step. jax 0.10.2, optax 0.2.8.
"""
import functools
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

OBJECTS, CHUNK = 60_000, 50
model, variant, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
RUNS, BATCH = {"tasks": (1, 128), "runs": (20, 50)}[model]
HEADS = (10, 2, 2)


def dense(key, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    return {"w": jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit), "b": jnp.zeros(outputs)}


def make(key):
    k = jax.random.split(key, 5)
    return {"shared": [dense(k[0], 784, 256), dense(k[1], 256, 128)], "heads": [dense(k[2 + t], 128, n) for t, n in enumerate(HEADS)]}


def loss_fn(params, x, y):
    for layer in params["shared"]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    total = 0.0
    for t, head in enumerate(params["heads"]):
        logp = jax.nn.log_softmax(x @ head["w"] + head["b"])
        total += -jnp.take_along_axis(logp, y[:, t : t + 1], axis=-1).mean()
    return total


optimizer = optax.adam(1e-3)


def one_run(params, state, x, y):
    loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state, loss


def one_step(data, labels, params, state, rows):
    x, y = data[rows].astype(jnp.float32) / 255, labels[rows]
    if RUNS == 1:
        params, state, loss = one_run(params, state, x[0], y[0])
    else:
        params, state, loss = jax.vmap(one_run)(params, state, x, y)
    return params, state, jnp.mean(loss)


step = functools.partial(jax.jit, donate_argnums=(2, 3))(one_step)


@functools.partial(jax.jit, donate_argnums=(2, 3))
def scan(data, labels, params, state, rows):
    def body(carry, rows):
        *carry, loss = one_step(data, labels, *carry, rows)
        return tuple(carry), loss

    (params, state), losses = jax.lax.scan(body, (params, state), rows)
    return params, state, losses.mean()


if RUNS == 1:
    params = make(jax.random.PRNGKey(0))
    state = optimizer.init(params)
else:
    params = jax.vmap(make)(jax.random.split(jax.random.PRNGKey(0), RUNS))
    state = jax.vmap(optimizer.init)(params)
rng = np.random.default_rng(0)
data = jnp.asarray(np.where(rng.random((OBJECTS, 784)) < 0.13, 255, 0).astype(np.uint8))
digits = rng.integers(0, 10, OBJECTS)
labels = jnp.asarray(np.stack([digits, digits % 2, np.isin(digits, [0, 6, 8, 9])], 1).astype(np.int32))
order = rng.integers(0, OBJECTS, (450, RUNS, BATCH)).astype(np.int32)


def train(calls):
    global params, state
    for i in range(calls):
        if variant == "step":
            rows = order[i % len(order)]
        else:
            rows = order[(i * CHUNK) % (len(order) - CHUNK) :][:CHUNK]
        params, state, loss = {"step": step, "scan": scan}[variant](data, labels, params, state, rows)
    loss.block_until_ready()


calls = steps if variant == "step" else steps // CHUNK
train(max(1, calls // 10))  # compile and warm up
start = time.perf_counter()
train(calls)
print((time.perf_counter() - start) / (steps if variant == "step" else calls * CHUNK) * 1e3)
