"""Where a model runs: devices of this host, and hosts as schedulers name them."""

import json
import socket
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfzoo import distribution
from tfzoo.distribution import hosts, hosts_from, placement, precision, rendezvous, strategies
from tfzoo.models import GAN, MLPDiscriminator, MLPGenerator


def gan(optimizers=(0.1, 0.1)):
    networks = MLPGenerator((2,), (7,), output_activation=None), MLPDiscriminator((11,))
    model = GAN(*networks, latent_dim=5, seed=2)
    model.compile(*map(keras.optimizers.SGD, optimizers))
    return model


@pytest.fixture(autouse=True)
def forgotten():
    """Lets the models of other tests be built without a scope."""
    yield
    distribution.one_device()


POINTS = np.random.default_rng(3).normal(size=(12, 2)).astype("float32")


def fitted(strategy, batch_size=6):
    with strategy.scope():
        keras.utils.set_random_seed(5)
        model = gan()
    model.fit(POINTS, batch_size=batch_size, epochs=2, verbose=0)
    return model.get_weights()


# Devices


def test_one_line_changes_where_a_model_runs_and_nothing_else(capsys):
    one = fitted(distribution.one_device())
    assert len(tf.config.list_logical_devices("CPU")) == 2
    for strategy in (distribution.auto(), distribution.mirrored(["CPU:1", "CPU:0"])):
        for a, b in zip(one, fitted(strategy), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    assert capsys.readouterr().out == "Running on the CPU: 1 replica.\n"


def test_a_second_strategy_does_not_meet_the_first():
    first, second = distribution.mirrored(), distribution.mirrored()
    assert first.num_replicas_in_sync == 2
    weights = [fitted(first), fitted(second), fitted(first)]
    for a, b in zip(*weights[:2], strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(*weights[1:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_gpus_belong_to_one_strategy(monkeypatch):
    made = []

    class Mirrored:
        def __init__(self, devices):
            made.append(devices)
            self.num_replicas_in_sync = len(devices)

    names = [f"/device:GPU:{number}" for number in range(3)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: devices(names))
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: devices(names))
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", Mirrored)
    strategies._mirrored_on_gpus.cache_clear()
    try:
        first = distribution.mirrored()
        assert distribution.mirrored(["GPU:2", "GPU:0", "GPU:1"]) is first
        assert made == [("/device:GPU:0", "/device:GPU:1", "/device:GPU:2")]
        with pytest.raises(ValueError, match="`devices` must be those of the first GPU strategy"):
            distribution.mirrored(["GPU:1"])
    finally:
        strategies._mirrored_on_gpus.cache_clear()


def devices(names):
    return [type("Device", (), {"name": name})() for name in names]


def test_auto_takes_all_gpus_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: devices("abc"))
    monkeypatch.setattr(strategies, "mirrored", lambda: type("S", (), {"num_replicas_in_sync": 3}))
    assert distribution.auto().num_replicas_in_sync == 3
    assert capsys.readouterr().out == "Running on 3 GPUs: 3 replicas.\n"


def test_auto_takes_a_tpu_first(monkeypatch, capsys):
    monkeypatch.setenv("TPU_NAME", "my-tpu")
    monkeypatch.setattr(strategies, "tpu", lambda: type("S", (), {"num_replicas_in_sync": 8}))
    assert distribution.auto().num_replicas_in_sync == 8
    assert capsys.readouterr().out == "Running on a TPU: 8 replicas.\n"


FLAGS = "processor : {}\nmodel name : some amx_bf16 machine\n{} : fpu sse {}\n\n"


@pytest.mark.parametrize(
    ("name", "flags", "dtype"),
    [
        ("flags", ["avx2", "avx2"], "float32"),
        ("flags", ["avx512_bf16", "avx512_bf16"], "mixed_bfloat16"),
        ("flags", ["amx_tile amx_bf16"], "mixed_bfloat16"),
        ("flags", ["avx512_bf16", "avx512f"], "float32"),
        ("Features", ["asimd bf16"], "mixed_bfloat16"),
        ("Features", ["asimd"], "float32"),
        ("", [], "float32"),
    ],
)
def test_the_fastest_precision_of_a_cpu_is_read_from_its_flags(
    monkeypatch, tmp_path, name, flags, dtype
):
    file = tmp_path / "cpuinfo"
    file.write_text("".join(FLAGS.format(n, name, flag) for n, flag in enumerate(flags)))
    monkeypatch.setattr(precision, "CPU_INFO", file)
    assert precision.fastest_dtype() == dtype
    file.unlink()  # not on Linux
    assert precision.fastest_dtype() == "float32"


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [([(9, 0), (8, 0)], "mixed_bfloat16"), ([(8, 0), (7, 5)], "float32"), ([None], "float32")],
)
def test_the_fastest_precision_of_gpus_is_that_of_the_oldest(monkeypatch, capabilities, dtype):
    details = {f"GPU:{n}": {"compute_capability": c} for n, c in enumerate(capabilities) if c}
    gpus = [f"GPU:{n}" for n in range(len(capabilities))]
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else []
    )
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda gpu: details.get(gpu, {})
    )
    assert precision.fastest_dtype() == dtype


def test_a_tpu_multiplies_bfloat16(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["0"] * (kind == "TPU"))
    assert precision.fastest_dtype() == "mixed_bfloat16"


def test_a_tpu_is_found_and_initialised_or_said_to_be_missing(monkeypatch):
    with pytest.raises(ValueError, match="`address` must be that of a TPU; received 'local', and"):
        distribution.tpu()
    said = []
    tpus = tf.distribute.cluster_resolver
    monkeypatch.setattr(tpus, "TPUClusterResolver", lambda address: address)
    connect = lambda resolver: said.append(("connect", resolver))  # noqa: E731
    initialise = lambda resolver: said.append(("initialise", resolver))  # noqa: E731
    monkeypatch.setattr(tf.config, "experimental_connect_to_cluster", connect)
    monkeypatch.setattr(tf.tpu.experimental, "initialize_tpu_system", initialise)
    strategy = type("S", (), {"num_replicas_in_sync": 8})
    monkeypatch.setattr(tf.distribute, "TPUStrategy", lambda resolver: strategy)
    assert distribution.tpu("grpc://10.2.3.5:8470") is strategy
    assert said == [(word, "grpc://10.2.3.5:8470") for word in ("connect", "initialise")]
    said.clear()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a core"])
    assert distribution.tpu() is strategy
    assert said == [("initialise", "local")]


def test_devices_must_exist():
    with pytest.raises(ValueError, match=r"must be different ones of .*/device:CPU:1; .*'GPU:7'"):
        distribution.one_device("GPU:7")
    with pytest.raises(ValueError, match="must be different ones"):
        distribution.mirrored(["CPU:0", "CPU:0"])
    with pytest.raises(ValueError, match="must be different ones"):
        distribution.mirrored([])


def test_logical_cpus_come_before_anything_else():
    tf.zeros([])
    distribution.logical_cpus(2)  # as tests/conftest.py made them
    with pytest.raises(RuntimeError, match=r"`logical_cpus\(3\)` must come before anything that"):
        distribution.logical_cpus(3)
    with pytest.raises(ValueError, match="`count` must be an int, 1 or more; received 0"):
        distribution.logical_cpus(0)


# Scopes


def test_a_model_without_the_scope_of_its_strategy_is_refused():
    model = gan()
    distribution.mirrored()
    sentence = "made a MirroredStrategy of 2 devices; received a model built outside of its scope"
    for act in (model.compile, lambda: model.fit(POINTS), lambda: model.evaluate(POINTS)):
        with pytest.raises(ValueError, match=sentence):
            act()
    with distribution.one_device().scope():
        model = gan()
    model.fit(POINTS, verbose=0)
    gan().fit(POINTS, verbose=0)  # one device was asked for last


def test_a_model_half_in_a_scope_is_refused():
    built, optimizer = gan().generator, keras.optimizers.SGD(0.1)
    strategy = distribution.mirrored()
    with strategy.scope():
        model = gan()
        model.compile(optimizer, keras.optimizers.SGD(0.1))
    sentence = "All of a model must be built in one scope, here that of a MirroredStrategy; rec.*"
    with pytest.raises(
        ValueError, match=sentence + "'SGD/learning_rate'|" + sentence + "iteration"
    ):
        model.fit(POINTS)
    with strategy.scope():
        model = GAN(built, MLPDiscriminator((11,)), latent_dim=5)
        with pytest.raises(ValueError, match=sentence + "generator"):
            model.compile()
    distribution.one_device()
    model = gan()
    with strategy.scope(), pytest.raises(ValueError, match=sentence):
        model.predict(np.zeros((4, 5), "float32"))


def test_scopes_are_not_nested():
    first, second = distribution.mirrored(), distribution.mirrored()
    with first.scope():
        model = gan()
        with pytest.raises(
            ValueError, match="outside of the scope of another; received a call ins"
        ):
            distribution.one_device()
    with second.scope(), pytest.raises(ValueError, match="Leave that scope: `fit` needs none"):
        model.fit(POINTS)


def test_a_batch_is_divided_by_all_replicas():
    with distribution.mirrored().scope():
        model = gan()
    sentence = "multiple of the 2 replicas that share it; received 5 rows. .* be 6."
    with pytest.raises(ValueError, match=sentence):
        model.fit(POINTS, batch_size=5)
    with pytest.raises(ValueError, match=sentence):
        model.fit(tf.data.Dataset.from_tensor_slices(POINTS).batch(5, drop_remainder=True))


def test_every_replica_has_rows_of_a_batch_that_is_learned():
    with distribution.mirrored().scope():
        model = gan()
    rest = tf.data.Dataset.from_tensor_slices(POINTS[:7]).batch(6)
    with pytest.raises(ValueError, match="^Each of 2 replicas must have a row of every batch"):
        model.fit(rest, verbose=0)


# What cannot train


def test_xla_around_several_replicas_is_refused():
    with distribution.mirrored().scope():
        model = gan()
        with pytest.raises(ValueError, match="`jit_compile` must be False on several replicas"):
            model.compile(jit_compile=True)
        model.compile()
    model.fit(POINTS, verbose=0)
    with distribution.one_device().scope():
        model = gan()
        model.compile(jit_compile=True)
    model.fit(POINTS, verbose=0)


def test_parameter_servers_and_keras_distribution_are_refused():
    servers = object.__new__(tf.distribute.ParameterServerStrategy)
    with pytest.raises(
        ValueError, match=r"no parameter servers; .* `tfzoo.distribution.many_hosts"
    ):
        placement.require_supported(servers)
    model = gan()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=["cpu:0"]))
    try:
        for act in (gan, lambda: model.fit(POINTS)):
            with pytest.raises(
                ValueError, match="`keras.distribution` has no effect on TensorFlow"
            ):
                act()
    finally:
        keras.distribution.set_distribution(None)


# Hosts


def tf_config(cluster, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_tf_config_lists_chief_and_workers():
    cluster = {"worker": ["a:2", "b:3"], "chief": ["c:5"]}
    found = hosts_from(tf_config(cluster, index=1))
    assert found == hosts.Hosts(("c:5", "a:2", "b:3"), 2)
    assert found.address == "b:3"
    assert found.others == [(0, "c:5"), (1, "a:2")]
    assert hosts_from(tf_config(cluster, "chief")).index == 0


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "must be named by TF_CONFIG, by Slurm .* received an environment with none"),
        ({"TF_CONFIG": "{worker: a}"}, "TF_CONFIG must be JSON like .*; received '{worker: a}'"),
        ({"TF_CONFIG": "[7]"}, r"TF_CONFIG must be JSON like .*; received '\[7\]'"),
        (tf_config({"worker": ["a:2"], "ps": ["b:3"]}), "no parameter servers .* ps, worker"),
        (tf_config({"worker": ["a:2"]}, "evaluator"), "no evaluator; received evaluator, worker"),
        (tf_config({"worker": ["a:2", "b:3"]}, index=2), "received index 2 and 2 of them"),
        (tf_config({"worker": ["a:2", "b"]}), "must be \"host:port\"; received 'b'"),
        (tf_config({"worker": ["a:2", "a:2"]}), "an address of its own; received a:2, a:2"),
        ({"SLURM_STEP_NODELIST": "a"}, "must hold SLURM_STEP_TASKS_PER_NODE"),
        ({"TFZOO_NUM_HOSTS": "3"}, "must hold TFZOO_SERVICE"),
        (
            {"TFZOO_NUM_HOSTS": "3", "TFZOO_SERVICE": "s", "HOSTNAME": "gpt"},
            "HOSTNAME must end in the index .* HOSTNAME='gpt'",
        ),
        (
            {"TFZOO_NUM_HOSTS": "3", "TFZOO_SERVICE": "s", "HOSTNAME": "gpt-3"},
            "must be an int from 0 to 2, .* received 3",
        ),
    ],
)
def test_an_environment_that_makes_no_sense_is_said_in_a_sentence(environ, sentence):
    with pytest.raises(ValueError, match=sentence):
        hosts_from(environ)


def slurm(**changes):
    environ = {
        "SLURM_STEP_NODELIST": "gpu[08-10,13],login",
        "SLURM_STEP_TASKS_PER_NODE": "2(x3),1,3",
        "SLURM_PROCID": "5",
        "SLURM_JOB_ID": "20011",
    }
    return {**environ, **changes}


def test_slurm_deals_tasks_to_nodes():
    found = hosts_from(slurm())
    # Job 20011 begins at port 20000 + 20011 % (10000 - 3).
    nodes = ["gpu08"] * 2 + ["gpu09"] * 2 + ["gpu10"] * 2 + ["gpu13"] + ["login"] * 3
    ports = [20017, 20018] * 3 + [20017] + [20017, 20018, 20019]
    assert found.addresses == tuple(f"{n}:{p}" for n, p in zip(nodes, ports, strict=True))
    assert found.address == "gpu10:20018"


def test_slurm_names_nodes_in_any_way():
    racks = slurm(SLURM_STEP_NODELIST="r[1-2]n[5,7]x,z", SLURM_STEP_TASKS_PER_NODE="1(x5)")
    names = [
        address.split(":")[0] for address in hosts_from({**racks, "SLURM_PROCID": "3"}).addresses
    ]
    assert names == ["r1n5x", "r1n7x", "r2n5x", "r2n7x", "z"]


def test_slurm_must_deal_in_blocks():
    assert hosts_from(slurm(SLURMD_NODENAME="gpu10")).index == 5
    with pytest.raises(ValueError, match="in blocks; received rank 5 on login instead of gpu10"):
        hosts_from(slurm(SLURMD_NODENAME="login"))
    with pytest.raises(ValueError, match="a number for each node; received 2 numbers for 5 nodes"):
        hosts_from(slurm(SLURM_STEP_TASKS_PER_NODE="2,3"))


def test_kubernetes_numbers_its_pods():
    environ = {"TFZOO_NUM_HOSTS": "3", "TFZOO_SERVICE": "train", "HOSTNAME": "my-gpt-2"}
    names = ("my-gpt-0.train:2222", "my-gpt-1.train:2222", "my-gpt-2.train:2222")
    assert hosts_from(environ) == hosts.Hosts(names, 2)


# Meeting


def free_ports(count):
    servers = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def test_all_workers_wait_for_the_last():
    ports = free_ports(3)
    addresses = tuple(f"localhost:{port}" for port in ports)
    come, servers = [], []

    def worker(index):
        rendezvous.wait_for_all(hosts.Hosts(addresses, index), timeout=20)
        come.append(index)
        servers.append(socket.create_server(("", ports[index])))  # as TensorFlow's

    threads = [threading.Thread(target=worker, args=[index]) for index in range(3)]
    for thread in threads[:2]:
        thread.start()
    threads[0].join(0.7)
    assert come == []
    threads[2].start()
    for thread in threads:
        thread.join()
    for server in servers:
        server.close()
    assert sorted(come) == [0, 1, 2]


def test_a_worker_that_never_comes_is_named(monkeypatch):
    first, second, third = free_ports(3)
    addresses = (f"localhost:{first}", f"localhost:{second}", f"localhost:{third}")
    monkeypatch.setenv("TF_CONFIG", tf_config({"worker": addresses}, index=2)["TF_CONFIG"])
    with (
        socket.create_server(("localhost", first)),
        pytest.raises(
            TimeoutError, match=f"within 0.3 .* missing: worker 1 at localhost:{second}."
        ),
    ):
        distribution.many_hosts(timeout=0.3)


def test_a_port_that_is_taken_is_named():
    [port] = free_ports(1)
    with (
        socket.create_server(("", port)),
        pytest.raises(
            OSError, match=f"Worker 0 must listen at localhost:{port}; received: Address"
        ),
    ):
        rendezvous.wait_for_all(hosts.Hosts((f"localhost:{port}",), 0), timeout=1)


def test_many_hosts_come_before_anything_else(monkeypatch):
    tf.zeros([])
    [port] = free_ports(1)
    monkeypatch.setenv("TF_CONFIG", tf_config({"worker": [f"localhost:{port}"]})["TF_CONFIG"])
    with pytest.raises(RuntimeError, match=r"`many_hosts\(\)` must come before anything that"):
        distribution.many_hosts(timeout=1)


def strategy_of(*addresses):
    """TensorFlow's strategy of many hosts, which no host has started."""

    class Cluster:
        def cluster_spec(self):
            return tf.train.ClusterSpec({"worker": addresses})

    strategy = object.__new__(tf.distribute.MultiWorkerMirroredStrategy)
    extended = type("Extended", (), {"worker_devices": ["x"], "_cluster_resolver": Cluster()})()
    strategy._extended, extended._num_replicas_in_sync = extended, len(addresses)
    return strategy


def test_tensorflows_own_strategy_for_many_hosts_is_refused():
    placement.require_supported(strategy_of("a:2"))
    with pytest.raises(ValueError, match=r"Use that of `tfzoo.distribution.many_hosts\(\)`, which"):
        placement.require_supported(strategy_of("a:2", "b:3"))


def test_hosts_read_in_the_same_order():
    with pytest.raises(ValueError, match="same order on all of them; received a ndarray, which Ke"):
        placement.global_batches(POINTS, 6, strategy_of("a:2", "b:3"))
    files = tf.data.Dataset.from_tensor_slices(POINTS).batch(6)
    shared = placement.global_batches(files, 7, strategy_of("a:2", "b:3"))
    policy = shared.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA
    assert placement.global_batches(POINTS, 6, distribution.one_device()) is POINTS


def test_a_lost_worker_is_named():
    first, second = (f"localhost:{port}" for port in free_ports(2))
    strategy = strategy_of(first, second)
    with (
        socket.create_server(("", int(first.split(":")[1]))),
        pytest.raises(ConnectionError, match=f"the end; lost: worker 1 at {second}. Its log says"),
        placement.named_losses(strategy),
    ):
        raise tf.errors.UnavailableError(None, None, "Collective ops is aborted by: something")
    with pytest.raises(tf.errors.UnavailableError), placement.named_losses(strategy):
        raise tf.errors.UnavailableError(None, None, "another reason")
