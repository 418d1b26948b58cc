"""GANs of lecture11 in JAX: Adam with beta1 = 0.5, data on the device. A step is all steps of D and one of G.

  ring         2-D, nets 128-128, latent 8, batch 200, non-saturating loss
  penalty      the same, Wasserstein loss with gradient penalty 1, five steps of D
  digits       28x28, resize-convolutions against convolutions of stride 2, batch 64, mean of G's weights by 0.999
  conditional  ring with 8 classes appended to the inputs of both nets

Written as a JAX user would: parameters and optimiser states in one jitted step with donated buffers ("step"), or many steps in one
call by lax.scan ("scan"). Convolutions are XLA's, or, with "-patches" after the variant, matrix products of patches. Prints
milliseconds a step. "check" instead compares with what our program wrote of the same training. jax 0.10.2, optax 0.2.8.
"""
import functools
import json
import struct
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

OBJECTS, CHUNK, DECAY, PENALTY = 60_000, 50, 0.999, 1.0
model, variant, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
variant, _, form = variant.partition("-")
digits, critic = model == "digits", model == "penalty"
BATCH, LATENT, D_STEPS = 64 if digits else 200, 64 if digits else 8, 5 if critic else 1
CLASSES = 8 if model == "conditional" else 0


def dense(key, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    return {"weights": jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit), "biases": jnp.zeros(outputs)}


def kernel(key, inputs, outputs):
    limit = np.sqrt(6 / (9 * (inputs + outputs)))
    return {"weights": jax.random.uniform(key, (3, 3, inputs, outputs), minval=-limit, maxval=limit), "biases": jnp.zeros(outputs)}


def affine(p, x):
    return x @ p["weights"] + p["biases"]


def leaky(x):
    return jax.nn.leaky_relu(x, 0.2)


def convolve(p, x, stride):
    if form == "patches":
        return patches(x, stride) @ p["weights"].reshape(-1, p["biases"].size) + p["biases"]
    y = jax.lax.conv_general_dilated(x, p["weights"], (stride, stride), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + p["biases"]


def patches(x, stride):
    h, w = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([x[:, u : u + h : stride, v : v + w : stride] for u in range(3) for v in range(3)], axis=-1)


def enlarge(x):
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def mlp_params(key, inputs, outputs):
    k = jax.random.split(key, 3)
    return {"hidden_0": dense(k[0], inputs, 128), "hidden_1": dense(k[1], 128, 128), "output": dense(k[2], 128, outputs)}


def mlp(p, x):
    return affine(p["output"], leaky(affine(p["hidden_1"], leaky(affine(p["hidden_0"], x)))))


def conv_params(key):
    k = jax.random.split(key, 7)
    return ({"input": dense(k[0], LATENT, 7 * 7 * 64), "conv_0": kernel(k[1], 64, 32), "output": kernel(k[2], 32, 1)},
            {"conv_0": kernel(k[3], 1, 32), "conv_1": kernel(k[4], 32, 64), "hidden": dense(k[5], 7 * 7 * 64, 256), "output": dense(k[6], 256, 1)})


def pixel_norm(x):
    return x / jnp.sqrt((x**2).mean(-1, keepdims=True) + 1e-8)


def conv_generator(p, z):
    h = leaky(pixel_norm(affine(p["input"], z).reshape(-1, 7, 7, 64)))
    h = leaky(pixel_norm(convolve(p["conv_0"], enlarge(h), 1)))
    return jax.nn.sigmoid(convolve(p["output"], enlarge(h), 1)).reshape(len(z), -1)


def conv_discriminator(p, x):
    h = leaky(convolve(p["conv_0"], x.reshape(-1, 28, 28, 1), 2))
    h = leaky(convolve(p["conv_1"], h, 2))
    return affine(p["output"], leaky(affine(p["hidden"], h.reshape(len(x), -1))))


generator, discriminator = (conv_generator, conv_discriminator) if digits else (mlp, mlp)


def generate(g, key, y):
    x = generator(g, jnp.concatenate([jax.random.normal(key, (BATCH, LATENT)), y], axis=-1))
    return jnp.concatenate([x, y], axis=-1)


def discriminate(d, x):
    return discriminator(d, x)[:, 0]


def d_loss(d, real, fake, key):
    a, b = jnp.split(discriminate(d, jnp.concatenate([real, fake])), 2)
    if not critic:
        return jax.nn.softplus(-a).mean() + jax.nn.softplus(b).mean()
    u = jax.random.uniform(key, (BATCH, 1))
    slopes = jax.grad(lambda x: discriminate(d, x).sum())(u * real + (1 - u) * fake)
    return b.mean() - a.mean() + PENALTY * ((jnp.sqrt((slopes**2).sum(-1) + 1e-12) - 1) ** 2).mean()


def g_loss(g, d, key, y):
    b = discriminate(d, generate(g, key, y))
    return -b.mean() if critic else jax.nn.softplus(-b).mean()


optimizer = optax.adam(float(sys.argv[4]) if variant == "check" else 1e-3, b1=0.5)


def move(params, grads, state):
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state


def one_step(data, params, states, mean, key, rows):
    (g, d), (g_state, d_state) = params, states
    for k in range(D_STEPS):
        real = data[rows[k]]
        if digits:
            real = real.astype(jnp.float32) / 255
        y = real[:, real.shape[1] - CLASSES :]
        key, z0, z1, u = jax.random.split(key, 4)
        loss_d, grads_d = jax.value_and_grad(d_loss)(d, real, generate(g, z0, y), u)
        if k == D_STEPS - 1:  # both losses at the same weights
            loss_g, grads_g = jax.value_and_grad(g_loss)(g, d, z1, y)
        d, d_state = move(d, grads_d, d_state)
    first = g_state[0].count == 0
    g, g_state = move(g, grads_g, g_state)
    if digits:
        decay = jnp.where(first, 0, DECAY)
        mean = jax.tree.map(lambda m, w: decay * m + (1 - decay) * w, mean, g)
    told = (loss_d, loss_g)
    if variant == "check":
        told += (optax.global_norm(grads_d), optax.global_norm(grads_g))
    return (g, d), (g_state, d_state), mean, key, jnp.stack(told)


step = functools.partial(jax.jit, donate_argnums=(1, 2, 3, 4))(one_step)


@functools.partial(jax.jit, donate_argnums=(1, 2, 3, 4))
def scan(data, params, states, mean, key, rows):
    def body(carry, rows):
        *carry, losses = one_step(data, *carry, rows)
        return tuple(carry), losses

    carry, losses = jax.lax.scan(body, (params, states, mean, key), rows)
    return *carry, losses.mean(0)


def read_weights(file):
    """The variables that lecture11's Training.Save wrote, by path."""
    with open(file, "rb") as f:
        header = json.loads(f.read(struct.unpack("<I", f.read(4))[0]))
        weights = {}
        for v in header["variables"]:
            dims, kind = v["dims"] or [], v["dtype"].lower()
            weights[v["path"]] = np.frombuffer(f.read(np.dtype(kind).itemsize * int(np.prod(dims))), kind).reshape(dims)
    return weights


def net(weights, path, like):
    """The weights under path, as a tree like the one given."""
    def leaf(keys, old):
        layer, name = (k.key for k in keys)
        found = [w for p, w in weights.items() if p.startswith(f"{path}/{layer}/") and p.endswith("/" + name)]
        assert len(found) == 1 and found[0].shape == old.shape, (path, layer, name)
        return jnp.asarray(found[0])

    return jax.tree_util.tree_map_with_path(leaf, like)


def distance(a, b):
    """The root of the mean square of what two trees differ by."""
    squares = jax.tree.map(lambda x, y: jnp.sum((x - y) ** 2), a, b)
    return float(jnp.sqrt(sum(jax.tree.leaves(squares)) / sum(x.size for x in jax.tree.leaves(a))))


if digits:
    params = conv_params(jax.random.PRNGKey(0))
else:
    k = jax.random.split(jax.random.PRNGKey(0))
    params = mlp_params(k[0], LATENT + CLASSES, 2), mlp_params(k[1], 2 + CLASSES, 1)
rng = np.random.default_rng(0)
if digits:
    data = np.where(rng.random((OBJECTS, 784)) < 0.13, 255, 0).astype(np.uint8)
else:
    mode = rng.integers(0, 8, OBJECTS)
    data = np.stack([2 * np.cos(mode * np.pi / 4), 2 * np.sin(mode * np.pi / 4)], 1) + 0.02 * rng.standard_normal((OBJECTS, 2))
    data = np.concatenate([data, np.eye(8)[mode][:, :CLASSES]], axis=1).astype(np.float32)
data = jnp.asarray(data)
rounds = OBJECTS // (BATCH * D_STEPS)
order = rng.permutation(OBJECTS)[: rounds * BATCH * D_STEPS].reshape(rounds, D_STEPS, BATCH).astype(np.int32)


def train(calls):
    global params, states, mean, key
    for i in range(calls):
        rows = order[(i * CHUNK) % (len(order) - CHUNK) :][:CHUNK] if variant == "scan" else order[i % len(order)]
        params, states, mean, key, losses = {"scan": scan}.get(variant, step)(data, params, states, mean, key, rows)
        yield losses
    losses.block_until_ready()


def start():
    global states, mean, key
    states, key = tuple(optimizer.init(p) for p in params), jax.random.PRNGKey(1)
    mean = jax.tree.map(jnp.zeros_like, params[0]) if digits else ()


def check(rate, first, last, optimizer_state, told):
    """Compares with ours: from the weights in first, the mean losses that ours told, and how far weights moved to last."""
    global params
    weights, moved = read_weights(first), read_weights(last) | read_weights(optimizer_state)
    begun = tuple(net(weights, path, p) for path, p in zip(("/generator", "/discriminator"), params))
    params = jax.tree.map(jnp.copy, begun)
    start()
    jax_told = np.mean(list(train(steps)), axis=0)
    nets = [("G", "/generator", params[0], begun[0]), ("D", "/discriminator", params[1], begun[1])]
    if digits:
        nets.append(("mean of G", "/average/generator", mean, begun[0]))
    if float(rate) < 1e-6:  # the same weights in all steps
        lines, share = [(name, ours, peer) for (name, ours), peer in zip(json.loads(told).items(), jax_told)], 0.03
    else:
        lines, share = [(f"way of {n}", distance(net(moved, path, now), then), distance(now, then)) for n, path, now, then in nets], 0.05
    bad = False
    for name, ours, peer in lines:
        wrong = not abs(ours - peer) <= share * abs(peer)
        bad |= wrong
        print(f"{model}, rate {rate}, {steps} steps: {name}: ours {ours:.5g}, JAX {peer:.5g}{', NOT THE SAME' if wrong else ''}")
    sys.exit(bad)


if variant == "check":
    check(*sys.argv[4:])
start()
calls = steps // CHUNK if variant == "scan" else steps
for _ in train(max(1, calls // 10)):  # compile and warm up
    pass
begin = time.perf_counter()
for _ in train(calls):
    pass
print((time.perf_counter() - begin) / (calls * CHUNK if variant == "scan" else calls) * 1e3)
