locals {
  rules = templatefile("${path.module}/alerts.yaml.tpl", {
    volume_free_ratio = 0.2 # 0.1 left too little time
    least_nodes       = 2
    team              = "platform"
    zones             = ["a", "b"]
  })
}

resource "helm_release" "prometheus" {
  name       = "prometheus"
  namespace  = "monitoring"
  repository = "https://prometheus-community.github.io/helm-charts"
  chart      = "prometheus"
  version    = "25.8.2"
  timeout    = 600

  values = [templatefile("${path.module}/prometheus_chart_values.tpl", {
    alertmanager_slack_api_url = var.alertmanager_slack_api_url
    grace                      = "10m"
  })]
}

variable "alertmanager_slack_api_url" {
  type      = string
  sensitive = true
}
