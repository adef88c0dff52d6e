terraform {
  backend "local" {}
}

locals {
  thresholds = {
    disk_full_percent   = 85
    memory_full_percent = 90
    scrape_down_minutes = 5
  }
}

# Decoding first lets a broken rule file fail the plan instead of Prometheus.
resource "terraform_data" "alerting_rules" {
  input = yamlencode(yamldecode(templatefile("${path.module}/prometheus_rules.yaml.tpl", local.thresholds)))
}
