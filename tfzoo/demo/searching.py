"""The tab of a model that compares texts by what they mean."""

import gradio as gr
import numpy as np

from tfzoo.demo.bars import bars
from tfzoo.demo.engine import Engine

HELP = "Paste texts, one a line, and search them by what they mean: no word needs to be the same."
MAX_LINES = 2000


async def search(engine: Engine, query: str, texts: str, count: int) -> str:
    """HTML with the lines that are closest to a query, and the cosine of the angle to each."""
    lines = list(dict.fromkeys(line.strip() for line in texts.splitlines() if line.strip()))
    if not lines or len(lines) > MAX_LINES:
        raise gr.Error(
            f"Texts must have from 1 to {MAX_LINES} lines; there are {len(lines)}.",
            print_exception=False,
        )
    vectors = await embed(engine, [query, *lines])
    closeness = vectors[1:] @ vectors[0]
    order = np.argsort(-closeness, kind="stable")[:count]
    return bars([(lines[place], float(closeness[place])) for place in order], wide=True)


async def embed(engine: Engine, texts: list[str]) -> np.ndarray:
    """Unit vectors (n, D) of texts, as many at once as the engine takes."""
    step = engine.max_rows
    parts = [texts[first : first + step] for first in range(0, len(texts), step)]
    return np.concatenate([(await engine.run("embed", text=part))["vector"] for part in parts])


def tab(engine: Engine) -> None:
    """Lays out the tab."""
    gr.Markdown(HELP)
    with gr.Row():
        with gr.Column():
            texts = gr.Textbox(label="Texts", lines=14, max_lines=14, placeholder="One a line.")
            query = gr.Textbox(label="Search for", autofocus=True)
            count = gr.Slider(1, 50, 5, step=1, label="Lines to show")
            button = gr.Button("Search", variant="primary")
        found = gr.HTML(container=True, padding=True)

    async def run(*values):
        return await search(engine, *values)

    gr.on([button.click, query.submit], run, [query, texts, count], found)
