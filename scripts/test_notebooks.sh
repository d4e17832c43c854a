#!/usr/bin/env bash
# Runs every notebook from top to bottom: 10 to 25 minutes. They are tests that show how to work.
#
#     bash scripts/test_notebooks.sh
#     bash scripts/test_notebooks.sh --overwrite  # and stores what they show
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup_environment.sh

setup_environment test

say "Running the notebooks."
exec "$ENVIRONMENT_PYTHON" -m pytest -n 2 --nbmake --nbmake-timeout=2400 notebooks "$@"
