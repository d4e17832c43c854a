"""A picture of the loss, or of several."""

import os
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from tfzoo.callbacks.place import require_place, written_aside

FORMATS = (".png", ".svg", ".pdf")
PLAYERS = ("generator_loss", "discriminator_loss")
FINE_INTERVALS = 600
COARSE_INTERVALS = 60
PLUNGE = 20  # one part in so many at the start of a run


class LossCurve(keras.callbacks.Callback):
    """Draws the loss over the steps of a run, anew after every epoch.

    A faint line shows how the training loss scatters, a strong one its course, and dots the
    validation loss; several losses have a colour each. Keras reports the mean since the beginning
    of the epoch; the lines are means of short intervals, which follow from it where every batch
    weighs the same. Of the epochs before an interruption `Resume` knows the means, which are drawn.

    Args:
        path: where the picture goes: a name that ends in .png, .svg or .pdf. Missing folders are
            made, an older picture is replaced.
        names: what to draw, as the model logs it; None means "loss" or, of a GAN, the losses of
            its two players.

    Raises:
        ValueError: if `path` has another ending, or the model logs no such loss.

    Example:
        ```python
        import keras
        import numpy as np
        from tfzoo.callbacks import LossCurve

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = np.ones((20, 3)), np.ones((20, 1))
        model.fit(x, y, batch_size=2, verbose=0, callbacks=[LossCurve("runs/loss.png")])
        ```
    """

    # Keras may then report steps from other threads and need not wait for each one's numbers.
    async_safe = True

    def __init__(self, path: str | os.PathLike, names: tuple[str, ...] | None = None):
        super().__init__()
        self.path, self._wanted = Path(path), names
        self.names = tuple(names or ("loss",))
        if self.path.suffix not in FORMATS:
            raise ValueError(
                f"`path` must end in one of {', '.join(FORMATS)}; received {str(path)!r}."
            )
        self._steps, self._logs = {}, {}  # by the number of the epoch

    def on_train_begin(self, logs=None):
        """Forgets the run before; looks at once whether the picture can be written."""
        self._steps, self._logs = {}, {}
        require_place(self.path)

    def on_epoch_begin(self, epoch, logs=None):
        """Begins a new running mean, as Keras does."""
        self._steps[epoch] = []

    def on_train_batch_end(self, batch, logs=None):
        """Notes the number of steps in this epoch and their mean loss."""
        if self._wanted is None and PLAYERS[0] in logs:
            self.names = PLAYERS
        missing = [name for name in self.names if name not in logs]
        if missing:
            raise ValueError(
                f"`names` must be among what the model logs, {', '.join(logs)}; received "
                f"{missing[0]!r}."
            )
        rows = next(reversed(self._steps.values()))
        rows.append((batch + 1, *(logs[name] for name in self.names)))

    def on_epoch_end(self, epoch, logs=None):
        """Draws the run so far."""
        if epoch and not self._logs:
            past = self.model.history
            for place, number in enumerate(past.epoch):
                self._logs[number] = {name: values[place] for name, values in past.history.items()}
        self._logs[epoch] = logs or {}
        if any(self._steps.values()):
            self._save(self.figure())

    def figure(self) -> Figure:
        """Returns the curve as a `matplotlib.figure.Figure`, to show in a notebook."""
        if not any(self._steps.values()):
            raise ValueError("There is no loss to draw yet: pass this callback to `fit` first.")
        figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
        axes = figure.add_subplot(xlabel="step", ylabel="loss")
        seen = []
        for number, name in enumerate(self.names):
            seen += self._draw(axes, number, name)
        axes.set_ylim(*_limits(*seen))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        return figure

    def _draw(self, axes, number, name):
        """Draws one loss, and returns its values: in training, and in validation."""
        colour = f"C{2 * number}"
        title = "training" if len(self.names) == 1 else name.replace("_", " ")
        steps, losses = self._intervals(FINE_INTERVALS, number)
        axes.plot(steps, losses, color=colour, alpha=0.3, linewidth=0.8)
        steps, losses = self._intervals(COARSE_INTERVALS, number)
        axes.plot(steps, losses, color=colour, linewidth=2, label=f"{title} {losses[-1]:.3f}")
        dots = self._validation(name)
        if dots.size:
            title = "validation" if len(self.names) == 1 else f"validation, {title}"
            label = f"{title} {dots[1, -1]:.3f}"
            axes.plot(*dots, "o", color=f"C{2 * number + 1}", label=label)
        return losses, dots[1]

    def _epochs(self):
        """Of each epoch the numbers of steps with the means by then, and what it ended with."""
        length = max(steps for rows in self._steps.values() for steps, *_ in rows)
        for number in sorted({*self._logs, *self._steps}):
            rows, logs = self._steps.get(number), self._logs.get(number, {})
            if not rows and {*self.names} <= {*logs}:  # it was before an interruption
                rows = [(length, *(logs[name] for name in self.names))]
            yield rows or [], logs

    def _validation(self, name):
        dots, end = [], 0
        for rows, logs in self._epochs():
            end += max(rows, default=(0,))[0]
            dots += [(end, logs[f"val_{name}"])] if f"val_{name}" in logs else []
        return np.array(dots).reshape(-1, 2).T

    def _intervals(self, most, number):
        """Steps and mean losses of about `most` intervals or fewer, each placed at its middle."""
        epochs = [rows for rows, _ in self._epochs() if rows]
        share = most / sum(map(len, epochs))
        middles, losses, begin = [], [], 0
        for rows in epochs:
            rows = [(0,) * (len(self.names) + 1), *sorted(rows)]
            counts, means = np.array(rows, "float64")[:, [0, number + 1]].T
            num_intervals = int(np.clip(len(means) * share, 1, len(means) - 1))
            ends = np.linspace(0, len(means) - 1, num_intervals + 1).astype(int)
            counts, totals = counts[ends], (counts * means)[ends]
            middles.append(begin + (counts[1:] + counts[:-1]) / 2)
            losses.append(np.diff(totals) / np.diff(counts))
            begin += counts[-1]
        return np.concatenate(middles), np.concatenate(losses)

    def _save(self, figure):
        with written_aside(self.path) as aside:
            figure.savefig(aside)


def _limits(*curves):
    """Limits without the plunge of the first steps, which would flatten all the rest."""
    seen = np.concatenate([losses[len(losses) // PLUNGE :] for losses in curves])
    seen = seen[np.isfinite(seen)]
    if not seen.size:
        return None, None
    margin = 0.1 * (seen.max() - seen.min()) or 0.1
    return seen.min() - margin, seen.max() + margin
