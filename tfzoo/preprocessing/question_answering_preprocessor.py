"""Questions and contexts -> rows of token ids for finding answers, in the graph.

B questions, W windows of all contexts, N tokens of all contexts, T length of a row.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from tfzoo.preprocessing.sliding_windows import SlidingWindows, Windows


class QuestionRows(NamedTuple):
    """Windows of contexts behind their questions.

    Args:
        token_ids: ragged int32 (W, None), `[CLS] question [SEP] window of the context [SEP]`.
        segment_ids: ragged int32 (W, None), 0 up to the first `[SEP]`, then 1.
        first_place: int64 (W,), where in its row the window's first context token is.
        windows: the `Windows`; `windows.document` is the question of each row.
        starts: int32 (N,), the first character of each context token in its context.
        ends: int32 (N,), the character behind its last.
    """

    token_ids: tf.RaggedTensor
    segment_ids: tf.RaggedTensor
    first_place: tf.Tensor
    windows: Windows
    starts: tf.Tensor
    ends: tf.Tensor

    def inputs(self, first=0, limit=None):
        """The rows `first` to `limit` as a network takes them, padded to the longest of them.

        Returns:
            Dict of `token_ids` and `segment_ids` int32 and `padding_mask` bool, all (W, T).
        """
        token_ids = self.token_ids[first:limit]
        return {
            "token_ids": token_ids.to_tensor(),
            "segment_ids": self.segment_ids[first:limit].to_tensor(),
            "padding_mask": tf.sequence_mask(token_ids.row_lengths()),
        }

    def characters(self, rows, first_places, last_places):
        """From places in rows to places in contexts.

        Args:
            rows: int64 (B,), numbers of rows.
            first_places: int64 (B,), a place in each of these rows that holds a context token.
            last_places: int64 (B,), the same or a later one.

        Returns:
            `(starts, ends)`, int32 (B,): the first character of the first token in the context, and
            the character behind the last token. Of places without context they say nothing.
        """
        origin = tf.gather(self.windows.places.row_starts() - self.first_place, rows)
        # One more, for rows without any context.
        places = tf.pad(self.windows.places.flat_values, [[0, 1]])
        limit = tf.size(places, tf.int64) - 1
        first, last = (
            tf.gather(places, tf.clip_by_value(origin + place, 0, limit))
            for place in (first_places, last_places)
        )
        starts, ends = tf.pad(self.starts, [[0, 1]]), tf.pad(self.ends, [[0, 1]])
        return tf.gather(starts, first), tf.gather(ends, last)


@keras.saving.register_keras_serializable(package="tfzoo")
class QuestionAnsweringPreprocessor:
    """Makes rows and targets out of questions, contexts and answers.

    A context that is too long for one row is read in windows that overlap, each behind the whole
    question. The target of a row is its first and last token of the answer; in a row that does not
    hold all of the answer both are 0, the place of `[CLS]`.

    Args:
        tokenizer: a `WordPieceTokenizer`.
        long_documents: `SlidingWindows`, or a dict of its arguments; the window is the length T of
            a row.
        max_question_length: int, tokens after which a question is cut; None means 64, or half of
            the window where that is less.
    """

    def __init__(self, tokenizer, long_documents=None, max_question_length=None):
        windows = SlidingWindows.of(long_documents) or SlidingWindows(384, 128)
        if max_question_length is None:
            max_question_length = min(64, windows.window // 2)
        if not 1 <= max_question_length <= windows.window - 4:
            raise ValueError(
                "`max_question_length` must be at least 1 and leave room for three special tokens "
                f"and the context in a window of {windows.window}; received {max_question_length}."
            )
        self.tokenizer = tokenizer
        self.long_documents = windows
        self.max_question_length = max_question_length

    @property
    def sequence_length(self):
        """Tokens in the longest row, T."""
        return self.long_documents.window

    def __call__(self, questions, contexts):
        """Windows of contexts behind their questions.

        Args:
            questions: strings (B,).
            contexts: strings (B,).

        Returns:
            `QuestionRows`; those of one question follow each other.
        """
        questions = self.tokenizer.tokenize(questions)[:, : self.max_question_length]
        tokens, starts, ends = self.tokenizer.tokenize_with_offsets(contexts)
        windows = self.long_documents.split(tokens.row_lengths(), questions.row_lengths() + 3)

        def column(token_id):
            return tf.fill([tf.size(windows.document), 1], tf.constant(token_id, tf.int32))

        start, end = self.tokenizer.start_token_id, self.tokenizer.end_token_id
        asked = tf.gather(questions, windows.document)
        front = tf.concat([column(start), asked, column(end)], axis=1)
        back = tf.concat([windows.cut(tokens), column(end)], axis=1)
        return QuestionRows(
            token_ids=tf.concat([front, back], axis=1),
            segment_ids=tf.concat([tf.zeros_like(front), tf.ones_like(back)], axis=1),
            first_place=front.row_lengths(),
            windows=windows,
            starts=starts.values,
            ends=ends.values,
        )

    def targets(self, rows, answer_starts, answer_ends):
        """The answer's first and last token in each row.

        Args:
            rows: what `__call__` returned.
            answer_starts: int (B,), first character of the answer in the context.
            answer_ends: int (B,), the character behind its last; 0 where there is no answer.

        Returns:
            int64 (W, 2), places in the row; both 0 where it does not hold all of the answer.
        """
        windows = rows.windows
        document = tf.repeat(tf.range(tf.size(windows.num_tokens)), windows.num_tokens)
        begin = tf.gather(tf.cast(answer_starts, tf.int32), document)
        end = tf.gather(tf.cast(answer_ends, tf.int32), document)
        answer = tf.cast((rows.ends > begin) & (rows.starts < end), tf.int64)
        total = tf.math.unsorted_segment_sum(answer, document, tf.size(windows.num_tokens))
        total = tf.gather(total, windows.document)

        seen = windows.places.with_flat_values(tf.gather(answer, windows.places.flat_values))
        count = tf.reduce_sum(seen, axis=1)
        # The tokens of the answer follow each other: those in front of them have seen none of it.
        sums = tf.pad(tf.cumsum(seen.flat_values), [[1, 0]])
        sums_at_start = tf.repeat(tf.gather(sums, seen.row_starts()), seen.row_lengths())
        is_before = seen.with_flat_values(tf.cast(sums[1:] == sums_at_start, tf.int64))
        first = rows.first_place + tf.reduce_sum(is_before, axis=1)
        both = tf.stack([first, first + count - 1], axis=1)
        return tf.where(((count > 0) & (count == total))[:, None], both, 0)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "long_documents": self.long_documents.get_config(),
            "max_question_length": self.max_question_length,
        }

    @classmethod
    def from_config(cls, config):
        """Restores the preprocessor."""
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(**{**config, "tokenizer": tokenizer})
