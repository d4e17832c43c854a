"""Trains a small GPT on the source of Python's standard library, lets it write, and exports it.

python scripts/quickstart.py     # about three minutes on two cores
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import tfzoo
from tfzoo.optimizers import MuonAdamW, WarmupCosine

FOLDER = Path("runs/quickstart")
PICTURE, PRESET, SAVED_MODEL = FOLDER / "loss.png", FOLDER / "preset", FOLDER / "saved_model"
PROMPTS = ["def ", "class "]
STEPS = 1000


def train():
    print("Learning a vocabulary from the source of Python's standard library ...", flush=True)
    corpus = tfzoo.data.python_stdlib()
    tokenizer = tfzoo.preprocessing.BytePairTokenizer.train(corpus.train, vocabulary_size=2048)
    preprocessor = tfzoo.preprocessing.CausalLMPreprocessor(tokenizer, sequence_length=128)
    backbone = tfzoo.models.GPTBackbone(
        tokenizer.vocabulary_size,
        **tfzoo.models.GPT_NANO,
        **tfzoo.models.MODERN,
        dtype=tfzoo.distribution.fastest_dtype(),
    )
    model = tfzoo.models.GPTCausalLM(backbone, preprocessor)
    # From nothing Muon gets farther in three minutes than AdamW, which `compile()` would take.
    model.compile(MuonAdamW(WarmupCosine(0.02), adam_lr_ratio=0.2))
    model.fit(
        corpus.train,
        validation_data=corpus.validation,
        batch_size=16,
        steps_per_epoch=STEPS,
        callbacks=[tfzoo.callbacks.LossCurve(PICTURE)],
    )
    return model


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    model = train()

    print("\nWhat it writes:\n")
    for text in model.generate(PROMPTS, max_new_tokens=60, temperature=0.8, top_p=0.9, seed=1):
        print(text, end="\n\n")

    model.save_to_preset(PRESET)
    tfzoo.export(model, SAVED_MODEL)
    print("The same from the exported model, in a process without tfzoo and Keras:\n", flush=True)
    program = Path(__file__).with_name("call_saved_model.py")
    subprocess.run([sys.executable, program, SAVED_MODEL, *PROMPTS], check=True)

    programs = os.path.relpath(Path(sys.executable).parent)
    print(f"Loss curve       {PICTURE}  (the loss in the bar above is the mean of the whole run)")
    print(f"Model, to go on  {PRESET}")
    print(f"Model, to serve  {SAVED_MODEL}\n")
    print("To go on from here:\n")
    print(f"  {programs}/tfzoo generate {PRESET} 'import ' --temperature 0.8 --top-p 0.9")
    print(f"  {programs}/saved_model_cli show --dir {SAVED_MODEL} --all")


if __name__ == "__main__":
    main()
