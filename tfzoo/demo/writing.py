"""The tab of a model that writes: a text goes on while one looks."""

import secrets
from collections.abc import AsyncIterator

import gradio as gr

from tfzoo.demo.engine import Engine

HELP = (
    "Type the beginning of a text, and let the model go on. What it writes is added where you "
    "typed, so that you can change it, and let it go on from there."
)
DEFAULT_LENGTH = 256  # where a bundle does not say how much fits


async def go_on(
    engine: Engine,
    text: str,
    length: int,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
) -> AsyncIterator[str]:
    """Yields a text with more and more behind it.

    Args:
        engine: of the model.
        text: the beginning.
        length: tokens to write at most.
        temperature: 0 always takes the likeliest token, 1 draws as the model has learned.
        top_k: 0, or how many of the likeliest tokens may be drawn.
        top_p: probability of those that may be drawn, the likeliest first; 1 for all.
        seed: the same one writes the same text; below 0 it is another each time.
    """
    seed = secrets.randbits(31) if seed < 0 else seed
    settings = dict(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    async for piece in engine.write(text, max_new_tokens=length, **settings):
        text += piece
        yield text


def tab(engine: Engine) -> None:
    """Lays out the tab."""
    limit = engine.description.limits.get("max_sequence_length", DEFAULT_LENGTH)
    gr.Markdown(HELP)
    with gr.Row():
        with gr.Column(scale=3):
            text = gr.Textbox(
                label="Text",
                lines=16,
                max_lines=16,
                placeholder="The beginning of a text.",
                autofocus=True,
            )
            with gr.Row():
                write = gr.Button("Write", variant="primary")
                stop = gr.Button("Stop")
                undo = gr.Button("Take back")
        with gr.Column(scale=1, min_width=260):
            settings = controls(limit)

    async def run(*values):
        async for longer in go_on(engine, *values):
            yield longer

    before = gr.State("")
    # Kept first, so that it can be taken back; stopped or not.
    kept = write.click(lambda text: text, text, before, show_progress="hidden")
    writing = kept.then(run, [text, *settings], text, show_progress="minimal")
    stop.click(None, cancels=writing)
    undo.click(lambda before: before, before, text, cancels=writing, show_progress="hidden")


def controls(limit: int) -> list:
    """The settings, in the order of `go_on`."""
    return [
        gr.Slider(1, limit, min(128, limit), step=1, label="Length", info="Tokens, at most."),
        gr.Slider(0, 2, 0.8, step=0.05, label="Temperature", info="Low is careful, high is bold."),
        gr.Slider(
            0, 100, 0, step=1, label="Top k", info="Only so many likeliest tokens; 0 for all."
        ),
        gr.Slider(
            0.05, 1, 0.95, step=0.05, label="Top p", info="Only tokens that together reach it."
        ),
        gr.Number(-1, label="Seed", info="-1 for another each time.", precision=0),
    ]
