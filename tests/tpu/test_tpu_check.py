"""Every model of the zoo compiles with the TPU's compiler; what does not is named."""

import importlib.util
import re
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.laws.zoo import ZOO
from tfzoo.cli import main
from tfzoo.distribution import compile_for_tpu, lower_to_hlo

MIB = 2**20


@pytest.mark.parametrize("entry", ZOO, ids=lambda entry: entry.name)
def test_every_train_step_compiles(entry):
    model = entry.build(dropout=0.1) if entry.drops else entry.build()
    entry.compile(model, lambda: keras.optimizers.Adam(1e-3), max_gradient_norm=1.0)
    batch = tf.nest.map_structure(tf.constant, entry.batch(np.random.default_rng(0), rows=8))
    program = compile_for_tpu(lower_to_hlo(model.train_step, batch), "v5e")
    weights = 4 * sum(np.prod(variable.shape) for variable in model.trainable_variables)
    # Reads at least the weights, and writes them and two averages of Adam.
    assert program.bytes_moved > 4 * weights
    assert program.fits and program.memory > 3 * weights


def test_operations_and_memory_are_those_of_the_program():
    a, b = tf.zeros([512, 256]), tf.zeros([256, 1024])
    hlo = lower_to_hlo(tf.matmul, a, b)
    programs = {chip: compile_for_tpu(hlo, chip) for chip in ("v5e", "v6e")}
    for program in programs.values():
        np.testing.assert_allclose(program.operations, 2 * 512 * 256 * 1024, rtol=0.02)
        arrays = 4 * (512 * 256 + 256 * 1024 + 512 * 1024)
        assert arrays <= program.memory < arrays + 4 * MIB
    assert programs["v6e"].limit == 2 * programs["v5e"].limit


def test_what_a_tpu_does_not_have_is_named():
    with pytest.raises(ValueError, match="A TPU has no AsString, which is an operation of the pro"):
        lower_to_hlo(tf.strings.as_string, tf.ones([3]))


def test_shapes_that_depend_on_values_are_refused():
    hlo = lower_to_hlo(lambda x: tf.boolean_mask(x, x > 0), tf.ones([5]))
    with pytest.raises(ValueError, match="must be known before it runs; received .*stablehlo.gath"):
        compile_for_tpu(hlo, "v5e")


def test_a_program_that_is_far_too_large_is_refused():
    hlo = lower_to_hlo(lambda x: tf.sort(tf.matmul(x, x, transpose_b=True)), tf.ones([10**5, 1]))
    with pytest.raises(ValueError, match="must fit into the 16 GiB of a v5e: compute in bfloat16"):
        compile_for_tpu(hlo, "v5e")


def test_other_chips_and_a_missing_compiler_are_refused(monkeypatch):
    hlo = lower_to_hlo(tf.tanh, tf.ones([3]))
    with pytest.raises(ValueError, match="`chip` must be one of v5e, v6e; received 'v1'"):
        compile_for_tpu(hlo, "v1")
    with pytest.raises(ValueError, match="The compiler for v5e refuses the program: .*Error"):
        compile_for_tpu(b"no HLO", "v5e")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"jax and libtpu is not: `pip install tfzoo\[tpu-check\]"):
        compile_for_tpu(hlo, "v5e")


def test_the_command_prints_a_row_for_each_program(monkeypatch, capsys):
    options = "--size tiny --length 16 --batch-size 2 --vocabulary-size 300 --chip v6e --recompute"
    monkeypatch.setattr(sys, "argv", ["tfzoo", "check-tpu", "bert", *options.split()])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    printed = capsys.readouterr().out
    assert "it was not run on a TPU" in printed
    assert printed.count("v6e") == printed.count("yes") == 2
    monkeypatch.setattr(sys, "argv", ["tfzoo", "check-tpu", "gpt", "--size", "huge"])
    with pytest.raises(SystemExit):
        main()
    assert re.search("`size` must be one of .*nano.*; received 'huge'", capsys.readouterr().err)


def test_gpt_writes_on_a_tpu_and_gan_draws(monkeypatch, capsys):
    for family, options in {
        "gpt": "--size nano --length 16 --batch-size 2 --vocabulary-size 300",
        "gan": "--base-dim 2 --batch-size 4",
    }.items():
        monkeypatch.setattr(
            sys, "argv", ["tfzoo", "check-tpu", family, "--chip", "v5e", *options.split()]
        )
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        assert capsys.readouterr().out.count("yes") == 2
