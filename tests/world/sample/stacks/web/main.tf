terraform {
  backend "local" {}
}

locals {
  idle_timeout_seconds = 60
  replicas             = 3
}

resource "terraform_data" "frontend" {
  input = {
    image    = "wiki-frontend:4.1.0"
    replicas = local.replicas
  }
}

# The load balancer cannot change its timeouts while it runs: a new one is made, and sessions are cut.
resource "terraform_data" "load_balancer" {
  input            = { listeners = ["http", "https"] }
  triggers_replace = { idle_timeout_seconds = local.idle_timeout_seconds }
}
