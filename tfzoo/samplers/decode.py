"""The loop that writes: run the network on the last token, choose the next, write it down.

B rows, S slots, V vocabulary.
"""

from typing import Any, NamedTuple

import tensorflow as tf


class Draft(NamedTuple):
    """A batch of texts being written, all of them up to the same slot.

    Attributes:
        token_ids: int32 (B, S); prompts stand at the left, padded so that they end together.
        written: bool (B, S), the slots that hold a token, of prompt or continuation.
        log_probs: float32 (B, S), log-probability of each chosen token under the network.
        finished: bool (B,), rows that have written a stop token.
        index: scalar int32, the last slot written.
        memory: whatever the network carries from token to token.
    """

    token_ids: tf.Tensor
    written: tf.Tensor
    log_probs: tf.Tensor
    finished: tf.Tensor
    index: tf.Tensor
    memory: Any

    def append(self, token, log_prob, stop_token_ids):
        """Writes `token` (B,) and its `log_prob` (B,) into the next slot of unfinished rows."""
        slots = tf.range(tf.shape(self.token_ids)[1])[None]
        here = (slots == self.index + 1) & ~self.finished[:, None]
        stop_token_ids = tf.convert_to_tensor(stop_token_ids, tf.int32)
        is_stop = tf.reduce_any(token[:, None] == stop_token_ids[None], axis=1)
        return self._replace(
            token_ids=tf.where(here, token[:, None], self.token_ids),
            written=self.written | here,
            log_probs=tf.where(here, log_prob[:, None], self.log_probs),
            finished=self.finished | is_stop,
            index=self.index + 1,
        )


def decode(network, sampler, draft, num_tokens, stop_token_ids, seed):
    """Writes up to `num_tokens` more tokens; stops early when every row is finished.

    Args:
        network: callable `(token_ids (B, 1), memory) -> (logits (B, V), memory)`.
        sampler: a `Sampler`.
        draft: the `Draft` to continue.
        num_tokens: int or scalar tensor; must fit into the slots that are left.
        stop_token_ids: int32 (N,); N may be 0. The stop token itself is written.
        seed: int32 (2,). A draft written in several calls equals one written in one.

    Returns:
        The continued `Draft`.
    """
    last = draft.index + num_tokens

    def unfinished(draft):
        return (draft.index < last) & ~tf.reduce_all(draft.finished)

    def write_one(draft):
        newest = tf.gather(draft.token_ids, [draft.index], axis=1)
        logits, memory = network(newest, draft.memory)
        step_seed = tf.random.experimental.stateless_fold_in(seed, draft.index, alg="philox")
        token = sampler(logits, draft.token_ids, draft.written, step_seed)
        log_prob = -tf.nn.sparse_softmax_cross_entropy_with_logits(
            token, tf.cast(logits, tf.float32)
        )
        return (draft._replace(memory=memory).append(token, log_prob, stop_token_ids),)

    (draft,) = tf.while_loop(unfinished, write_one, (draft,))
    return draft
