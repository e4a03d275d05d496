#!/usr/bin/env bash
# Runs a command in the environment of the image.
set -eo pipefail
# shellcheck source=/dev/null
. "$AISLE_ENVIRONMENT"
exec "$@"
