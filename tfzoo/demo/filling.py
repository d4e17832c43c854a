"""The tab of a model that guesses hidden words."""

import gradio as gr

from tfzoo.demo.bars import bars
from tfzoo.demo.engine import Engine

HELP = "Hide words of a text behind `[MASK]`, and see what the model would put there."
EXAMPLE = "The capital of France is [MASK]."


async def fill(engine: Engine, text: str, top_k: int) -> str:
    """HTML with guesses for each hidden word of a text, the most probable first."""
    outputs = await engine.run("fill_mask", text=[text], top_k=top_k)
    count = int(outputs["count"][0])
    if not count:
        return bars([], "There is no [MASK] in the text.")
    return "".join(
        bars(
            [
                (token.decode(errors="replace"), float(share))
                for token, share in zip(tokens, shares, strict=True)
            ],
            f"Word {number} of {count}" if count > 1 else "",
        )
        for number, (tokens, shares) in enumerate(
            zip(outputs["tokens"][0][:count], outputs["probabilities"][0][:count], strict=True), 1
        )
    )


def tab(engine: Engine) -> None:
    """Lays out the tab."""
    gr.Markdown(HELP)
    text = gr.Textbox(EXAMPLE, label="Text", lines=3)
    top_k = gr.Slider(1, 20, 5, step=1, label="Guesses")
    button = gr.Button("Fill", variant="primary")
    guesses = gr.HTML(container=True, padding=True)

    async def run(*values):
        return await fill(engine, *values)

    gr.on([button.click, text.submit], run, [text, top_k], guesses)
