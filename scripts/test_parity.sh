#!/usr/bin/env bash
# Installs PyTorch and transformers into .venv and compares tfzoo with them, side by side.
#
#     bash scripts/test_parity.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup_environment.sh

setup_environment parity

say "Comparing with PyTorch."
exec "$ENVIRONMENT_PYTHON" -m pytest tests/parity "$@"
