"""Sizes of the networks, and what they ask of a machine.

L layers, D hidden_dim, T length, V vocabulary.
"""

# Width, depth and rows as in nanoGPT's README for a CPU and for a small GPU, and GPT-2 small.
NANO = dict(vocabulary_size=65, num_layers=4, num_heads=4, hidden_dim=128, length=64)
MINI = dict(vocabulary_size=65, num_layers=6, num_heads=6, hidden_dim=384, length=256)
SMALL = dict(vocabulary_size=50257, num_layers=12, num_heads=12, hidden_dim=768, length=256)
# For raw texts: a vocabulary that suits a corpus of some megabytes.
MINI_TEXT = {**MINI, "vocabulary_size": 4096}
TINY = dict(vocabulary_size=512, num_layers=2, num_heads=2, hidden_dim=64, length=64)


def name(shape):
    return f"{shape['num_layers']}x{shape['hidden_dim']}"


def matrix_weights(shape):
    """Weights that every token is multiplied by: 12 L D² in the blocks, V D in the head."""
    width = shape["hidden_dim"]
    return (12 * shape["num_layers"] * width + shape["vocabulary_size"]) * width


def training_operations(shape):
    """Operations of one token's step: 2 per weight forwards, 4 backwards, and attention."""
    attention = 12 * shape["num_layers"] * shape["length"] * shape["hidden_dim"]
    return 6 * matrix_weights(shape) + attention


def writing_bytes(shape, dtype, batch_size):
    """Bytes of weights that are read for each new token when a batch is written at once."""
    return matrix_weights(shape) * {"float32": 4, "bfloat16": 2}[dtype] / batch_size


def gan_operations(base_dim):
    """Operations for one image of a DCGAN step at 28x28, discriminator's and generator's update.

    A network's forward pass is its large convolution, 16 x 7² x 2 B² products, alike in both, and
    the small ones. Forwards: both for the discriminator's fake, one for its real image, both for
    the generator. Backwards twice as much: by inputs and weights, but where only one is wanted.
    """
    forward = 2 * 16 * 49 * 2 * base_dim**2
    discriminator = forward + 2 * forward + 2 * 2 * forward
    generator = 2 * forward + forward + 2 * forward
    return discriminator + generator
