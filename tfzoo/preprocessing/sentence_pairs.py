"""Two pieces of text in a row, the second of which may follow the first, or come from elsewhere.

B texts, C pieces of all texts.
"""

import tensorflow as tf

FOLLOWS, FROM_ELSEWHERE = 0, 1
# Labels as in BERT: half of the second segments come from another text.
ELSEWHERE_RATE = 0.5


def pieces_of(tokens, length):
    """Cuts ragged rows (B, None) into pieces of at most `length`, ragged (C, None), in order."""
    splits = tokens.row_splits
    starts = tf.ragged.range(splits[:-1], splits[1:], length).values
    return tf.RaggedTensor.from_row_starts(tokens.values, starts, validate=False)


def sentence_pairs(tokens, length):
    """Cuts texts into pieces, and every piece in two at a random place.

    Half of the second parts give their place to that of a random piece of another text. Who is
    drawn depends on the texts alone.

    Args:
        tokens: int32 (B, None), ragged.
        length: int, tokens of both parts together, at most.

    Returns:
        `(first, second, labels)`: ragged int32 (C, None), with one token or more each, and int32
        (C,), `FOLLOWS` or `FROM_ELSEWHERE`.

    Source: Devlin et al. 2019, section 3.1, Task #2.
    """
    num_pieces = -(-tokens.row_lengths() // length)
    text_of = tf.repeat(tf.range(tokens.nrows()), num_pieces)
    pieces = pieces_of(tokens, length)
    in_two = pieces.row_lengths() > 1
    pieces, text_of = tf.ragged.boolean_mask(pieces, in_two), tf.boolean_mask(text_of, in_two)
    lengths, count = pieces.row_lengths(), pieces.nrows()

    seed = tf.stack([tf.size(tokens.values, tf.int64), tokens.nrows()])
    cut_seed, choice_seed, partner_seed = tf.unstack(tf.random.split(seed, 3, alg="philox"))
    shape = count[None]
    share = tf.random.stateless_uniform(shape, cut_seed, alg="philox")
    cut = 1 + tf.cast(share * tf.cast(lengths - 1, tf.float32), tf.int64)
    cut = tf.minimum(cut, lengths - 1)
    partners = tf.random.stateless_uniform(
        shape, partner_seed, 0, tf.maximum(count, 1), tf.int64, alg="philox"
    )
    elsewhere = tf.random.stateless_uniform(shape, choice_seed, alg="philox") < ELSEWHERE_RATE
    elsewhere &= tf.gather(text_of, partners) != text_of
    source = tf.where(elsewhere, partners, tf.range(count))

    starts, limits = pieces.row_starts(), pieces.row_limits()
    first = tf.ragged.range(starts, starts + cut)
    seconds = tf.gather(starts + cut, source)
    ends = tf.minimum(tf.gather(limits, source), seconds + length - cut)
    second = tf.ragged.range(seconds, ends)
    read = [r.with_values(tf.gather(pieces.values, r.values)) for r in (first, second)]
    return *read, tf.where(elsewhere, FROM_ELSEWHERE, FOLLOWS)
