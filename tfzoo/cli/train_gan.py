"""`tfzoo train gan`: images from nothing, with or without classes."""

import enum
from typing import Annotated

import typer

from tfzoo.cli import train_options as options
from tfzoo.cli.evaluate import distances
from tfzoo.cli.run_folder import RunFolder
from tfzoo.cli.sources import check, read

SAMPLES = 100  # images of the picture that is drawn after each epoch


class Networks(enum.StrEnum):
    """Which networks play."""

    DCGAN = "dcgan"
    MLP = "mlp"


def gan(
    context: typer.Context,
    data: options.Data,
    run: options.Run,
    networks: Annotated[Networks, typer.Option(help="Convolutions, or layers of all pixels.")] = (
        Networks.DCGAN
    ),
    base_dim: Annotated[int, typer.Option(min=1, help="Channels of the DCGAN.")] = 32,
    latent_dim: Annotated[int, typer.Option(min=1, help="Numbers that an image comes from.")] = 64,
    classes: Annotated[bool, typer.Option(help="Learn them where images have labels.")] = True,
    epochs: options.Epochs = 20,
    steps: options.Steps = None,
    checkpoint_steps: options.CheckpointSteps = options.CHECKPOINT_STEPS,
    batch_size: options.BatchSize = 64,
    learning_rate: Annotated[
        float, typer.Option(min=options.LEAST_RATE, help="Of both players.")
    ] = 1e-3,
    dtype: options.Dtype = "float32",
    seed: options.Seed = 0,
    held_out: options.HeldOut = 0.1,
    image_size: options.ImageSize = None,
    profile: options.Profile = False,
    data_dir: options.DataDir = None,
    licence: options.Licence = None,
) -> None:
    """Train a GAN on images of one size, into a run folder."""
    # TensorFlow takes seconds to import: only who trains waits for it.
    import keras

    from tfzoo import data as sources
    from tfzoo.callbacks import ImageGrid

    check("images", data)
    folder = RunFolder(run, "gan", context.params)
    folder.end_if_finished()
    images = sources.Images(*read("images", data, data_dir=data_dir, image_size=image_size))
    train, _, test = sources.split_images(images, validation=0.0, test=held_out)
    num_classes = images.num_classes if classes else None
    keras.utils.set_random_seed(seed)
    model = build(networks, train.images.shape[1:], num_classes, base_dim, latent_dim, dtype)
    compile_players(model, learning_rate)
    labels = None if num_classes is None else [n % num_classes for n in range(SAMPLES)]
    folder.fit(
        model,
        (train.images, train.labels) if num_classes else (train.images,),
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        profile=profile,
        callbacks=[
            ImageGrid(folder.folder / "samples.png", SAMPLES, labels, columns=num_classes or 10)
        ],
    )
    scores = distances(model, test.images, test.labels) if len(test.images) > 1 else {}
    facts = {name: str(part) for name, part in (("train", train), ("test", test))}
    folder.finish(model, {"source": data, **facts}, scores)


def build(networks, shape, num_classes, base_dim, latent_dim, dtype):
    """Two networks for images of a shape."""
    from tfzoo import models

    form = dict(num_classes=num_classes, dtype=dtype)
    if networks is Networks.MLP:
        pair = (
            models.MLPGenerator(shape, **models.MLP_GAN["generator"], **form),
            models.MLPDiscriminator(**models.MLP_GAN["discriminator"], **form),
        )
    else:
        form |= dict(base_dim=base_dim, batch_norm=True)
        pair = models.DCGANGenerator(shape, **form), models.DCGANDiscriminator(shape, **form)
    return models.GAN(*pair, latent_dim=latent_dim, num_classes=num_classes)


def compile_players(model, learning_rate):
    """What the recipes of the digits and of Fashion-MNIST share: R3GAN's loss and penalties."""
    import keras

    from tfzoo import losses

    players = [keras.optimizers.Adam(learning_rate, 0.0, 0.99) for _ in range(2)]
    model.compile(
        *players,
        loss=losses.Relativistic(),
        regularizers=[losses.R1(0.5), losses.R2(0.5)],
        generator_average=0.998,
        jit_compile=False,
    )
