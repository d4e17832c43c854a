"""The tab of a model that says what kind of text a text is."""

import gradio as gr

from tfzoo.demo.engine import Engine

HELP = "See which class the model puts a text into, and how sure it is."
SHOWN = 10  # classes, the most probable


async def classify(engine: Engine, text: str) -> dict[str, float]:
    """`{class: probability}` of a text."""
    outputs = await engine.run("classify", text=[text])
    (shares,) = outputs["probabilities"]
    return dict(zip(engine.description.class_names, map(float, shares), strict=True))


def tab(engine: Engine) -> None:
    """Lays out the tab."""
    gr.Markdown(HELP)
    with gr.Row():
        with gr.Column():
            text = gr.Textbox(label="Text", lines=8, autofocus=True)
            button = gr.Button("Classify", variant="primary")
        classes = gr.Label(num_top_classes=SHOWN, label="Classes")

    async def run(text):
        return await classify(engine, text)

    gr.on([button.click, text.submit], run, text, classes)
