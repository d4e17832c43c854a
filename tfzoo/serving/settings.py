"""What an operator may choose."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Settings:
    """How bundles are served.

    Args:
        bundles: folders, each `FOLDER` or `NAME=FOLDER`; without a name, the folder's own.
        host: address to listen on; the default is reached from this machine alone.
        rest_port: of HTTP; 0 takes any free one.
        grpc_port: of gRPC; 0 takes any free one.
        token: what clients send as `Authorization: Bearer ...`; None asks for nothing.
        num_versions: the newest so many versions of each bundle are served side by side.
        warm_up_rows: where XLA compiles for each size of a batch, the sizes of up to so many rows
            are compiled, by the requests that were exported with a version, before it is ready.
        poll_seconds: between two looks for new versions.
        num_threads: calls into TensorFlow at the same time.
        max_batch_size: rows that are computed together at most, and rows of one request.
        batch_wait: seconds that a request waits for others, at most, where there are others.
        max_queue: requests that wait at most, over all models; the next is refused with 429.
        timeout: seconds until a request that is not answered is given up with 504.
        max_body_bytes: of one request.
        max_text_bytes: of one string in a request.
        max_new_tokens: that one request may ask for.
        max_samples: that one request may ask a GAN for.
        drain_seconds: that requests in flight get to end when the server stops.
    """

    bundles: tuple[str, ...]
    host: str = "127.0.0.1"
    rest_port: int = 8501
    grpc_port: int = 8500
    token: str | None = None
    num_versions: int = 1
    warm_up_rows: int = 1
    poll_seconds: float = 1.0
    num_threads: int = 4
    max_batch_size: int = 64
    batch_wait: float = 0.005
    max_queue: int = 256
    timeout: float = 60.0
    max_body_bytes: int = 16 * 2**20
    max_text_bytes: int = 2**20
    max_new_tokens: int = 1024
    max_samples: int = 1024
    drain_seconds: float = 30.0

    def __post_init__(self):
        if not self.bundles:
            raise ValueError("`bundles` must name a folder at least; received none.")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type not in (int, float):
                continue
            if math.isinf(value):
                raise ValueError(f"`{field.name}` must be finite; received {value}.")
            least = 0 if _may_be_zero(field.name) else 1e-9
            if not value >= least:  # what is no number is not either
                above = "0 or more" if least == 0 else "above 0"
                raise ValueError(f"`{field.name}` must be {above}; received {value}.")
            if field.name.endswith("_port") and value > 65535:
                raise ValueError(f"`{field.name}` must be 65535 at most; received {value}.")


@dataclasses.dataclass(frozen=True)
class Scaling:
    """How many processes hold the models, where Ray starts them.

    Args:
        replicas: so many; at least so many, if there is `max_replicas`.
        max_replicas: at most so many, as the load asks for.
        target_ongoing_requests: of one replica: with more, others start; None for Ray's default, 2.
    """

    replicas: int = 1
    max_replicas: int | None = None
    target_ongoing_requests: float | None = None

    def __post_init__(self):
        if self.replicas < 1:
            raise ValueError(f"`replicas` must be above 0; received {self.replicas}.")
        if self.max_replicas is not None and self.max_replicas < self.replicas:
            raise ValueError(
                f"`max_replicas` must be `replicas`, {self.replicas}, or more; received "
                f"{self.max_replicas}."
            )
        target = self.target_ongoing_requests
        if target is not None and (target <= 0 or self.max_replicas is None):
            raise ValueError(
                "`target_ongoing_requests` must be above 0, and come with `max_replicas`; "
                f"received {target} and {self.max_replicas}."
            )

    @property
    def most(self) -> int:
        """Replicas there may be at the same time."""
        return self.max_replicas or self.replicas


def _may_be_zero(name):
    return name in ("rest_port", "grpc_port", "batch_wait", "drain_seconds")
