"""A bundle that is served: its versions, and how a new one takes over."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import pathlib
import re

from tfzoo.serving.refusal import Refusal
from tfzoo.serving.version import Version

log = logging.getLogger("tfzoo.serving")


class Model:
    """The newest versions of a bundle, side by side.

    Args:
        bundle: `FOLDER` or `NAME=FOLDER`; the folder holds numbered versions, or is one.
        num_versions: how many are kept, of those that can be loaded.
        warm_up_rows: of a `Version`.

    Raises:
        ValueError: if the name cannot stand in an address, or there is no version.
    """

    def __init__(self, bundle: str, num_versions: int = 1, warm_up_rows: int = 1):
        name, _, folder = bundle.rpartition("=")
        self.folder = pathlib.Path(folder).resolve()
        self._only = self.folder if (self.folder / "saved_model.pb").exists() else None
        numbered = self._only is not None and self.folder.name.isdecimal()
        self.name = name or (self.folder.parent.name if numbered else self.folder.name)
        self._num_versions, self._warm_up_rows = num_versions, warm_up_rows
        self._versions: dict[int, Version] = {}
        self._in_flight: dict[Version, int] = {}
        self._failures: dict[int, tuple[frozenset, str]] = {}
        self.loading: set[int] = set()
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", self.name):
            raise ValueError(
                "A model's name must be letters, digits, `_`, `.` and `-`; received "
                f"{self.name!r}: name it as in NAME=FOLDER."
            )
        if not self._folders():
            raise ValueError(
                f"`bundles` must be folders with numbered SavedModels, as {self.folder}/1; "
                f"{self.folder} has none."
            )

    @contextlib.contextmanager
    def use(self, number: int | None = None):
        """Lends a version, the newest by default; it is not freed before it comes back."""
        if not self._versions:
            raise Refusal(503, f"Model {self.name!r} is not loaded; try again later.")
        number = max(self._versions) if number is None else number
        if number not in self._versions:
            served = ", ".join(map(str, sorted(self._versions)))
            raise Refusal(404, f"Model {self.name!r} has version {served}; received {number}.")
        version = self._versions[number]
        self._in_flight[version] += 1
        try:
            yield version
        finally:
            self._in_flight[version] -= 1
            self._free(version)

    def states(self) -> dict[int, tuple[str, str]]:
        """`{number: (state, error)}`, the states as TensorFlow Serving calls them."""
        leaving = [version.number for version in self._in_flight]
        failed = {number: ("END", error) for number, (_, error) in self._failures.items()}
        return {
            **failed,
            **dict.fromkeys(self.loading.copy(), ("LOADING", "")),
            **dict.fromkeys(leaving, ("UNLOADING", "")),
            **dict.fromkeys(self._versions, ("AVAILABLE", "")),
        }

    async def refresh(self) -> None:
        """Loads versions that are new, aside, and lets go those that are too old or gone."""
        folders = await asyncio.to_thread(self._folders)
        keep, tried = [], []
        # The newest that can be loaded: for one that cannot, the next older one stands in.
        for number in sorted(folders, reverse=True):
            if len(keep) == self._num_versions:
                break
            tried.append(number)
            if number in self._versions or await self._load(number, folders[number]):
                keep.append(number)
        # Nothing is let go for a version that does not load, or for a folder that is empty now.
        for number in set(self._versions) - set(keep) if keep else ():
            log.info("%s: version %d leaves", self.name, number)
            self._free(self._versions.pop(number))
        self._failures = {n: failure for n, failure in self._failures.items() if n in tried}

    def _folders(self):
        if self._only is not None:
            number = int(self._only.name) if self._only.name.isdecimal() else 1
            return {number: self._only}
        with contextlib.suppress(OSError):
            return {
                int(entry.name): entry
                for entry in self.folder.iterdir()
                if re.fullmatch("[0-9]{1,18}", entry.name) and (entry / "saved_model.pb").exists()
            }
        return {}

    async def _load(self, number, folder):
        """Whether it is loaded; what did not load is not tried again before it changes."""
        changed = await asyncio.to_thread(fingerprint, folder)
        if self._failures.get(number, (None,))[0] == changed:
            return False
        # With what XLA compiles it may take a while.
        print(f"loading {self.name}/{number} ...", flush=True)
        try:
            version = await asyncio.to_thread(self._load_version, number, folder)
        except ValueError as error:
            self._failures[number] = changed, str(error)
            log.error("%s: %s", self.name, error)
            return False
        self._failures.pop(number, None)
        self._versions[number], self._in_flight[version] = version, 0
        log.info("%s: version %d is served", self.name, number)
        return True

    def _load_version(self, number, folder):
        """In a thread, which goes on to the end whoever stops to wait for it."""
        self.loading.add(number)
        try:
            version = Version(folder, self._warm_up_rows)
            give_back_memory()  # a tenth of it is what XLA needed to compile
            return version
        finally:
            self.loading.discard(number)

    def _free(self, version):
        """Frees what nobody uses and nobody will be lent."""
        if self._in_flight[version] == 0 and version not in self._versions.values():
            del self._in_flight[version]
            # A SavedModel refers to itself; the caller still holds it until the next turn.
            with contextlib.suppress(RuntimeError):
                loop = asyncio.get_running_loop()
                loop.call_soon(loop.run_in_executor, None, give_back_memory)


def fingerprint(folder):
    """Equal as long as no file in a folder changes: one that is being copied is not complete."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return frozenset((path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


def give_back_memory():
    """Frees what is not referred to any more; the C library would keep it for later otherwise."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library than that of GNU
        ctypes.CDLL("libc.so.6").malloc_trim(0)
