"""What `tfzoo demo` shows, and where; the page itself is tested in tests/demo and tests/browser."""

import pytest

import tfzoo
from tfzoo.cli.demo import NEEDED, demo
from tfzoo.demo import server


@pytest.fixture
def shown(monkeypatch):
    """Settings that the page was started with."""
    shown = []

    async def run(settings):
        shown.append(settings)

    monkeypatch.setattr(server, "run", run)
    return shown


def test_bundles_are_shown_as_they_are_and_models_are_exported(shown, monkeypatch, tmp_path):
    exported = []
    monkeypatch.setattr(tfzoo, "export_bundle", lambda *given: exported.append(given))
    monkeypatch.setattr(tfzoo.models.Task, "from_preset", lambda folder: f"from {folder}")
    for name in ("run", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    demo([f"{tmp_path}/bundle", f"{tmp_path}/run/", f"x={tmp_path}/other"], port=7)
    (settings,) = shown
    assert (settings.host, settings.rest_port) == ("127.0.0.1", 7)
    places = [place for _, place in exported]
    assert [model for model, _ in exported] == [f"from {tmp_path}/run", f"from {tmp_path}/other"]
    assert settings.bundles == (f"{tmp_path}/bundle", f"run={places[0]}", f"x={places[1]}")
    assert not places[0].parent.exists()


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(NEEDED, "no_such_module", "no-such-package")
    with pytest.raises(ValueError, match="needs no-such-package: run `pip install 'tfzoo.demo.'`"):
        demo(["bundle"], port=0)
