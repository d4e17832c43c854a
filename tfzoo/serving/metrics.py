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

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        self._served.clear()
        for model in self._models():
            for number, (state, _) in model.states().items():
                if state == "AVAILABLE":
                    self._served.labels(model.name, number).set(1)
        return prometheus_client.generate_latest(self.registry)
