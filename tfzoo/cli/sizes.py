"""The dictionaries of `tfzoo.models`, by the names that the command line has for them."""


def sizes(family: str) -> dict[str, dict]:
    """All sizes of a family, such as `{"nano": GPT_NANO}` of "GPT"."""
    from tfzoo import models

    prefix = f"{family}_"
    return {
        key[len(prefix) :].lower(): getattr(models, key)
        for key in vars(models)
        if key.startswith(prefix)
    }


def size_of(family: str, name: str) -> dict:
    """One of them, without the length of its rows."""
    found = sizes(family)
    if name not in found:
        raise ValueError(f"`size` must be one of {', '.join(found)}; received {name!r}.")
    return {key: value for key, value in found[name].items() if key != "max_sequence_length"}
