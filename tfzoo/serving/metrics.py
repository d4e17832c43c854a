"""What Prometheus reads."""

import time

import prometheus_client

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counters of one server.

    Args:
        models: `() -> [Model]`, looked at when Prometheus asks.
    """

    def __init__(self, models):
        self.registry = registry = prometheus_client.CollectorRegistry()
        self._models = models
        self.requests = prometheus_client.Counter(
            "tfzoo_requests",
            "Requests answered.",
            ["protocol", "method", "code"],
            registry=registry,
        )
        self.seconds = prometheus_client.Histogram(
            "tfzoo_request_seconds",
            "From a request's first byte to its answer's last.",
            ["protocol", "method"],
            buckets=SECONDS,
            registry=registry,
        )
        self.batch_size = prometheus_client.Histogram(
            "tfzoo_batch_rows", "Rows computed in one call.", buckets=ROWS, registry=registry
        )
        self.queue = prometheus_client.Gauge(
            "tfzoo_queue_requests", "Requests that wait for a call.", registry=registry
        )
        self._served = prometheus_client.Gauge(
            "tfzoo_model_available",
            "1 for each version that is served.",
            ["model", "version"],
            registry=registry,
        )

    def count(self, protocol: str, method: str, code, start: float) -> None:
        """Counts a request that began at `start`, of `time.perf_counter`."""
        self.requests.labels(protocol, method, code).inc()
        self.seconds.labels(protocol, method).observe(time.perf_counter() - start)

    def families(self) -> list[prometheus_client.Metric]:
        """All that was counted so far, in a form that goes from process to process."""
        self._look()
        return list(self.registry.collect())

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        self._look()
        return prometheus_client.generate_latest(self.registry)

    def _look(self):
        self._served.clear()
        for model in self._models():
            for number, (state, _) in model.states().items():
                if state == "AVAILABLE":
                    self._served.labels(model.name, number).set(1)


class Joined:
    """What several servers counted, each sample with its `replica`.

    Args:
        replicas: `{name: families}`.
    """

    def __init__(self, replicas: dict[str, list[prometheus_client.Metric]]):
        self._replicas = replicas

    def collect(self):
        """What Prometheus's client asks a registry."""
        joined = {}
        for replica, families in self._replicas.items():
            for one in families:
                empty = prometheus_client.Metric(one.name, one.documentation, one.type)
                joined.setdefault(one.name, empty).samples.extend(
                    sample._replace(labels={**sample.labels, "replica": replica})
                    for sample in one.samples
                )
        return joined.values()

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return prometheus_client.generate_latest(self)
