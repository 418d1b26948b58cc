"""The VAE of lecture11 in JAX: 784-512-20, Bernoulli likelihood, Adam, batch 128, data on the device.

Written as a JAX user would: parameters and optimiser state in one jitted step with donated buffers ("step"), or many
steps in one call by lax.scan ("scan"). Prints milliseconds a step. jax 0.10.2, optax 0.2.8.
"""
import functools
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

FEATURES, HIDDEN, LATENT, BATCH, OBJECTS, CHUNK = 784, 512, 20, 128, 60_000, 50
variant, steps = sys.argv[1], int(sys.argv[2])


def dense(key, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    return {"w": jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit), "b": jnp.zeros(outputs)}


def apply(p, x):
    return x @ p["w"] + p["b"]


def loss_fn(p, x, eps):
    h = jax.nn.relu(apply(p["hidden"], x))
    mean, log_var = jnp.split(apply(p["code"], h), 2, axis=-1)
    z = mean + jnp.exp(0.5 * log_var) * eps
    logits = apply(p["output"], jax.nn.relu(apply(p["decode"], z)))
    reconstruction = (jax.nn.softplus(logits) - x * logits).sum(-1).mean()
    kl = 0.5 * (mean**2 + jnp.exp(log_var) - 1 - log_var).sum(-1).mean()
    return reconstruction + kl, (reconstruction, kl)


optimizer = optax.adam(1e-3)


def one_step(data, params, state, key, rows):
    key, noise = jax.random.split(key)
    x = data[rows].astype(jnp.float32) / 255
    eps = jax.random.normal(noise, (BATCH, LATENT))
    (loss, parts), grads = jax.value_and_grad(loss_fn, has_aux=True)(params, x, eps)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state, key, jnp.stack([loss, *parts])


@functools.partial(jax.jit, donate_argnums=(1, 2, 3))
def step(data, params, state, key, rows):
    return one_step(data, params, state, key, rows)


@functools.partial(jax.jit, donate_argnums=(1, 2, 3))
def scan(data, params, state, key, rows):
    def body(carry, rows):
        *carry, losses = one_step(data, *carry, rows)
        return tuple(carry), losses

    (params, state, key), losses = jax.lax.scan(body, (params, state, key), rows)
    return params, state, key, losses.mean(0)


keys = jax.random.split(jax.random.PRNGKey(0), 4)
params = {
    "hidden": dense(keys[0], FEATURES, HIDDEN),
    "code": dense(keys[1], HIDDEN, 2 * LATENT),
    "decode": dense(keys[2], LATENT, HIDDEN),
    "output": dense(keys[3], HIDDEN, FEATURES),
}
state, key = optimizer.init(params), jax.random.PRNGKey(1)
rng = np.random.default_rng(0)
data = jnp.asarray(np.where(rng.random((OBJECTS, FEATURES)) < 0.13, 255, 0).astype(np.uint8))
order = rng.permutation(OBJECTS)[: OBJECTS // BATCH * BATCH].reshape(-1, BATCH).astype(np.int32)

calls, rows = (steps, lambda i: order[i % len(order)]) if variant == "step" else (
    steps // CHUNK, lambda i: order[(i * CHUNK) % (len(order) - CHUNK):][:CHUNK])
run = {"step": step, "scan": scan}[variant]


def train(calls):
    global params, state, key
    for i in range(calls):
        params, state, key, losses = run(data, params, state, key, rows(i))
    losses.block_until_ready()


train(max(1, calls // 10))  # compile and warm up
start = time.perf_counter()
train(calls)
print((time.perf_counter() - start) / (steps if variant == "step" else calls * CHUNK) * 1e3)
