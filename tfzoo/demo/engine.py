"""What a tab asks, answered by the engine of the server."""

import contextlib
import html
from collections.abc import AsyncIterator

import gradio
import numpy as np

from tfzoo.serving.predict import decode, find_signature
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.service import Service
from tfzoo.serving.signature import Description
from tfzoo.serving.writing import START, Counts, find_writer, write_pieces


class Engine:
    """One model that the page shows.

    Args:
        service: that computes; it has been started.
        name: of the model in it.
    """

    def __init__(self, service: Service, name: str):
        self._service, self._name = service, name

    @property
    def max_rows(self) -> int:
        """Rows of one call, at most."""
        return self._service.settings.max_batch_size

    @property
    def description(self) -> Description:
        """What the newest version says of itself."""
        with self._service.model(self._name).use() as version:
            return version.description

    async def run(self, name: str, **values) -> dict[str, np.ndarray]:
        """Calls a signature.

        Args:
            name: of the signature.
            **values: inputs, texts as strings; those with a default may be left out.

        Raises:
            gradio.Error: if the model refuses; it has one sentence, which the page shows.
        """
        with shown(), self._service.model(self._name).use() as version:
            signature = find_signature(version, name)
            inputs = decode({"inputs": values}, signature, self._service.settings)
            return await self._service.batcher.run(version, name, inputs)

    async def write(self, text: str, **values) -> AsyncIterator[str]:
        """Yields what a model that writes adds to a text, piece by piece; raises what `run` does.

        Args:
            text: the beginning.
            **values: settings of the signature `generate_start`.
        """
        with shown(), self._service.model(self._name).use() as version:
            signature = find_writer(version, START)
            values = {"text": [text], **values}
            inputs = decode({"inputs": values}, signature, self._service.settings)
            async for (piece,), _ in write_pieces(self._service, version, inputs, Counts()):
                yield piece.decode(errors="replace")


@contextlib.contextmanager
def shown():
    """Makes of a refusal an error that the page shows."""
    try:
        yield
    except Refusal as refusal:
        # The page would take it for HTML, and it may quote what was typed.
        raise gradio.Error(html.escape(refusal.sentence), print_exception=False) from None
