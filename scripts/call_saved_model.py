"""Calls an exported model as a server would: with TensorFlow alone.

    python scripts/call_saved_model.py runs/quickstart/saved_model "def " "class "

Neither tfzoo nor Keras can be imported here.
"""

import importlib.util
import sys
from pathlib import Path

sys.modules["tfzoo"] = sys.modules["keras"] = None  # from here on, importing them fails

import tensorflow as tf  # noqa: E402

# `import tensorflow_text` would add the tokenizer's operations too, but it imports Keras itself.
package = Path(importlib.util.find_spec("tensorflow_text").origin).parent
for library in package.glob("python/ops/*.so"):
    tf.load_op_library(str(library))


def main(folder, *prompts):
    generate = tf.saved_model.load(folder).signatures["generate"]
    outputs = generate(
        text=tf.constant(prompts),
        max_new_tokens=tf.constant(60),
        temperature=tf.constant(0.8),
        top_k=tf.constant(0),
        top_p=tf.constant(0.9),
        seed=tf.constant(1),
    )
    for text in outputs["text"].numpy():
        print(text.decode(errors="replace"), end="\n\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
