#!/bin/sh
# Starts OpenBao in dev mode with the root token of the secrets volume.
set -eu
BAO_DEV_ROOT_TOKEN_ID=$(cat /run/followthrough/openbao/root_token)
export BAO_DEV_ROOT_TOKEN_ID
# Dev mode greets with the root token on standard output, and that would stay in the container's log; what it logs goes
# to standard error.
exec bao server -dev -dev-no-store-token -dev-listen-address=0.0.0.0:8200 >/dev/null
