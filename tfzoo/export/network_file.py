"""A network in a file of another format: written, executed by its own runtime, and compared."""

import contextlib
import importlib.util
import os
import pathlib
import re
from collections.abc import Callable
from typing import NamedTuple

import keras

from tfzoo.checkpoints import new_folder
from tfzoo.checkpoints.json_file import write_json_object
from tfzoo.distribution import placement
from tfzoo.export import bundle
from tfzoo.export.network import INPUTS, Network, network_of
from tfzoo.export.small_weights import TOLERANCES, largest_error

# The largest error of any number that comes out, over the largest such number (or 1).
TOLERANCE = 1e-4
# What is added where the live model computes with 8 or 11 binary digits, and the file with 24.
TOLERANCE_OF_HALF_PRECISION = 0.1
# What LiteRT's converter and ONNX Runtime say, among much else, of an operation they do not have.
UNKNOWN_OPERATION = re.compile(r"'tf\.\w+' op is [\w ]+|No Op registered for \w+")


class Format(NamedTuple):
    """A format of files.

    Args:
        name: what people call it.
        file: the name of the file.
        modules: by each package that is needed, the module that it brings.
        convert: `Network` to the bytes of a file.
        load: path of a file to a callable, a dict of input arrays to one of output arrays.
    """

    name: str
    file: str
    modules: dict[str, str]
    convert: Callable[[Network], bytes]
    load: Callable[[pathlib.Path], Callable[[dict], dict]]


def write_network(
    task: keras.Model,
    folder: str | os.PathLike,
    form: Format,
    sequence_length: int | None,
    weights: str | None = None,
) -> pathlib.Path:
    """Writes the network of a task, its tokenizer and `tfzoo.json` into a new folder.

    Args:
        task: a task of BERT, or a GAN.
        folder: path that must not exist yet.
        form: the `Format`.
        sequence_length: int, or None where it is free.
        weights: how they are stored, as in `TOLERANCES`; None is float32.

    Returns:
        The path of the file.

    Raises:
        FileExistsError: if `folder` exists.
        ValueError: a package is missing, the network does not fit into the format, or it computes
            something else there.
    """
    _require_packages(form)
    placement.require_one_piece(getattr(task, "distribute_strategy", None))
    with new_folder(folder) as aside:
        network = network_of(task, sequence_length)
        path = aside / form.file
        outputs = _convert(form, network, path)
        _require_same(network, outputs, form, weights)
        write_json_object(aside / bundle.DESCRIPTION, _describe(task, network, form, outputs[0]))
        tokenizer = getattr(task.preprocessor, "tokenizer", None)
        if tokenizer is not None:
            tokenizer.save(aside)
    return pathlib.Path(folder) / form.file


def _convert(form, network, path):
    """Writes the file, and returns what its runtime makes of each example."""
    with _in_one_sentence(form):
        contents = form.convert(network)
    path.write_bytes(contents)
    with _in_one_sentence(form):
        run = form.load(path)
        return [run(example) for example in network.examples]


@contextlib.contextmanager
def _in_one_sentence(form):
    try:
        yield
    except Exception as error:  # converters and runtimes have many kinds of their own
        named = UNKNOWN_OPERATION.search(str(error))
        said = named[0] if named else str(error).strip().partition("\n")[0]
        raise ValueError(
            f"`task` must consist of operations that {form.name} has, and nothing was written: "
            f"export a SavedModel instead. Its tools say: {said:.300}."
        ) from error


def _require_same(network, outputs, form, weights):
    """Refuses a file that says something else than the model, or NaN."""
    tolerance = TOLERANCES[weights] if weights else TOLERANCE
    references = [(network.live, tolerance)]
    if not network.is_exact:
        rough = tolerance + TOLERANCE_OF_HALF_PRECISION
        references = [(network.graph, tolerance), (network.live, rough)]
    advice = "leave `weights` out" if weights else "export a SavedModel instead"
    for reference, tolerance in references:
        for example, found in zip(network.examples, outputs, strict=True):
            for key, expected in reference(*example.values()).items():
                error = largest_error(found[key], expected)
                if not error <= tolerance:  # NaN is not
                    raise ValueError(
                        f"{form.file} must say what the model says within {tolerance:.2%}; the "
                        f"error of its {key} is {error:.2%}. Nothing was written: {advice}."
                    )


def _describe(task, network, form, outputs):
    """What `tfzoo.json` says."""
    names = getattr(task, "tag_names", None) or getattr(task, "class_names", None)
    inputs = {
        spec.name: {**bundle.description(spec), "description": INPUTS[spec.name]}
        for spec in network.inputs
    }
    structure = network.graph.get_concrete_function().structured_outputs
    return {
        **bundle.identity(task),
        "file": form.file,
        "inputs": inputs,
        "outputs": {name: bundle.description(structure[name]) for name in outputs},
        "limits": bundle.limits(task, network.max_sequence_length),
        **({"class_names": list(names)} if names else {}),
        "versions": bundle.versions(*form.modules),
    }


def _require_packages(form):
    missing = [
        package
        for package, module in form.modules.items()
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        raise ValueError(
            f"{form.name} needs {', '.join(missing)}: run `pip install 'tfzoo[convert]'`."
        )
