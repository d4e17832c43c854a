"""The page: a tab for each model."""

import gradio as gr

from tfzoo.demo import answering, classifying, filling, images, searching, tagging, writing
from tfzoo.demo.engine import Engine
from tfzoo.serving.service import Service

TABS = {
    "generation": writing.tab,
    "masked_lm": filling.tab,
    "classification": classifying.tab,
    "tokens": tagging.tab,
    "answers": answering.tab,
    "embedding": searching.tab,
    "images": images.tab,
}
TITLE = "tfzoo"
GREETING = (
    "# tfzoo\nEach tab is a model that runs on this machine; what you type stays on it. Models are "
    "small and make things up: trust nothing that you have not checked."
)
# Fonts of the visitor's own machine: others would have to be fetched.
THEME = gr.themes.Default(
    primary_hue="teal",
    neutral_hue="slate",
    font=["ui-sans-serif", "system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)


def create_page(service: Service) -> gr.Blocks:
    """Lays out the page for the models of a service that has been started.

    Raises:
        ValueError: if a bundle does not say that its task is one of `TABS`.
    """
    with gr.Blocks(analytics_enabled=False, title=TITLE) as page:
        gr.Markdown(GREETING)
        with gr.Tabs():
            for name in service.models:
                engine = Engine(service, name)
                lay_out = find_tab(name, engine.description.task)
                with gr.Tab(name):
                    lay_out(engine)
    # The engine has a queue of its own, and puts together what comes at the same time.
    page.queue(default_concurrency_limit=None)
    return page


def find_tab(name: str, task: str | None):
    """What lays out the tab of a task."""
    if task not in TABS:
        raise ValueError(
            f"The tfzoo.json of a bundle must name a task, one of {', '.join(TABS)}; that of "
            f"{name!r} names {task}. Export it with `tfzoo export`."
        )
    return TABS[task]
