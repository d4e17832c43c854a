#!/usr/bin/env bash
# Installs tfzoo into .venv, trains a small GPT for about three minutes, lets it write, exports it,
# and calls the export from a second process that knows neither tfzoo nor Keras.
#
#     bash scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup_environment.sh

setup_environment

say "Training a small GPT on the Python standard library's source: about three minutes."
export TF_CPP_MIN_LOG_LEVEL=3 # TensorFlow's remarks on the hardware would hide the rest
exec "$ENVIRONMENT_PYTHON" scripts/quickstart.py
