#!/bin/sh
# Makes the policy and the role in Vault or OpenBao; may be repeated. Needs VAULT_ADDR and a login that may write
# policies and roles.
#
#   deploy/kubernetes/vault.sh
#
# VAULT            the command: vault (default) or bao
# AUTH_MOUNT       where the kubernetes login is mounted (kubernetes); it must be there already
# ROLE             what vault.role says in the configuration (ci)
# NAMESPACE        the pod's namespace (followthrough)
# SERVICE_ACCOUNT  the pod's service account (followthrough)
# AUDIENCE         the audience of the pod's token (vault)
set -eu

vault=${VAULT:-vault}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

"$vault" policy write followthrough "$here/vault-policy.hcl"

# The default policy stays on the token: with it the service revokes its own token after use.
"$vault" write "auth/${AUTH_MOUNT:-kubernetes}/role/${ROLE:-ci}" \
    bound_service_account_names="${SERVICE_ACCOUNT:-followthrough}" \
    bound_service_account_namespaces="${NAMESPACE:-followthrough}" \
    audience="${AUDIENCE:-vault}" \
    token_policies=followthrough \
    token_ttl=5m \
    token_max_ttl=5m
