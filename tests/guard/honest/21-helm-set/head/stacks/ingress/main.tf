resource "helm_release" "metrics" {
  name       = "metrics-server"
  chart      = "metrics-server"
  repository = "https://kubernetes-sigs.github.io/metrics-server"

  set {
    name  = "replicas"
    value = "2"
  }

  set {
    name  = "podDisruptionBudget.minAvailable"
    value = "1"
  }
}
