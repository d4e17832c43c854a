import pytest

from tfzoo.callbacks import peak


@pytest.mark.parametrize(
    ("seconds_of_a_product", "expected"),
    # Twice 512³ multiplications and additions; or three doublings later, when it takes long enough.
    [(1.0, 2 * 2 * 512**3 / 1.0), (1e-4, 2 * 2 * 4096**3 / (1e-4 * 512))],
)
def test_products_grow_until_they_can_be_timed(monkeypatch, seconds_of_a_product, expected):
    monkeypatch.setattr(peak, "_products", lambda size, dtype: size)
    monkeypatch.setattr(peak, "_seconds", lambda size: seconds_of_a_product * (size / 512) ** 3)
    assert peak.measure_peak("float32") == pytest.approx(expected)


def test_a_machine_computes(monkeypatch):
    monkeypatch.setattr(peak, "SECONDS_TO_MEASURE", 0)
    assert 1e8 < peak.measure_peak("float32") < 1e16
