"""The tab of a model that finds the answer to a question in a document."""

import gradio as gr

from tfzoo.demo.engine import Engine

HELP = (
    "Paste a document of any length, and ask. The answer is a place in the document: the model "
    "says nothing that does not stand there."
)


async def answer(
    engine: Engine, question: str, document: str
) -> tuple[str, list[tuple[str, str | None]]]:
    """A sentence that says the answer, and the document in pieces, the answer named as such."""
    outputs = await engine.run("answer", question=[question], context=[document])
    start, end = int(outputs["start"][0]), int(outputs["end"][0])
    score = float(outputs["score"][0])
    if start == end:
        return f"The document does not say ({score:.2f}).", [(document, None)]
    pieces = [
        (document[:start], None),
        (document[start:end], f"answer {score:.2f}"),
        (document[end:], None),
    ]
    return document[start:end], [piece for piece in pieces if piece[0]]


def tab(engine: Engine) -> None:
    """Lays out the tab."""
    gr.Markdown(HELP)
    with gr.Row():
        with gr.Column():
            document = gr.Textbox(label="Document", lines=14, max_lines=14)
            question = gr.Textbox(label="Question", autofocus=True)
            button = gr.Button("Ask", variant="primary")
        with gr.Column():
            said = gr.Textbox(label="Answer", interactive=False)
            place = gr.HighlightedText(label="Where it stands", interactive=False)

    async def run(*values):
        return await answer(engine, *values)

    gr.on([button.click, question.submit], run, [question, document], [said, place])
