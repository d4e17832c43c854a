"""What the tasks that adapt a pretrained BERT have in common."""

from tfzoo.optimizers import fine_tuning_adamw
from tfzoo.preprocessing import WordPieceTokenizer


def pretrained_parts(backbone_class, preprocessor_class, folder, arguments):
    """Reads backbone and tokenizer of any BERT, for a task with a new head.

    Args:
        backbone_class: has `from_preset`.
        preprocessor_class: takes a tokenizer and `sequence_length`.
        folder: a preset, or a folder of Hugging Face or Google.
        arguments: dict; `dropout` and `dtype` of the backbone and `sequence_length` are taken out.

    Returns:
        `(backbone, preprocessor)`.
    """
    own = {name: arguments.pop(name) for name in ("dropout", "dtype") if name in arguments}
    backbone = backbone_class.from_preset(folder, **own)
    length = arguments.pop("sequence_length", backbone.max_sequence_length)
    return backbone, preprocessor_class(WordPieceTokenizer.load(folder), length)


def auto_optimizer(backbone, learning_rate, layer_decay):
    """Returns `fine_tuning_adamw` whose learning rate falls from the head down to the embeddings.

    Args:
        backbone: a `BertBackbone` of L blocks.
        learning_rate: float > 0, the highest, of the head.
        layer_decay: float in (0, 1], d: block l of 0 to L - 1 learns at `d^(L - l)` times the rate
            of the head, the embeddings at `d^(L + 1)`.

    Source: Clark et al. 2020, "ELECTRA", appendix B; Howard and Ruder 2018, "ULMFiT", section 3.2.
    """
    if not 0 < layer_decay <= 1:
        raise ValueError(f"`layer_decay` must be in (0, 1]; received {layer_decay}.")
    if layer_decay == 1:
        return fine_tuning_adamw(learning_rate)
    depth = backbone.num_layers
    factors = {rf"\bblock_{number}/": layer_decay ** (depth - number) for number in range(depth)}
    factors |= {r"\b(token|position|segment)_embedding/": layer_decay ** (depth + 1)}
    factors |= {r"\bembedding_norm/": layer_decay ** (depth + 1)}
    return fine_tuning_adamw(learning_rate, factors)


def checked_class_names(class_names, argument="class_names"):
    """The names as a tuple, if there are at least one and each is a string of its own."""
    if isinstance(class_names, (set, frozenset)):
        raise ValueError(
            f"`{argument}` must have an order, which a set has not; received {class_names!r:.80}. "
            "Pass `sorted(...)` of it."
        )
    if isinstance(class_names, str) or not class_names:
        raise ValueError(
            f"`{argument}` must be a list of at least one name; received {class_names!r}."
        )
    names = tuple(class_names)
    if len(set(names)) != len(names) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(
            f"`{argument}` must be strings that differ and are not empty; received {names!r:.200}."
        )
    return names
