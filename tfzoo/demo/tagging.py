"""The tab of a model that finds entities: names of people, places and the like."""

import gradio as gr

from tfzoo.demo.engine import Engine

HELP = "See which words of a text the model takes for names, and of what."


async def tag(engine: Engine, text: str) -> list[tuple[str, str | None]]:
    """A text in pieces, each with the name of its entity, or None between entities."""
    outputs = await engine.run("tag", text=[text])
    count = int(outputs["num_entities"][0])
    columns = (outputs[name][0][:count] for name in ("start", "end", "label", "score"))
    pieces, place = [], 0
    for start, end, label, score in sorted(zip(*columns, strict=True)):
        pieces.append((text[place:start], None))
        pieces.append((text[start:end], f"{label.decode()} {score:.2f}"))
        place = end
    pieces.append((text[place:], None))
    return [piece for piece in pieces if piece[0]]


def tab(engine: Engine) -> None:
    """Lays out the tab."""
    gr.Markdown(HELP)
    text = gr.Textbox(label="Text", lines=6, autofocus=True)
    button = gr.Button("Find names", variant="primary")
    found = gr.HighlightedText(label="Names", interactive=False)

    async def run(text):
        return await tag(engine, text)

    gr.on([button.click, text.submit], run, text, found)
