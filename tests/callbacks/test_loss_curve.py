import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from tfzoo.callbacks import LossCurve, Resume
from tfzoo.models import GPTBackbone, GPTCausalLM

PNG_HEADER = b"\x89PNG\r\n\x1a\n"


def report(curve, epochs, validation=()):
    """Tells a curve the running means of these losses, epoch by epoch, as Keras does."""
    curve.on_train_begin()
    for epoch, losses in enumerate(epochs):
        curve.on_epoch_begin(epoch)
        for step in range(len(losses)):
            curve.on_train_batch_end(step, {"loss": float(np.mean(losses[: step + 1]))})
        logs = {"val_loss": validation[epoch]} if validation else {}
        curve.on_epoch_end(epoch, logs)


def lines_of(curve):
    return [np.array(line.get_data()) for line in curve.figure().axes[0].lines]


def test_lines_show_the_loss_of_each_step(tmp_path):
    curve = LossCurve(tmp_path / "loss.png")
    report(curve, [[7.0, 5.0, 6.0], [3.0, 4.0, 2.0, 1.0]])
    fine, coarse = lines_of(curve)
    assert_allclose(fine[1], [7, 5, 6, 3, 4, 2, 1])
    assert_allclose(fine[0], np.arange(7) + 0.5)
    assert_allclose(coarse, fine)


def test_long_runs_are_shown_as_means_of_intervals(tmp_path):
    curve = LossCurve(tmp_path / "loss.png")
    losses = np.random.default_rng(3).uniform(1, 9, size=(2, 6000))
    curve.on_train_begin()
    for epoch in range(2):
        curve.on_epoch_begin(epoch)
        means = np.cumsum(losses[epoch]) / np.arange(1, 6001)
        for step, mean in enumerate(means):
            curve.on_train_batch_end(step, {"loss": mean})
    fine, coarse = lines_of(curve)
    assert_allclose(fine[1], losses.reshape(600, 20).mean(1))
    assert_allclose(coarse[1], losses.reshape(60, 200).mean(1))
    assert_allclose(coarse[0], np.arange(100, 12000, 200))


def test_losses_are_those_of_fit(tmp_path):
    x = np.random.default_rng(5).normal(size=(14, 3)).astype("float32")
    y = np.random.default_rng(7).normal(size=(14, 1)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    curve = LossCurve(tmp_path / "loss.png")
    model.fit(
        x,
        y,
        batch_size=2,
        epochs=2,
        shuffle=False,
        verbose=0,
        validation_data=(x[:5], y[:5]),
        callbacks=[curve],
    )
    squares = (x @ model.get_weights()[0] - y) ** 2
    fine, _, dots = lines_of(curve)
    assert_allclose(fine[1], np.tile(squares.reshape(7, 2).mean(1), 2), rtol=1e-4)
    assert_allclose(dots, [[7, 14], [squares[:5].mean()] * 2], rtol=1e-5)


def test_several_steps_per_execution_count_as_several(tmp_path):
    curve = LossCurve(tmp_path / "loss.png")
    curve.on_train_begin()
    curve.on_epoch_begin(0)
    curve.on_train_batch_end(2, {"loss": 5.0})
    curve.on_train_batch_end(5, {"loss": 4.0})
    fine = lines_of(curve)[0]
    assert_allclose(fine, [[1.5, 4.5], [5.0, 3.0]])


def test_reports_may_come_out_of_order(tmp_path):
    curve = LossCurve(tmp_path / "loss.png")
    curve.on_train_begin()
    curve.on_epoch_begin(0)
    for step, mean in [(1, 6.0), (0, 7.0), (2, 5.0)]:
        curve.on_train_batch_end(step, {"loss": mean})
    assert_allclose(lines_of(curve)[0][1], [7.0, 5.0, 3.0])


def test_a_new_run_starts_a_new_curve(tmp_path):
    curve = LossCurve(tmp_path / "loss.png")
    report(curve, [[7.0, 5.0]])
    report(curve, [[3.0]], validation=[2.5])
    fine, _, dots = lines_of(curve)
    assert_allclose(fine, [[0.5], [3.0]])
    assert_allclose(dots, [[1], [2.5]])


def test_limits_leave_out_the_plunge_and_nothing_else(tmp_path):
    curve = LossCurve(tmp_path / "loss.png")
    report(curve, [[1000.0] + [5.0] * 18 + [3.0]], validation=[7.0])
    low, high = curve.figure().axes[0].get_ylim()
    assert_allclose([low, high], [3 - 0.4, 7 + 0.4])


def test_legend_names_the_last_values(tmp_path):
    curve = LossCurve(tmp_path / "loss.png")
    report(curve, [[7.0], [5.0]], validation=[4.0, 3.25])
    texts = [text.get_text() for text in curve.figure().axes[0].get_legend().get_texts()]
    assert texts == ["training 5.000", "validation 3.250"]


def test_picture_is_written_in_a_new_folder_and_replaced(tmp_path):
    path = tmp_path / "runs" / "first" / "loss.png"
    curve = LossCurve(path)
    report(curve, [[7.0, 5.0]])
    first = path.read_bytes()
    report(curve, [[7.0, 5.0, 3.0]])
    assert first.startswith(PNG_HEADER)
    assert path.read_bytes().startswith(PNG_HEADER)
    assert path.read_bytes() != first
    assert [file.name for file in path.parent.iterdir()] == ["loss.png"]


def test_failed_writing_keeps_the_older_picture_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "loss.png"
    curve = LossCurve(path)
    report(curve, [[7.0, 5.0]])
    older = path.read_bytes()

    def cut_off(figure, file, **options):
        file.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", cut_off)
    with pytest.raises(OSError, match="No space left"):
        report(curve, [[3.0]])
    assert path.read_bytes() == older
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("epochs", [[], [[]], [[], []]])
def test_nothing_to_draw_writes_nothing(tmp_path, epochs):
    report(LossCurve(tmp_path / "loss.png"), epochs)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("losses", [[np.nan, np.nan], [5.0, np.nan], [2.0], [0.0, 0.0]])
def test_strange_losses_are_drawn_all_the_same(tmp_path, losses):
    report(LossCurve(tmp_path / "loss.png"), [losses])
    assert (tmp_path / "loss.png").read_bytes().startswith(PNG_HEADER)


@pytest.mark.parametrize(("name", "header"), [("loss.svg", b"<?xml"), ("loss.pdf", b"%PDF")])
def test_other_formats(tmp_path, name, header):
    report(LossCurve(tmp_path / name), [[7.0, 5.0]])
    assert (tmp_path / name).read_bytes().startswith(header)


def test_no_figure_before_the_first_step():
    with pytest.raises(ValueError, match="pass this callback to `fit` first"):
        LossCurve("loss.png").figure()


def test_unknown_format():
    with pytest.raises(ValueError, match=r"`path` must end in .*\.png.*received 'loss\.txt'"):
        LossCurve("loss.txt")


def test_two_losses_have_a_colour_and_a_name_each(tmp_path):
    curve = LossCurve(tmp_path / "loss.png", names=("generator_loss", "discriminator_loss"))
    curve.on_train_begin()
    curve.on_epoch_begin(0)
    for step, means in enumerate([(7.0, 1.0), (6.0, 2.0)]):
        logs = dict(zip(curve.names, means, strict=True), loss=99.0)
        curve.on_train_batch_end(step, logs)
    curve.on_epoch_end(0, {"val_discriminator_loss": 2.5, "val_loss": 99.0})
    values = [line[1].tolist() for line in lines_of(curve)]
    assert values == [[7, 5], [7, 5], [1, 3], [1, 3], [2.5]]
    axes = curve.figure().axes[0]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == [
        "generator loss 5.000",
        "discriminator loss 3.000",
        "validation, discriminator loss 2.500",
    ]
    colours = [line.get_color() for line in axes.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3] != colours[4]
    assert (tmp_path / "loss.png").read_bytes().startswith(PNG_HEADER)


def test_a_loss_that_is_not_logged_is_named():
    curve = LossCurve("loss.png", names=("generator_loss", "critic_loss"))
    curve.on_train_begin()
    curve.on_epoch_begin(0)
    with pytest.raises(ValueError, match="what the model logs, loss, .*; received 'critic_loss'"):
        curve.on_train_batch_end(0, {"loss": 1.0, "generator_loss": 2.0})


def test_a_resumed_run_is_drawn_from_its_beginning(tmp_path):
    def train(epochs):
        keras.utils.set_random_seed(2)
        batches = tf.data.Dataset.from_tensors(({"token_ids": [1, 2, 3]}, [2, 3, 4])).repeat(6)
        backbone = GPTBackbone(9, num_layers=1, num_heads=1, hidden_dim=4)
        model = GPTCausalLM(backbone)
        model.compile("sgd")
        curve = LossCurve(tmp_path / "loss.png")
        model.fit(
            batches.batch(2),
            validation_data=batches.batch(2),
            epochs=epochs,
            verbose=0,
            callbacks=[Resume(tmp_path / "checkpoints", 100), curve],
        )
        return lines_of(curve), model.history.history

    train(2)
    (fine, coarse, dots), history = train(4)
    assert_allclose(fine[0][:3], [1.5, 4.5, 6.5])  # two epochs of three steps, then single ones
    assert_allclose(fine[1][:2], history["loss"][:2])
    assert_allclose(fine[0][-1], 11.5)
    assert_allclose(dots, [[3, 6, 9, 12], history["val_loss"]])
