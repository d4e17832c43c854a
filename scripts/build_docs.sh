#!/usr/bin/env bash
# Builds the documentation into build/docs; a broken link or a name that is not there stops it.
#
#     bash scripts/build_docs.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup_environment.sh

setup_environment docs

say "Building the documentation."
NO_MKDOCS_2_WARNING=1 "$ENVIRONMENT/bin/mkdocs" build --strict --quiet
say "Open build/docs/index.html."
