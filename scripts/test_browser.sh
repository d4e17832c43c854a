#!/usr/bin/env bash
# Opens the page of `tfzoo demo` in a headless Chromium: types, clicks, looks.
#
#     bash scripts/test_browser.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup_environment.sh

for program in chromium chromedriver; do
    command -v "$program" > /dev/null || stop "The tests in a browser need $program: install it" \
        "(on Debian with 'apt install chromium chromium-driver') and run this again."
done

setup_environment test

say "Running the tests in a browser."
# Selenium is told where both are; it need not look for them on the network.
SE_OFFLINE=true exec "$ENVIRONMENT_PYTHON" -m pytest tests/browser "$@"
