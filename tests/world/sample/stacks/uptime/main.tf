terraform {
  backend "local" {}
}

locals {
  monitors = yamldecode(file("${path.module}/monitors.yaml")).monitors
}

resource "terraform_data" "monitors" {
  input = [for m in local.monitors : "${m.name}: ${m.type} ${m.target} every ${m.interval_seconds} s"]
}
