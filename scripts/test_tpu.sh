#!/usr/bin/env bash
# Installs the TPU's compiler into .venv and compiles every model for a TPU that is not there.
#
#     bash scripts/test_tpu.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup_environment.sh

setup_environment tpu-check

say "Compiling for TPUs."
exec "$ENVIRONMENT_PYTHON" -m pytest -n 2 tests/tpu "$@"
