"""Who trains together: the environment of a scheduler -> addresses, and which of them is mine."""

import dataclasses
import itertools
import json
import re

# Where TensorFlow's own examples and Kubeflow listen.
KUBERNETES_PORT = 2222
# Below the ports that Linux gives away by itself; jobs that share a node listen apart.
SLURM_PORTS = range(20000, 30000)


@dataclasses.dataclass(frozen=True)
class Hosts:
    """The worker processes of a run, in the order of their ranks.

    Args:
        addresses: tuple of "host:port", the same on every worker; the first one is the chief.
        index: int in [0, number of addresses), this process.

    Raises:
        ValueError: an address has no port, comes twice, or `index` is out of range.
    """

    addresses: tuple[str, ...]
    index: int

    def __post_init__(self):
        for address in self.addresses:
            if not re.fullmatch(r".+:\d+", str(address)):
                raise ValueError(f'An address must be "host:port"; received {address!r}.')
        if len(set(self.addresses)) < len(self.addresses):
            raise ValueError(
                "Every worker must have an address of its own; received "
                f"{', '.join(self.addresses)}."
            )
        if not isinstance(self.index, int) or not 0 <= self.index < len(self.addresses):
            raise ValueError(
                f"The index of this worker must be an int from 0 to {len(self.addresses) - 1}, one "
                f"for each address; received {self.index!r}."
            )

    @property
    def address(self):
        """The address of this process."""
        return self.addresses[self.index]

    @property
    def others(self):
        """Index and address of every other worker."""
        return [(i, other) for i, other in enumerate(self.addresses) if i != self.index]


def hosts_from(environ):
    """Reads who trains together, and which worker this process is.

    The first of these that is there:

    - `TF_CONFIG`, as Kubeflow, Vertex AI and SageMaker set it:
      `{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}`.
      A "chief" is worker 0.
    - Slurm, in a step that `srun` started: `SLURM_STEP_NODELIST`, `SLURM_STEP_TASKS_PER_NODE`,
      `SLURM_PROCID`, `SLURM_JOB_ID`. Ranks must be dealt to the nodes in blocks, as by default.
    - Kubernetes, in an indexed Job or a StatefulSet behind a headless service: the manifest sets
      `TFZOO_NUM_HOSTS` and `TFZOO_SERVICE`, the name of that service; Kubernetes itself sets
      `HOSTNAME`, as `name-index`.

    Args:
        environ: dict of str, such as `os.environ`.

    Returns:
        `Hosts`.

    Raises:
        ValueError: none of them is there, or one of them makes no sense.

    Example:
        >>> hosts_from({"HOSTNAME": "gpt-1", "TFZOO_NUM_HOSTS": "2", "TFZOO_SERVICE": "train"})
        Hosts(addresses=('gpt-0.train:2222', 'gpt-1.train:2222'), index=1)
    """
    if "TF_CONFIG" in environ:
        return _from_tf_config(environ["TF_CONFIG"])
    if "SLURM_STEP_NODELIST" in environ:
        return _from_slurm(environ)
    if "TFZOO_NUM_HOSTS" in environ:
        return _from_kubernetes(environ)
    raise ValueError(
        "Many hosts must be named by TF_CONFIG, by Slurm (start the program with `srun`), or by "
        "TFZOO_NUM_HOSTS and TFZOO_SERVICE in Kubernetes; received an environment with none of "
        "them. Set one, or use `tfzoo.distribution.auto()` on a single host."
    )


def _from_tf_config(text):
    form = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        job, index = task["type"], int(task["index"])
        first = {"chief": 0, "worker": len(cluster.get("chief", ()))}
        addresses = (*cluster.get("chief", ()), *cluster.get("worker", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"TF_CONFIG must be JSON like {form}; received {text!r:.200}.") from None
    if "ps" in cluster or job not in first:
        raise ValueError(
            "TF_CONFIG must hold workers, and a chief at most, because `fit` of Keras 3 has no "
            f"parameter servers and no evaluator; received {', '.join(sorted({*cluster, job}))}. "
            "List all hosts as workers: they train in step, and evaluate together."
        )
    if index >= len(cluster.get(job, ())):
        raise ValueError(
            f"TF_CONFIG must list this process among its {job}s; received index {index} and "
            f"{len(cluster.get(job, ()))} of them."
        )
    return Hosts(addresses, first[job] + index)


def _from_slurm(environ):
    names = ["SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE", "SLURM_PROCID", "SLURM_JOB_ID"]
    nodes, tasks_per_node, rank, job = (_value(environ, name, "srun sets it") for name in names)
    nodes = _expanded_nodes(nodes)
    counts = _expanded_counts(tasks_per_node)
    if len(nodes) != len(counts):
        raise ValueError(
            f"SLURM_STEP_TASKS_PER_NODE must have a number for each node; received {len(counts)} "
            f"numbers for {len(nodes)} nodes."
        )
    port = SLURM_PORTS[int(job) % (len(SLURM_PORTS) - max(counts))]
    pairs = zip(nodes, counts, strict=True)
    tasks = [(node, port + task) for node, count in pairs for task in range(count)]
    hosts = Hosts(tuple(f"{node}:{port}" for node, port in tasks), int(rank))
    here = environ.get("SLURMD_NODENAME", tasks[hosts.index][0])
    if here != tasks[hosts.index][0]:
        raise ValueError(
            f"Slurm must deal ranks to nodes in blocks; received rank {rank} on {here} instead of "
            f"{tasks[hosts.index][0]}. Start the program with `srun --distribution=block`."
        )
    return hosts


def _expanded_nodes(nodelist):
    """`a[08-10,12]b,c` -> a08b, a09b, a10b, a12b, c."""
    nodes = []
    for name in re.findall(r"(?:[^,\[\]]|\[[^\]]*\])+", nodelist):
        parts = re.split(r"\[([^\]]*)\]", name)  # every second one stood in brackets
        choices = [_expanded_range(p) if i % 2 else [p] for i, p in enumerate(parts)]
        nodes += ["".join(choice) for choice in itertools.product(*choices)]
    return nodes


def _expanded_range(numbers):
    """`08-10,12` -> 08, 09, 10, 12."""
    spans = [part.partition("-")[::2] for part in numbers.split(",")]
    return [
        str(number).zfill(len(first))
        for first, last in spans
        for number in range(int(first), int(last or first) + 1)
    ]


def _expanded_counts(counts):
    """`2(x3),1` -> 2, 2, 2, 1."""
    pairs = re.findall(r"(\d+)(?:\(x(\d+)\))?", counts)
    return [int(count) for count, times in pairs for _ in range(int(times or 1))]


def _from_kubernetes(environ):
    number = _value(environ, "TFZOO_NUM_HOSTS", "the manifest sets it")
    service = _value(environ, "TFZOO_SERVICE", "the name of the headless service of the pods")
    pod = re.fullmatch(r"(.+)-(\d+)", environ.get("HOSTNAME", ""))
    if pod is None or not number.isdecimal():
        raise ValueError(
            "In Kubernetes TFZOO_NUM_HOSTS must be a number, and HOSTNAME must end in the index of "
            "the pod, as in an indexed Job or a StatefulSet; received "
            f"TFZOO_NUM_HOSTS={number!r} and HOSTNAME={environ.get('HOSTNAME')!r}."
        )
    name, index = pod.groups()
    pods = [f"{name}-{i}.{service}:{KUBERNETES_PORT}" for i in range(int(number))]
    return Hosts(tuple(pods), int(index))


def _value(environ, name, reason):
    if not environ.get(name):
        raise ValueError(f"The environment must hold {name} ({reason}); received none.")
    return environ[name]
