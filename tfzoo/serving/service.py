"""What both protocols serve: the models of a process, and one way to compute with them."""

import asyncio
import logging

from tfzoo.serving.batcher import Batcher
from tfzoo.serving.metrics import Metrics
from tfzoo.serving.model import Model
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.settings import Settings

log = logging.getLogger("tfzoo.serving")


class Service:
    """Models by name.

    Args:
        settings: the bundles, and the limits.

    Raises:
        ValueError: if two bundles have the same name, or one is none.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        choices = settings.num_versions, settings.warm_up_rows
        models = [Model(bundle, *choices) for bundle in settings.bundles]
        self.models = {model.name: model for model in models}
        if len(self.models) < len(models):
            names = ", ".join(model.name for model in models)
            raise ValueError(
                f"`bundles` must have different names, as in NAME=FOLDER; have {names}."
            )
        self.metrics = Metrics(self.models.values)
        self.batcher = Batcher(settings, self.metrics)
        self.is_ready = False
        self._watch: asyncio.Task | None = None

    async def start(self) -> None:
        """Loads all models, and looks for new versions from then on.

        Raises:
            ValueError: if a model has no version that loads.
        """
        for model in self.models.values():
            await model.refresh()
            if not any(state == "AVAILABLE" for state, _ in model.states().values()):
                raise ValueError(" ".join(error for _, error in model.states().values()))
        self._watch = asyncio.create_task(self._look_for_versions())
        self.is_ready = True

    def stop(self) -> bool:
        """Ends the looking and, when they are done, the threads; whether they still work."""
        self.is_ready = False
        if self._watch:
            self._watch.cancel()
        is_loading = any(model.loading for model in self.models.values())
        return self.batcher.close() or is_loading

    def model(self, name: str) -> Model:
        """A model by its name.

        Raises:
            Refusal: 404, if there is none.
        """
        if name not in self.models:
            raise Refusal(404, f"The models are {', '.join(self.models)}; received {name!r}.")
        return self.models[name]

    async def _look_for_versions(self):
        while True:
            await asyncio.sleep(self.settings.poll_seconds)
            for model in self.models.values():
                try:
                    await model.refresh()
                except Exception:  # a folder that vanishes while one looks; the next look is fresh
                    log.exception("%s: the look for new versions failed", model.name)
