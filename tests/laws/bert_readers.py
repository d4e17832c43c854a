"""What the laws have to know of BERT's question answerer and its text embedder."""

import numpy as np
import tensorflow as tf

from tfzoo.losses import ContrastiveLoss
from tfzoo.models import BertBackbone, BertQuestionAnswerer, BertTextEmbedder
from tfzoo.preprocessing import (
    QuestionAnsweringPreprocessor,
    SlidingWindows,
    TextClassifierPreprocessor,
    WordPieceTokenizer,
)

LENGTH = 11
WORDS = "who what ann bo cy di sang fell ran ate .".split()


def bert_parts(dropout, dtype):
    """V 16, L 2, H 3, K 6, D 18, F 29."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    backbone = BertBackbone(
        len(tokens), 2, 3, 18, 29, dropout=dropout, max_sequence_length=23, dtype=dtype
    )
    return backbone, WordPieceTokenizer(tokens)


def question_answerer(dropout=0.0, dtype="float32"):
    """Contexts in windows of 11 tokens."""
    backbone, tokenizer = bert_parts(dropout, dtype)
    return BertQuestionAnswerer(
        backbone, QuestionAnsweringPreprocessor(tokenizer, SlidingWindows(LENGTH, 3), 5)
    )


def encoder_inputs(rng, rows, shortest=1):
    lengths = rng.integers(shortest, LENGTH + 1, rows)
    real = np.arange(LENGTH) < lengths[:, None]
    return lengths, {
        "token_ids": rng.integers(5, 16, (rows, LENGTH)).astype("int32") * real,
        "segment_ids": (np.arange(LENGTH) > rng.integers(1, 5, (rows, 1))).astype("int32") * real,
        "padding_mask": real,
    }


def question_batch(rng, rows):
    lengths, x = encoder_inputs(rng, rows, shortest=5)
    targets = rng.integers(0, lengths[:, None], (rows, 2)).astype("int64")
    return x, targets, rng.uniform(0.5, 2, rows).astype("float32")


def mean_answer_loss(model, x, targets, weights):
    """The two cross-entropies as logarithms of shares, half each."""
    exponentials = tf.exp(model(x)) * tf.cast(x["padding_mask"], tf.float32)[:, None]
    shares = exponentials / tf.reduce_sum(exponentials, axis=2, keepdims=True)
    right = tf.reduce_sum(shares * tf.one_hot(targets, LENGTH), axis=2)
    losses = -tf.math.log(right[:, 0] * right[:, 1]) / 2
    return tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)


def untrained_answer_loss(model):
    """Every place of a row is as likely as the others."""
    x, _, weights = question_batch(np.random.default_rng(1729), 17)
    return np.average(np.log(x["padding_mask"].sum(axis=1)), weights=weights)


def served_answers(model):
    questions = ["Who sang?", "what", "Who?"]
    contexts = ["Ann sang. Bo fell. Cy ran. Di ate.", "", "Di"]
    found = model.answer(questions, contexts)
    outputs = {key: np.array([getattr(one, key) for one in found]) for key in found[0]._fields}
    return {"answer": ({"question": questions, "context": contexts}, outputs)}


ANSWER_SIGNATURES = {
    "answer": (
        {"question": ("string", (None,)), "context": ("string", (None,))},
        {
            "text": ("string", (None,)),
            "start": ("int32", (None,)),
            "end": ("int32", (None,)),
            "score": ("float32", (None,)),
        },
    )
}


def text_embedder(dropout=0.0, dtype="float32"):
    """Texts in windows of 7 tokens."""
    backbone, tokenizer = bert_parts(dropout, dtype)
    preprocessor = TextClassifierPreprocessor(tokenizer, LENGTH)
    return BertTextEmbedder(backbone, preprocessor, long_documents=SlidingWindows(7, 2))


def compile_embedder(model, optimizer, max_gradient_norm=None, **switches):
    model.compile(
        optimizer(), ContrastiveLoss(0.3), max_gradient_norm=max_gradient_norm, **switches
    )


def pair_batch(rng, rows):
    """Pairs, some of which share a text."""
    x = {side: encoder_inputs(rng, rows)[1] for side in ("first", "second")}
    text_ids = np.stack([rng.permutation(rows) // 2, 100 + rng.permutation(rows)], axis=1)
    return x, text_ids.astype("int32"), rng.uniform(0.5, 2, rows).astype("float32")


def served_vectors(model):
    texts = ["Ann sang", "", "Ann sang. Bo fell. Cy ran. Di ate."]
    return {"embed": ({"text": texts}, {"vector": model.embed(texts)})}


QUESTION_ANSWERER = dict(
    build=question_answerer,
    steepness=2.0,  # two numbers for each row, not one for each token
    batch=question_batch,
    serve=served_answers,
    signatures=ANSWER_SIGNATURES,
    mean_loss=mean_answer_loss,
    untrained_loss=untrained_answer_loss,
    noise=lambda rng, targets: rng.integers(0, 5, targets.shape),
)
# Its loss couples the examples of a batch: tests of its own prove the formula of a step.
TEXT_EMBEDDER = dict(
    build=text_embedder,
    steepness=6.0,  # small differences of similar vectors, divided by the temperature
    batch=pair_batch,
    serve=served_vectors,
    signatures={"embed": ({"text": ("string", (None,))}, {"vector": ("float32", (None, 18))})},
    compile=compile_embedder,
    inputs=lambda rng, rows: encoder_inputs(rng, rows)[1],
)
