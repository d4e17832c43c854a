"""Beam search: the likeliest whole text among those that a few hypotheses reach.

B texts, W beams, S slots, V vocabulary.
"""

import dataclasses

import tensorflow as tf

from tfzoo.samplers.logit_filters import NEVER


@dataclasses.dataclass(frozen=True)
class BeamSearch:
    """Keeps the `num_beams` best hypotheses of each text.

    A hypothesis is ranked by `log p / length ** length_penalty`, length counting its own tokens.
    One that has written a stop token is frozen: it keeps its score and competes with the others to
    the end, but writes nothing more.

    Args:
        num_beams: int >= 1, W; 1 is greedy decoding.
        length_penalty: float, 0 ranks by probability, larger values favour longer texts.

    Source: Sutskever et al. 2014, section 3.2; the penalty as in Wu et al. 2016, section 7, without
    its constants.
    """

    num_beams: int = 4
    length_penalty: float = 1.0

    def __post_init__(self):
        if self.num_beams < 1:
            raise ValueError(f"`num_beams` must be 1 or more; received {self.num_beams}.")

    def decode(self, network, draft, num_tokens, stop_token_ids):
        """Writes up to `num_tokens` tokens.

        Args:
            network: as in `tfzoo.samplers.decode`, on B * W rows.
            draft: `Draft` of B * W rows, each text W times in a row, alike.
            num_tokens: int or scalar tensor.
            stop_token_ids: int32 (N,).

        Returns:
            The `Draft` of B * W rows, best beam of each text first.
        """
        num_rows = tf.shape(draft.token_ids)[0]
        num_texts = num_rows // self.num_beams
        # All beams are alike at first; only one may count, or the search would keep W copies.
        first = tf.one_hot(0, self.num_beams, 0.0, NEVER)
        scores = tf.tile(first[None], [num_texts, 1])
        lengths = tf.zeros([num_texts, self.num_beams], tf.int32)
        last = draft.index + num_tokens

        def unfinished(draft, scores, lengths):
            return (draft.index < last) & ~tf.reduce_all(draft.finished)

        def write_one(draft, scores, lengths):
            newest = tf.gather(draft.token_ids, [draft.index], axis=1)
            logits, memory = network(newest, draft.memory)
            log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32))
            parents, token, scores, lengths = self._extend(
                log_probs, scores, lengths, draft.finished
            )
            draft = tf.nest.map_structure(
                lambda x: tf.gather(x, parents) if x.shape.rank else x,
                draft._replace(memory=memory),
            )
            log_prob = tf.gather(tf.gather(log_probs, parents), token, batch_dims=1)
            draft = draft.append(token, log_prob, stop_token_ids)
            return draft, scores, lengths

        draft, scores, lengths = tf.while_loop(unfinished, write_one, (draft, scores, lengths))
        return draft

    def _extend(self, log_probs, scores, lengths, finished):
        """The W best continuations of each text: their parents' rows, tokens, scores, lengths."""
        vocabulary_size = tf.shape(log_probs)[-1]
        shape = [-1, self.num_beams, vocabulary_size]
        done = tf.reshape(finished, [-1, self.num_beams, 1])
        # A frozen hypothesis continues only as itself: token 0 stands for that and is not written.
        itself = tf.one_hot(0, vocabulary_size, 0.0, NEVER)
        extended = scores[:, :, None] + tf.where(done, itself, tf.reshape(log_probs, shape))
        new_lengths = lengths[:, :, None] + tf.where(done, 0, 1)
        rank = extended / tf.cast(tf.maximum(new_lengths, 1), tf.float32) ** self.length_penalty

        num_texts = tf.shape(scores)[0]
        best = tf.math.top_k(tf.reshape(rank, [num_texts, -1]), self.num_beams).indices
        beam, token = best // vocabulary_size, best % vocabulary_size
        scores = tf.gather(tf.reshape(extended, [num_texts, -1]), best, batch_dims=1)
        lengths = tf.gather(new_lengths[:, :, 0], beam, batch_dims=1)
        parents = beam + self.num_beams * tf.range(num_texts)[:, None]
        return tf.reshape(parents, [-1]), tf.reshape(token, [-1]), scores, lengths
