"""What the model writes, while it learns."""

from collections.abc import Callable

import keras


class TextSamples(keras.callbacks.Callback):
    """Prints what the model makes of some prompts, after every epoch.

    Args:
        prompts: a string or a list of strings.
        max_new_tokens: int >= 1, tokens to write at most.
        print_line: called with one line of text at a time.
        **generation: further arguments of the model's `generate`; greedy without any. The same
            `seed` shows the same dice at every epoch.

    Example:
        ```python
        from tfzoo.callbacks import TextSamples

        samples = TextSamples("def ", max_new_tokens=40, temperature=0.8, seed=1)
        ```
    """

    def __init__(
        self,
        prompts: str | list[str],
        max_new_tokens: int = 64,
        print_line: Callable[[str], None] = print,
        **generation,
    ):
        super().__init__()
        self.prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        self.max_new_tokens = max_new_tokens
        self.print_line = print_line
        self.generation = generation

    def on_epoch_end(self, epoch, logs=None):
        """Writes and prints."""
        texts = self.model.generate(
            self.prompts, max_new_tokens=self.max_new_tokens, **self.generation
        )
        for text in texts:
            self.print_line(f"\n[after epoch {epoch + 1}] {text}")
