"""Arguments of constructors and verbs: what is wrong with one, in one sentence."""

import numpy as np
import tensorflow as tf

INT32 = np.iinfo("int32")


def require_ints(least=1, **values):
    """Refuses arguments that are no ints, or are below `least`."""
    for name, value in values.items():
        if not is_int(value) or value < least:
            raise ValueError(f"`{name}` must be an int, {least} or more; received {value!r:.80}.")


def require_seed(name, seed):
    """Refuses what does not seed TensorFlow's generators, which would take it modulo 2^32."""
    if not is_int(seed) or not INT32.min <= seed <= INT32.max:
        raise ValueError(
            f"`{name}` must be an int of 32 bits, from {INT32.min} to {INT32.max}; received "
            f"{seed!r:.80}."
        )


def require_classes(num_classes):
    """Refuses a number of classes that is none."""
    if num_classes is not None:
        require_ints(num_classes=num_classes)


def require_dims(rank=None, **values):
    """Refuses arguments that are not some ints of 1 or more, or not `rank` of them."""
    for name, value in values.items():
        is_list = isinstance(value, (tuple, list)) and all(is_int(v) and v > 0 for v in value)
        if not is_list or len(value) not in (rank, rank or len(value)) or not value:
            raise ValueError(
                f"`{name}` must be a tuple of {f'{rank} ints' if rank else 'ints'}, each 1 or "
                f"more; received {value!r:.80}."
            )


def require_room(backbone, length, what):
    """Raises a `ValueError` where rows are longer than the network can read."""
    if length > backbone.max_sequence_length:
        raise ValueError(
            f"{what} must be at most {backbone.max_sequence_length}, what the backbone can read at "
            f"once; received {length}."
        )


def require_float(policy):
    """Refuses a precision in which a network cannot compute."""
    if not tf.as_dtype(policy.compute_dtype).is_floating:
        raise ValueError(
            f"`dtype` must be a precision of floats, such as `float32`; received {policy.name!r}."
        )


def require_token_ids(token_ids):
    """Refuses what cannot be token ids (B, T): in bfloat16 numbers above 256 are rounded."""
    dtype = tf.as_dtype(token_ids.dtype)
    if not dtype.is_integer or token_ids.shape.rank not in (2, None):
        raise ValueError(
            "`token_ids` must be ints of shape (batch, length); received "
            f"{dtype.name} of shape {tuple(token_ids.shape)}."
        )


def is_int(value):
    """Whether a value is an int, and not a bool."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
