"""Texts that a model writes, whole or piece by piece, cut where the client wants them to stop."""

import dataclasses
import secrets
from collections.abc import AsyncIterator

import numpy as np

from tfzoo.serving.predict import complete
from tfzoo.serving.refusal import Refusal
from tfzoo.serving.schemas import Completion
from tfzoo.serving.service import Service
from tfzoo.serving.settings import Settings
from tfzoo.serving.signature import Signature
from tfzoo.serving.tensors import to_array
from tfzoo.serving.version import Version

WHOLE, START, CONTINUE = "generate", "generate_start", "generate_continue"
# What asks for nothing, where a bundle has a setting that OpenAI does not, and no default.
NEUTRAL = {"top_k": 0}


def inputs_of(
    signature: Signature, prompts: list[str], request: Completion, settings: Settings
) -> dict:
    """The arrays of `generate` or `generate_start`.

    Raises:
        Refusal: 400, if the model lacks a setting that the client wants.
    """
    # What draws nothing is computed with others that draw nothing.
    seed = 0 if request.temperature == 0 else secrets.randbits(31)
    wanted = {
        "text": prompts,
        "max_new_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": seed if request.seed is None else request.seed % 2**31,
    }
    arrays = {}
    for name, value in wanted.items():
        if name in signature.inputs:
            arrays[name] = to_array(value, signature.inputs[name], settings)
        elif name in request.model_fields_set:
            raise Refusal(400, f"This model has no `{name}`: {signature}.")
    for name in NEUTRAL.keys() & signature.inputs.keys():
        if signature.inputs[name].default is None:
            arrays[name] = to_array(NEUTRAL[name], signature.inputs[name], settings)
    return complete(arrays, signature, settings)


def find_writer(version: Version, name: str) -> Signature:
    """A signature that writes.

    Raises:
        Refusal: 400, if the model does not write, or not in pieces.
    """
    signature = version.signatures.get(name)
    lacks_continue = name == START and CONTINUE not in version.signatures
    if signature is None or "text" not in signature.inputs or lacks_continue:
        kind = "write texts" if name == WHOLE else "write texts piece by piece (`stream`)"
        raise Refusal(400, f"This model does not {kind}.")
    return signature


@dataclasses.dataclass
class Counts:
    """Tokens that the model read and wrote for each row, as the model itself counts them.

    Args:
        prompt: of each prompt; None where a bundle does not tell.
        new: written so far, without a stop token.
    """

    prompt: np.ndarray | None = None
    new: np.ndarray | int = 0

    def add(self, outputs: dict) -> None:
        """Takes the outputs of a call."""
        if not {"num_prompt_tokens", "num_new_tokens"} <= outputs.keys():
            self.prompt = None
            return
        self.prompt = np.asarray(outputs["num_prompt_tokens"])
        self.new = self.new + np.asarray(outputs["num_new_tokens"])


async def write(service: Service, version: Version, inputs: dict, counts: Counts) -> list[bytes]:
    """What the model adds to each prompt; `counts` learns how much it is."""
    outputs = await service.batcher.run(version, WHOLE, inputs)
    counts.add(outputs)
    pairs = zip(inputs["text"], outputs["text"], strict=True)
    return [text[len(prompt) :] for prompt, text in pairs]


async def write_pieces(
    service: Service, version: Version, inputs: dict, counts: Counts
) -> AsyncIterator[tuple[list[bytes], np.ndarray]]:
    """Yields for each row the next piece, and whether it is the last, until all have ended."""
    name, state = START, inputs
    wanted = version.signatures[CONTINUE].inputs
    while True:
        outputs = await service.batcher.run_alone(version, name, state, goes_on=name == CONTINUE)
        counts.add(outputs)
        finished = outputs["finished"]
        yield list(outputs["new_text"]), finished
        if finished.all():
            return
        name, state = CONTINUE, {key: outputs[key] for key in wanted}


@dataclasses.dataclass
class Cutter:
    """Cuts a text that comes in pieces before the first of some strings.

    Args:
        stops: the strings; an empty one is none.
    """

    stops: list[str]
    stopped: bool = False
    _held: str = ""

    def feed(self, piece: str, last: bool) -> str:
        """Takes a piece, gives what is certain: the end may be the beginning of a stop string."""
        if self.stopped:
            return ""
        text = self._held + piece
        places = [text.find(stop) for stop in self.stops if stop and stop in text]
        if places:
            self.stopped = True
            return text[: min(places)]
        unsure = 0 if last else max((overlap(text, stop) for stop in self.stops), default=0)
        self._held = text[len(text) - unsure :]
        return text[: len(text) - unsure]


def overlap(text, stop):
    """How many characters at the end of a text begin a stop string."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
