"""The application under Ray Serve: replicas, each a process that holds the models.

`ray_server.py` starts it on one machine. On a cluster `serve run` and `serve deploy` build it by
`application`, as in `scripts/deploy/ray.yaml`.
"""

import asyncio
import importlib.util
import os
import sys

from ray import cloudpickle, serve

from tfzoo.serving.__main__ import prepare
from tfzoo.serving.settings import Settings

LAST_WORDS = 1.0  # seconds for telling those who get no answer
OF_RAY = {
    "host": "`host` of Ray's `http_options`",
    "rest_port": "`port` of Ray's `http_options`",
    "grpc_port": "of gRPC, which Ray does not serve here",
    "token": "TFZOO_TOKEN in the environment of the replicas",
}
# A replica gets the code itself: to import it by its name would import the models and Keras.
for name in (__name__, prepare.__module__):
    cloudpickle.register_pickle_by_value(sys.modules[name])


@serve.deployment
@serve.ingress()
class Bundles:
    """A replica: a process that holds all models.

    Args:
        settings: fields of `Settings`; the token comes as TFZOO_TOKEN.
        house: the folder of tfzoo; found where Python finds packages by default.
    """

    async def __init__(self, settings: dict, house: str | None = None):
        prepare(house or importlib.util.find_spec("tfzoo").submodule_search_locations[0])

        from tfzoo.serving import service
        from tfzoo.serving import settings as choices

        chosen = choices.Settings(**settings, token=os.environ.get("TFZOO_TOKEN"))
        self.service = service.Service(chosen)
        await self.service.start()

    def __serve_build_asgi_app__(self):
        """What Ray asks for the application."""
        from tfzoo.serving.app import create_app

        return create_app(self.service, counted=self.counted_by_all)

    async def counted_by_all(self) -> bytes:
        """What `/metrics` answers, whichever replica is asked."""
        from tfzoo.serving.metrics import Joined

        context = serve.get_replica_context()
        handle = serve.get_deployment_handle(context.deployment, context.app_name)
        answers = await handle.broadcast("counted").results_async(
            timeout_s=self.service.settings.timeout, return_exceptions=True
        )
        # A replica that is just leaving may fail to answer.
        return Joined(dict(one for one in answers if isinstance(one, tuple))).text()

    def counted(self) -> tuple:
        """The name of this replica, and what it counted."""
        return serve.get_replica_context().replica_tag, self.service.metrics.families()

    async def drain(self, seconds: float) -> None:
        """Is told that the end comes: who has no answer in time gets a 503."""
        self.service.is_ready = False
        asyncio.get_running_loop().call_later(seconds, self.service.batcher.give_up)

    def __del__(self):
        """What Ray calls when all requests are answered."""
        if hasattr(self, "service"):
            self.service.stop()


def application(settings: dict) -> serve.Application:
    """Bundles as an application of Ray Serve; its deployment is called `Bundles`.

    Args:
        settings: fields of `Settings`, as `{"bundles": ["gpt=/bundles/gpt"]}`, but for the token,
            which is TFZOO_TOKEN in the environment, and those of the network, which are Ray's.

    Raises:
        ValueError: if a setting is out of its range, or Ray's.
    """
    for name in settings.keys() & OF_RAY:
        raise ValueError(f"`{name}` must not be among `args`: it is {OF_RAY[name]}.")
    return deployment(Settings(**settings)).bind(settings)


def deployment(settings: Settings) -> serve.Deployment:
    """`Bundles` within the limits of the settings."""
    return Bundles.options(
        # The batcher wants to see all requests, and refuses those above `max_queue` itself.
        max_ongoing_requests=settings.max_queue + settings.num_threads * settings.max_batch_size,
        graceful_shutdown_wait_loop_s=0.2,
        graceful_shutdown_timeout_s=settings.drain_seconds + LAST_WORDS,
    )
