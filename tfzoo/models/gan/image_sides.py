"""How an image grows from a few pixels, and shrinks to them again."""

from tfzoo.models.arguments import require_dims

SMALLEST = 4


def doublings(image_shape):
    """How often the smallest image is doubled to become one of this shape.

    Sides are halved while both are even and stay at 4 or more: 28 is 7 doubled twice, 32 is 4
    doubled thrice.

    Args:
        image_shape: tuple of int (H, W, C).

    Returns:
        `((height, width), number)`: the smallest image, and the number of doublings, at least 1.

    Raises:
        ValueError: if no doubling of at most 7 pixels gives a side.
    """
    require_dims(rank=3, image_shape=image_shape)
    height, width, _ = image_shape
    number = 0
    while height % 2 == width % 2 == 0 and min(height, width) >= 2 * SMALLEST:
        height, width, number = height // 2, width // 2, number + 1
    if number == 0 or max(height, width) >= 2 * SMALLEST:
        raise ValueError(
            "The sides of `image_shape` must be 4, 5, 6 or 7 doubled at least once, such as 28 or "
            f"a power of two from 8; received {tuple(image_shape)}. Resize the images."
        )
    return (height, width), number
