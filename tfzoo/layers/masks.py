"""Who may look at whom, decided once per batch and shared by every layer.

B batch, T queries, S key slots. True = may attend, everywhere in tfzoo.
"""

import tensorflow as tf


def visible_slots(num_queries, num_slots, offset=0, padding_mask=None, document_ids=None):
    """Says which key slots each query of a causal decoder sees.

    Query `t` stands in slot `offset + t`. It sees the slots up to its own that hold a real token
    of its own document.

    Args:
        num_queries: int or scalar tensor, T.
        num_slots: int or scalar tensor, S.
        offset: int or scalar int32 tensor, slot of the first query; 0 without a cache.
        padding_mask: optional bool (B, S), True = real token.
        document_ids: optional int (B, S) with T = S, for rows that pack several documents;
            0 = padding.

    Returns:
        Bool tensor (B, T, S), or (1, T, S) when neither mask is given. A query in a padded slot
        may see nothing at all; `attention_penalty` keeps such rows finite.
    """
    queries = offset + tf.range(num_queries)
    visible = (tf.range(num_slots)[None, :] <= queries[:, None])[None]
    if padding_mask is not None:
        visible = visible & tf.expand_dims(tf.cast(padding_mask, tf.bool), 1)
    if document_ids is not None:
        visible = visible & same_document(document_ids)
    return visible


def same_document(document_ids):
    """Whether two tokens are of one document: int (B, T) -> bool (B, T, T)."""
    # Not by `[:, None]`: DTensor takes tensors that lie on several devices apart wrongly by it.
    return tf.expand_dims(document_ids, 2) == tf.expand_dims(document_ids, 1)


def attention_penalty(visible, dtype):
    """Turns a mask into numbers to subtract from attention logits.

    Args:
        visible: bool tensor (B or 1, T, S), True = may attend.
        dtype: floating dtype of the logits.

    Returns:
        Tensor (B or 1, 1, T, S): 0 where visible, elsewhere a large finite number. Finite so that a
        row that sees nothing becomes uniform instead of NaN.
    """
    hidden = tf.constant(3e4 if dtype == "float16" else 1e9, dtype)
    return tf.expand_dims(tf.where(visible, tf.zeros([], dtype), hidden), 1)
