import keras
import numpy as np

from tfzoo.callbacks import TextSamples


class Parrot(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.requests = []

    def call(self, x):
        return self.dense(x)

    def generate(self, prompts, **options):
        self.requests.append(options)
        return [f"{prompt} {prompt}" for prompt in prompts]


def fit(samples, epochs):
    model = Parrot()
    model.compile("sgd", "mse")
    model.fit(np.ones((6, 3)), np.ones((6, 1)), epochs=epochs, verbose=0, callbacks=[samples])
    return model


def test_every_prompt_is_continued_after_every_epoch():
    lines = []
    fit(TextSamples(["tick", "tock"], print_line=lines.append), epochs=2)
    assert lines == [
        "\n[after epoch 1] tick tick",
        "\n[after epoch 1] tock tock",
        "\n[after epoch 2] tick tick",
        "\n[after epoch 2] tock tock",
    ]


def test_one_prompt_and_options():
    lines = []
    samples = TextSamples("tick", max_new_tokens=5, print_line=lines.append, top_k=3, seed=7)
    model = fit(samples, epochs=1)
    assert lines == ["\n[after epoch 1] tick tick"]
    assert model.requests == [{"max_new_tokens": 5, "top_k": 3, "seed": 7}]
