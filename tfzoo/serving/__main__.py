"""The process of the server: `python -P tfzoo/serving/__main__.py '{"bundles": ["bundle"]}'`.

With a second argument, `{"replicas": 2}`, Ray Serve starts such processes. Each is a process of its
own, with one room of the house: neither the models nor Keras can be imported here. A token comes as
TFZOO_TOKEN, for arguments are seen by everybody on a machine.
"""

import asyncio
import json
import logging
import os
import pathlib
import secrets
import sys
import types

# What Ray reads when it is imported: it listens on loopback, to nobody without the secret of this
# one run, tells nobody that it is used, and shows the log of each replica whole.
ALONE = {
    "RAY_AUTH_MODE": "token",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def main(arguments: str, scaling: str | None = None) -> None:
    """Serves by settings in JSON; what is wrong with them is said in one sentence, status 2."""
    prepare(str(pathlib.Path(__file__).resolve().parent.parent))

    from tfzoo.serving.settings import Scaling, Settings

    try:
        settings = Settings(**json.loads(arguments), token=os.environ.pop("TFZOO_TOKEN", None))
        if scaling is None:
            from tfzoo.serving.server import run

            asyncio.run(run(settings))
        else:
            os.environ.update(ALONE, RAY_AUTH_TOKEN=secrets.token_hex(32))
            from tfzoo.serving import ray_server

            ray_server.run(settings, Scaling(**json.loads(scaling)))
    except (OSError, TypeError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


def prepare(house: str) -> None:
    """Makes this a process of the server.

    Args:
        house: the folder of tfzoo, of which nothing but the server can be imported from now on.
    """
    package = types.ModuleType("tfzoo")
    package.__path__ = [house]
    sys.modules.update({"tfzoo": package, "tfzoo.models": None, "keras": None})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("tfzoo.serving").setLevel(logging.INFO)


if __name__ == "__main__":
    main(*sys.argv[1:])
