# What Followthrough may do in Vault: read the one secret that holds the DevVM's key. A KV v2 engine mounted at
# "secret" serves the secret ci/infra below data/.
path "secret/data/ci/infra" {
  capabilities = ["read"]
}
