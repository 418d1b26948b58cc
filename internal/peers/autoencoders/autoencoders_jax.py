"""Models of lecture11 in JAX: Adam, batch 128, data on the device.

  vae   784-512-20, Bernoulli likelihood, reconstruction + KL
  dae   784-512-32-512-784, squared error, Gaussian noise of 0.5 drawn anew in each step
  conv  28x28 - conv 16, conv 32 (3x3, stride 2) - 32 - dense, two resize-convolutions, squared error

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

FEATURES, HIDDEN, BATCH, OBJECTS, CHUNK = 784, 512, 128, 60_000, 50
model, variant, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])


def dense(key, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    return {"w": jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit), "b": jnp.zeros(outputs)}


def kernel(key, inputs, outputs):
    limit = np.sqrt(6 / (9 * (inputs + outputs)))
    return {"w": jax.random.uniform(key, (3, 3, inputs, outputs), minval=-limit, maxval=limit), "b": jnp.zeros(outputs)}


def apply(p, x):
    return x @ p["w"] + p["b"]


def convolve(p, x, stride):
    return jax.lax.conv_general_dilated(x, p["w"], (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + p["b"]


def enlarge(x):
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def vae_params(k):
    return {"hidden": dense(k[0], FEATURES, HIDDEN), "code": dense(k[1], HIDDEN, 40),
            "decode": dense(k[2], 20, HIDDEN), "output": dense(k[3], HIDDEN, FEATURES)}


def vae_loss(p, x, key):
    mean, log_var = jnp.split(apply(p["code"], jax.nn.relu(apply(p["hidden"], x))), 2, axis=-1)
    z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
    logits = apply(p["output"], jax.nn.relu(apply(p["decode"], z)))
    reconstruction = (jax.nn.softplus(logits) - x * logits).sum(-1).mean()
    return reconstruction + 0.5 * (mean**2 + jnp.exp(log_var) - 1 - log_var).sum(-1).mean()


def dae_params(k):
    return {"hidden": dense(k[0], FEATURES, HIDDEN), "code": dense(k[1], HIDDEN, 32),
            "decode": dense(k[2], 32, HIDDEN), "output": dense(k[3], HIDDEN, FEATURES)}


def dae_loss(p, x, key):
    noisy = x + 0.5 * jax.random.normal(key, x.shape)
    z = apply(p["code"], jax.nn.relu(apply(p["hidden"], noisy)))
    out = apply(p["output"], jax.nn.relu(apply(p["decode"], z)))
    return ((out - x) ** 2).sum(-1).mean()


def conv_params(k):
    return {"conv0": kernel(k[0], 1, 16), "conv1": kernel(k[1], 16, 32), "code": dense(k[2], 7 * 7 * 32, 32),
            "input": dense(k[3], 32, 7 * 7 * 32), "up0": kernel(k[4], 32, 16), "up1": kernel(k[5], 16, 1)}


def conv_loss(p, x, key):
    h = jax.nn.relu(convolve(p["conv0"], x.reshape(-1, 28, 28, 1), 2))
    h = jax.nn.relu(convolve(p["conv1"], h, 2))
    z = apply(p["code"], h.reshape(len(x), -1))
    h = jax.nn.relu(apply(p["input"], z)).reshape(-1, 7, 7, 32)
    h = jax.nn.relu(convolve(p["up0"], enlarge(h), 1))
    out = convolve(p["up1"], enlarge(h), 1).reshape(len(x), -1)
    return ((out - x) ** 2).sum(-1).mean()


make, loss_fn = {"vae": (vae_params, vae_loss), "dae": (dae_params, dae_loss), "conv": (conv_params, conv_loss)}[model]
optimizer = optax.adam(1e-3)


def one_step(data, params, state, key, rows):
    key, noise = jax.random.split(key)
    x = data[rows].astype(jnp.float32) / 255
    loss, grads = jax.value_and_grad(loss_fn)(params, x, noise)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state, key, loss


@functools.partial(jax.jit, donate_argnums=(1, 2, 3))
def step(data, params, state, key, rows):
    return one_step(data, params, state, key, rows)


@functools.partial(jax.jit, donate_argnums=(1, 2, 3))
def scan(data, params, state, key, rows):
    def body(carry, rows):
        *carry, loss = one_step(data, *carry, rows)
        return tuple(carry), loss

    (params, state, key), losses = jax.lax.scan(body, (params, state, key), rows)
    return params, state, key, losses.mean()


params = make(jax.random.split(jax.random.PRNGKey(0), 6))
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
        params, state, key, loss = run(data, params, state, key, rows(i))
    loss.block_until_ready()


train(max(1, calls // 10))  # compile and warm up
start = time.perf_counter()
train(calls)
print((time.perf_counter() - start) / (steps if variant == "step" else calls * CHUNK) * 1e3)
