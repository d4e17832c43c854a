"""The process of the server: `python -P tfzoo/serving/__main__.py '{"bundles": ["bundle"]}'`.

It is a process of its own, with one room of the house: neither the models nor Keras can be
imported here. A token comes as TFZOO_TOKEN, for arguments are seen by everybody on a machine.
"""

import asyncio
import json
import logging
import os
import pathlib
import sys
import types


def main(arguments: str) -> None:
    """Serves by settings in JSON; what is wrong with them is said in one sentence, status 2."""
    house = types.ModuleType("tfzoo")
    house.__path__ = [str(pathlib.Path(__file__).resolve().parent.parent)]
    sys.modules.update({"tfzoo": house, "tfzoo.models": None, "keras": None})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    from tfzoo.serving.server import run
    from tfzoo.serving.settings import Settings

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("tfzoo.serving").setLevel(logging.INFO)
    try:
        settings = Settings(**json.loads(arguments), token=os.environ.pop("TFZOO_TOKEN", None))
        asyncio.run(run(settings))
    except (OSError, TypeError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1])
