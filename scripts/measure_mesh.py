"""What each device holds of a model, by mesh: counted on the devices, not computed.

    python scripts/measure_mesh.py                   # GPT-2 small, twice as deep, on 1 to 4 devices
    python scripts/measure_mesh.py --num-layers 2 4  # smaller

The devices are logical CPUs; of GPUs the parts would be the same. Weights, and the two numbers that
AdamW keeps for each of them, are there between two steps; activations and gradients come on top.
"""

import argparse

import tfzoo

VOCABULARY_SIZE = 50_304
MESHES = [(1, 1), (2, 1), (1, 2), (2, 2), (1, 4)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num-layers", type=int, nargs="+", default=[12, 24])
    arguments = parser.parse_args()
    tfzoo.distribution.logical_cpus(4)
    print("| layers | parameters | mesh (data x model) | weights, MB a device | with AdamW, MB |")
    print("|---|---|---|---|---|")
    for num_layers in arguments.num_layers:
        for mesh in MESHES:
            print(row(num_layers, mesh), flush=True)


def row(num_layers, mesh):
    strategy = tfzoo.distribution.tensor_parallel(mesh)
    with strategy.scope():
        sizes = {**tfzoo.models.GPT_SMALL, "num_layers": num_layers}
        model = tfzoo.models.GPTCausalLM(tfzoo.models.GPTBackbone(VOCABULARY_SIZE, **sizes))
        model.compile()
    weights = max(strategy.bytes_per_device(model.variables))
    slots = max(strategy.bytes_per_device(model.optimizer.variables))
    numbers = f"{model.count_params() / 1e6:.1f} M", f"{mesh[0]} x {mesh[1]}"
    megabytes = (f"{size / 1e6:,.0f}" for size in (weights, weights + slots))
    return f"| {num_layers} | {' | '.join([*numbers, *megabytes])} |"


if __name__ == "__main__":
    main()
