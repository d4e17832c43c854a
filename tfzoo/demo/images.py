"""The tab of a model that draws: images from nothing, and the way from one to another."""

import math
import secrets

import gradio as gr
import numpy as np

from tfzoo.demo.engine import Engine

HELP = (
    "The model draws images that nobody has made. The same seed draws the same image, here and "
    "below."
)
HELP_WALK = (
    "Two seeds stand for two points of a space in which every point is an image: go from one to "
    "the other, and move the slider to stop on the way."
)
SIGNATURE = "generate_from_latent"
SIDE, STRIP_SIDE = 640, 1080  # pixels of a picture's width, about
GAP = 1  # pixels of the model between images
STEPS = 33  # images between which the slider moves
STRIP = 9  # of them that are shown side by side
ANY = "any"


async def grow(engine: Engine, label: str, seed: int, count: int) -> np.ndarray:
    """Draws images into one picture, uint8 (height, width, channels).

    Args:
        engine: of the model.
        label: number of the class, or "any"; without effect where there are no classes.
        seed: of all images; below 0 it is another each time.
        count: how many images.
    """
    seed = secrets.randbits(31) if seed < 0 else seed
    latents = latents_of(seed, count, latent_dim(engine))
    samples = await draw(engine, latents, labels_of(engine, label, seed, count))
    return tile(samples, math.ceil(math.sqrt(count)))


async def walk(engine: Engine, label: str, a: int, b: int) -> list[np.ndarray]:
    """Draws the images on the way from the first of seed `a` to the first of seed `b`."""
    ends = [latents_of(seed, 1, latent_dim(engine))[0] for seed in (a, b)]
    latents = slerp(*ends, np.linspace(0, 1, STEPS))
    # One class for the whole way.
    labels = labels_of(engine, label, a, 1)
    samples = await draw(engine, latents, None if labels is None else labels * STEPS)
    return list(samples)


async def draw(engine: Engine, latents: np.ndarray, labels: list[int] | None) -> np.ndarray:
    """Samples (n, H, W, C) in [-1, 1] of latents (n, Z)."""
    given = {} if labels is None else {"labels": labels}
    return (await engine.run(SIGNATURE, latents=latents, **given))["samples"]


def latents_of(seed: int, n: int, dim: int) -> np.ndarray:
    """Normal random numbers (n, dim) of a seed; the first row is the same for any n."""
    return np.random.default_rng(seed % 2**32).standard_normal((n, dim), "float32")


def labels_of(engine: Engine, label: str, seed: int, n: int) -> list[int] | None:
    """The class of each of n images; None where there are no classes."""
    if "labels" not in engine.description.signatures[SIGNATURE].inputs:
        return None
    if label != ANY:
        return [int(label)] * n
    return np.random.default_rng([seed % 2**32, 1]).integers(num_classes(engine), size=n).tolist()


def slerp(a: np.ndarray, b: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Points (S, Z) on the great circle from a to b, where latents are dense; shares (S,)."""
    cosine = np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
    angle = max(np.arccos(np.clip(cosine, -1, 1)), 1e-6)
    shares = shares[:, None]
    points = np.sin((1 - shares) * angle) * a + np.sin(shares * angle) * b
    return (points / np.sin(angle)).astype("float32")


def tile(samples: np.ndarray, columns: int, side: int = SIDE) -> np.ndarray:
    """Samples (n, H, W, C) in [-1, 1], row by row in one picture, about `side` pixels wide."""
    n, height, width, channels = samples.shape
    rows, height, width = -(-n // columns), height + GAP, width + GAP
    pixels = np.full((rows * columns, height, width, 3 if channels == 1 else channels), 255, "u1")
    pixels[:n, GAP:, GAP:] = np.rint((samples + 1) * 127.5).clip(0, 255)
    grid = pixels.reshape(rows, columns, *pixels.shape[1:]).swapaxes(1, 2)
    grid = grid.reshape(rows * height, columns * width, -1)[GAP:, GAP:]
    # Pixels stay pixels: a browser would blur them.
    scale = max(1, side // grid.shape[1])
    return grid.repeat(scale, 0).repeat(scale, 1)


def latent_dim(engine: Engine) -> int:
    """Z."""
    return engine.description.signatures[SIGNATURE].inputs["latents"].shape[1]


def num_classes(engine: Engine) -> int:
    """How many classes the bundle says there are; without a word, the first alone is certain."""
    return engine.description.limits.get("num_classes", 1)


def tab(engine: Engine) -> None:
    """Lays out the tab."""
    has_classes = "labels" in engine.description.signatures[SIGNATURE].inputs
    names = [ANY, *map(str, range(num_classes(engine) if has_classes else 0))]
    gr.Markdown(HELP)
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            label = gr.Dropdown(names, label="Class", visible=has_classes)
            count = gr.Slider(1, engine.max_rows, 36, step=1, label="Images")
            seed = gr.Number(-1, label="Seed", info="-1 for another each time.", precision=0)
            button = gr.Button("Grow images", variant="primary")
        with gr.Column(scale=3):
            picture = image("grown")

    async def run(*values):
        return await grow(engine, *values)

    button.click(run, [label, seed, count], picture)
    lay_out_walk(engine, label)


def lay_out_walk(engine: Engine, label) -> None:
    """The lower half of the tab."""
    gr.Markdown(HELP_WALK)
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            a = gr.Number(1, label="From seed", precision=0)
            b = gr.Number(2, label="To seed", precision=0)
            button = gr.Button("Walk", variant="primary")
        with gr.Column(scale=3):
            strip = image("strip")
            place = gr.Slider(0, STEPS - 1, STEPS // 2, step=1, label="Place on the way")
            here = image("here", height=280)
    way = gr.State()

    async def run(label, a, b, place):
        samples = await walk(engine, label, a, b)
        chosen = np.stack(samples[:: (STEPS - 1) // (STRIP - 1)])
        return samples, tile(chosen, STRIP, STRIP_SIDE), stop_at(samples, place)

    button.click(run, [label, a, b, place], [way, strip, here])
    place.change(stop_at, [way, place], here, show_progress="hidden")


def stop_at(way: list[np.ndarray] | None, place: int) -> np.ndarray | None:
    """One image of a way, large; none before there is a way."""
    return None if way is None else tile(way[place][None], 1)


def image(name: str, **arguments) -> gr.Image:
    """A place for a picture that is only looked at; a label would hide a part of it."""
    look = dict(format="png", interactive=False, show_label=False, buttons=[])
    return gr.Image(elem_classes=name, **look, **arguments)
