import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo.optimizers import MuonAdamW, WarmupStableDecay, muon_adamw
from tfzoo.optimizers.muon_adamw import orthogonalize

# Every kind of weight that a GPT has, by the path of its variable.
SHAPES = {
    "gpt/token_embedding/embeddings": (11, 5),
    "gpt/block_0/attention/query_key_value/kernel": (5, 15),
    "gpt/block_0/attention/query_key_value/bias": (15,),
    "gpt/block_0/attention/output/kernel": (5, 5),
    "gpt/block_0/feed_forward/expand/kernel": (5, 13),
    "gpt/block_0/feed_forward/contract/kernel": (13, 5),
    "gpt/final_norm/scale": (5,),
    "gpt/head/kernel": (5, 11),
    "gpt/multi_head/projection/kernel": (7, 3),
    "gpt/convolution/kernel": (3, 2, 5),
}
NUM_PARTS = [0, 3, 0, 1, 1, 1, 0, 0, 1, 0]


def make_variable(path, value):
    *scopes, name = path.split("/")
    with contextlib.ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope))
        variable = keras.Variable(value.astype("float32"), name=name)
    assert variable.path == path
    return variable


def make_variables():
    rng = np.random.default_rng(0)
    return [make_variable(path, rng.normal(size=shape)) for path, shape in SHAPES.items()]


def make_gradients(step):
    rng = np.random.default_rng(100 + step)
    return [rng.normal(size=shape).astype("float32") for shape in SHAPES.values()]


def numpy_orthogonalize(matrix):
    """The quintic acts on singular values one by one, and leaves singular vectors alone."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.sqrt((values**2).sum())
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ np.diag(values) @ right


def numpy_muon_adamw(steps, rate, ratio, decay):
    weights = [variable.numpy().astype("float64") for variable in make_variables()]
    momentums, squares = [[np.zeros_like(w) for w in weights] for _ in range(2)]
    for step in range(steps):
        correction = np.sqrt(1 - 0.95 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        for i, (gradient, parts) in enumerate(zip(make_gradients(step), NUM_PARTS, strict=True)):
            weights[i] = weights[i] * (1 - rate * decay * (weights[i].ndim >= 2))
            if parts:
                momentums[i] = 0.95 * momentums[i] + gradient
                nesterov = np.split(gradient + 0.95 * momentums[i], parts, axis=1)
                inputs, outputs = nesterov[0].shape
                update = np.concatenate([numpy_orthogonalize(part) for part in nesterov], axis=1)
                weights[i] -= rate * np.sqrt(max(1, outputs / inputs)) * update
            else:
                momentums[i] = 0.9 * momentums[i] + 0.1 * gradient
                squares[i] = 0.95 * squares[i] + 0.05 * gradient**2
                update = correction * momentums[i] / (np.sqrt(squares[i]) + 1e-8)
                weights[i] -= rate * ratio * update
    return weights


def make_optimizer(**kwargs):
    kwargs = {"compute_dtype": "float32", "adam_lr_ratio": 0.3, "weight_decay": 0.7, **kwargs}
    return MuonAdamW(0.1, **kwargs)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_three_steps_against_numpy(jit_compile):
    variables, optimizer = make_variables(), make_optimizer()
    optimizer.build(variables)

    @tf.function(jit_compile=jit_compile)
    def apply(gradients):
        optimizer.apply(gradients)

    for step in range(3):
        apply([tf.constant(gradient) for gradient in make_gradients(step)])
    expected = numpy_muon_adamw(3, rate=0.1, ratio=0.3, decay=0.7)
    for path, variable, value in zip(SHAPES, variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, atol=1e-5, err_msg=path)


@pytest.mark.parametrize(
    ("fastest", "expected"), [("float32", "float32"), ("mixed_bfloat16", "bfloat16")]
)
def test_products_are_in_what_the_devices_multiply_fastest(monkeypatch, fastest, expected):
    monkeypatch.setattr(muon_adamw, "fastest_dtype", lambda: fastest)
    variable = make_variable("gpt/block_0/attention/output/kernel", np.ones((5, 5)))
    optimizer = MuonAdamW.from_config(make_optimizer(compute_dtype=None).get_config())
    optimizer.build([variable])
    apply = tf.function(lambda gradient: optimizer.apply([gradient]))
    graph = apply.get_concrete_function(tf.TensorSpec((5, 5))).graph.as_graph_def()
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    products = [node for node in nodes if "MatMul" in node.op]
    assert len(products) == 15
    assert {tf.as_dtype(node.attr["T"].type).name for node in products} == {expected}


def test_two_replicas_take_the_step_of_one(two_replicas):
    with two_replicas.scope():
        variables, optimizer = make_variables(), make_optimizer()
        optimizer.build(variables)

    @tf.function
    def apply(gradients):
        # A replica contributes a quarter of the sum, the other one three quarters.
        def share():
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            part = 0.25 + 0.5 * tf.cast(number, "float32")
            optimizer.apply([part * gradient for gradient in gradients])

        two_replicas.run(share)

    for step in range(3):
        apply([tf.constant(gradient) for gradient in make_gradients(step)])
    expected = numpy_muon_adamw(3, rate=0.1, ratio=0.3, decay=0.7)
    for path, variable, value in zip(SHAPES, variables, expected, strict=True):
        for copy in two_replicas.experimental_local_results(variable.value):
            np.testing.assert_allclose(copy, value, atol=1e-5, err_msg=path)


@pytest.mark.parametrize("shape", [(31, 97), (97, 31), (2, 17, 53)])
def test_singular_values_come_near_one(shape):
    # bfloat16 has 8 bits, and five steps of products add to that.
    matrices = np.random.default_rng(5).normal(size=shape).astype("float32")
    exact = orthogonalize(tf.constant(matrices)).numpy()
    rough = orthogonalize(tf.constant(matrices), "bfloat16").numpy()
    values = np.linalg.svd(exact, compute_uv=False)
    assert 0.65 < values.min() < values.max() < 1.25
    np.testing.assert_allclose(rough, exact, atol=0.05)
    assert np.abs(rough - exact).max() > 1e-4


def test_size_of_the_gradient_does_not_matter_and_zero_stays_zero():
    matrix = np.random.default_rng(5).normal(size=(7, 3)).astype("float32")
    big, small = orthogonalize(matrix * 1e6), orthogonalize(matrix * 1e-3)
    np.testing.assert_allclose(big, small, atol=1e-3)
    np.testing.assert_array_equal(orthogonalize(tf.zeros((7, 3))), np.zeros((7, 3)))


def test_one_velocity_less_for_each_hidden_matrix():
    optimizer = make_optimizer()
    optimizer.build(make_variables())
    momentums, velocities = len(SHAPES), NUM_PARTS.count(0)
    assert len(optimizer.variables) == momentums + velocities + 2  # iteration, learning rate


def test_exclude_and_split_choose_by_path():
    optimizer = MuonAdamW(exclude=["output/"], split={"expand": 13})
    optimizer.build(make_variables())
    assert optimizer._parts == [1, 1, 0, 0, 13, 1, 0, 1, 1, 0]


def test_schedule_drives_both_halves():
    optimizer = make_optimizer(weight_decay=None)
    optimizer.learning_rate = WarmupStableDecay(0.1, 4, decay_fraction=1.0)
    variables = make_variables()
    optimizer.build(variables)
    optimizer.iterations.assign(2)  # half of the run is over, and half of the rate
    before = variables[6].numpy()
    optimizer.apply([tf.constant(gradient) for gradient in make_gradients(0)])
    # With two empty steps behind it, Adam's first step is this much shorter than its rate.
    correction = np.sqrt(1 - 0.95**3) / (1 - 0.9**3) * 0.1 / np.sqrt(0.05)
    expected = before - 0.05 * 0.3 * correction * np.sign(make_gradients(0)[6])
    np.testing.assert_allclose(variables[6].numpy(), expected, rtol=1e-4)


def test_saved_and_resumed_with_the_model(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")

    def fit(model, epochs):
        model.fit(x, y, batch_size=3, epochs=epochs, shuffle=False, verbose=0)

    layers = [keras.layers.Dense(14, name="wide"), keras.layers.Dense(5, name="head")]
    model = keras.Sequential([keras.layers.Input((5,)), *layers])
    model.compile(make_optimizer(split={"wide": 2}, exclude=["head"], momentum=0.5), "mse")
    fit(model, 2)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert twin.optimizer.get_config() == model.optimizer.get_config()
    assert twin.optimizer._parts == [2, 0, 0, 0]
    fit(model, 2)
    fit(twin, 2)
    for mine, other in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6)


def test_split_must_divide():
    with pytest.raises(ValueError, match=r"`split` must divide .*kernel.*\(5, 13\).*split="):
        MuonAdamW(split={"expand": 2}).build(make_variables())
