"""The built-in images: scanned digits that come with scikit-learn."""

import numpy as np

from tfzoo.data.images import ImageCorpus, Images, split_images


def digits(validation: float = 0.0, test: float = 0.2, seed: int = 0) -> ImageCorpus:
    """1,797 handwritten digits of 8x8 pixels, which scikit-learn brings along.

    Real scans that every machine with this package has, small enough to train on in a minute. The
    source counts dark pixels in blocks, 0 to 16; here 16 is 255.

    Args:
        validation: Share of the images for validation, in [0, 1).
        test: Share of the images for testing, in [0, 1). The two sum to less than 1.
        seed: Integer. Another seed is another split, see `split_images`.

    Returns:
        An `ImageCorpus`: images uint8 (N, 8, 8, 1), labels from 0 to 9.

    Source: Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository (CC BY 4.0); the test set, from 13 writers.

    Example:
        >>> digits().train
        Images(1,414 images of 8x8x1, uint8, 10 classes)
    """
    # Not at the top: scikit-learn takes a second that only these images need.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    names = tuple(map(str, bunch.target_names))
    return split_images(
        Images(pixels, bunch.target.astype(np.int32), names), validation, test, seed
    )
